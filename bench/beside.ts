/**
 * This project beside other clients that compute the same from the same local S3 server, in one run:
 * time, processor time and memory of all their processes, requests and bytes as the server counts them,
 * and equal results: `deno run -A bench/beside.ts`. A client whose programs are missing is named with
 * the reason. In brackets is the share of a cost that the first row of the job takes. It takes seven minutes on two quiet cores, and 5 GB of disk. With `--short` one step and few
 * members, and requests, bytes and results are asserted: times never are.
 *
 * The server works on the same cores; its time is not counted, but it makes whole messages dearer.
 *
 * @module
 */
import { assert } from "jsr:@std/assert@^1.0.0";
import { writeMessages } from "../fixtures/full_run.ts";
import { stepFiles } from "../lib/ecmwf/files.ts";
import { ENSEMBLE_SIZE } from "../lib/ecmwf/members.ts";
import { findVariables } from "../lib/ecmwf/variables.ts";
import { parseIndex } from "../lib/index/entries.ts";
import { finalFileName } from "../lib/kerchunk/final_files.ts";
import { GIK } from "../lib/output/profile.ts";
import { makeBase, RUN, VARIABLES } from "./base_run.ts";
import * as clients from "./beside/clients.ts";
import { type ClientCost, formatCosts, formatHead } from "./beside/cost_table.ts";
import { runCommand } from "./beside/process_cost.ts";
import { type FieldPair, findLargestDifference } from "./beside/results.ts";
import { describeMachine, IS_SHORT, runAgainstServer, ServerProcess } from "./measure.ts";

const STEPS = IS_SHORT ? GIK.steps.slice(0, 1) : GIK.steps;
const [STEP] = STEPS as [number];

/** A job for this project and some others. */
interface Comparison {
  title: string;
  job: clients.Job;
  /** The first one is this project's, whose results the others are compared with. */
  clients: readonly clients.Client[];
  /** Runs of each client, in turn, of which the fastest counts. */
  rounds: number;
  /** Of the server: what makes its line slow. */
  serverFlags: readonly string[];
}

const LOOPBACK = { line: "loopback", serverFlags: [] };
const NARROW = {
  line: "30 ms, 200 Mbit/s",
  serverFlags: ["--latency-ms", "30", "--bandwidth-mbit", "200"],
};

/** The comparisons, the largest first. */
function planComparisons(folder: string): Comparison[] {
  const joined = clients.eccodesInC(folder, clients.JOINED_BYTES);
  const inC = [clients.FORECAST, clients.eccodesInC(folder, 0), joined];
  const fast = [...inC, clients.ECCODES_IN_PYTHON];
  const slow = [clients.FORECAST, clients.CDO, clients.cfgrib("range"), clients.cfgrib("open")];
  const one = [clients.ZARRITA, clients.XARRAY, clients.EXTRACT];
  const step = { steps: [STEP], members: ENSEMBLE_SIZE, variables: VARIABLES };
  const few = { ...step, members: IS_SHORT ? 2 : 10 };
  const field = { ...step, members: 1, variables: findVariables(["t2m"]) };
  const always = [
    { job: step, clients: fast, rounds: 3, ...LOOPBACK },
    { job: few, clients: slow, rounds: 1, ...LOOPBACK },
    { job: field, clients: one, rounds: 5, ...LOOPBACK },
  ];
  const long = [
    { job: { ...step, steps: STEPS }, clients: fast, rounds: 2, ...LOOPBACK },
    { job: step, clients: inC, rounds: 1, ...NARROW },
  ];
  return (IS_SHORT ? always : [...long, ...always]).map(({ line, ...it }) => ({
    ...it,
    title: `${describeJob(it.job)}, ${line}`,
    rounds: IS_SHORT ? 1 : it.rounds,
  }));
}

function describeJob({ members, steps, variables }: clients.Job): string {
  const counts = { member: members, step: steps.length, variable: variables.length };
  return Object.entries(counts).map(([name, count]) => formatPlural(count, name)).join(" × ");
}

function formatPlural(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

/** Where the files of the run and the results are. */
interface Place {
  bucket: string;
  references: string;
  /** For results. */
  folder: string;
}

/** Writes the run, and the store of the control's references at one step. */
async function makePlace(work: string): Promise<Place> {
  const [bucket, stores] = [`${work}/bucket`, `${work}/stores`];
  await writeMessages(bucket, RUN, STEPS, await makeBase(`${work}/base`));
  const step = ["--steps", `${STEP}`, "--scan", "--hours", `${STEP}`, "--max-members", "1"];
  const store = ["--format", "kerchunk-json", "--output-dir", stores];
  const run = ["--date", RUN.date, "--run", RUN.hour];
  await runAgainstServer(bucket, "stages/pipeline.ts", [...run, ...step, ...store]);
  const references = `${stores}/${finalFileName("kerchunk-json", 0)}`;
  return { bucket, references, folder: work };
}

/** Runs a client once, with a server of its own. */
async function runClient(
  client: clients.Client,
  { job, serverFlags }: Comparison,
  place: Place,
) {
  const output = await Deno.makeTempFile({ dir: place.folder });
  await Deno.remove(output);
  await using server = await ServerProcess.start(place.bucket, serverFlags);
  const { references } = place;
  const assignment = { ...job, references, output, endpoint: server.url };
  const cost = await runCommand(client.command(assignment));
  const { requests, bytesSent: receivedBytes } = await server.stop();
  const result = await client.readResult(assignment);
  return { cost: { ...cost, name: client.name, requests, receivedBytes }, result };
}

/** Runs the clients in turn, and gives the fastest run of each with its largest memory. */
async function compareClients(comparison: Comparison, place: Place): Promise<ClientCost[]> {
  const best = new Map<string, ClientCost>();
  let expected: FieldPair[] | undefined;
  for (let round = 0; round < comparison.rounds; round++) {
    for (const client of comparison.clients) {
      const { cost, result } = await runClient(client, comparison, place);
      expected ??= result;
      const share = client.isSingle ? 1 : undefined;
      const largestDifference = findLargestDifference(result, expected, share);
      assert(largestDifference <= 1e-6, `${client.name} differs by ${largestDifference}`);
      const earlier = best.get(client.name);
      const peakBytes = Math.max(cost.peakBytes, earlier?.peakBytes ?? 0);
      const isFaster = !earlier || cost.wallSeconds < earlier.wallSeconds;
      best.set(client.name, {
        ...(isFaster ? { ...cost, largestDifference } : earlier),
        peakBytes,
      });
    }
  }
  return [...best.values()];
}

/** What a client receives that fetches the indexes, and each message by a request. */
async function countWhole(
  { steps, members, variables }: clients.Job,
  { bucket }: Place,
): Promise<clients.WholeTraffic> {
  const whole = { indexes: steps.length, indexBytes: 0, messages: 0, messageBytes: 0 };
  for (const { indexUrl } of steps.flatMap((step) => stepFiles(RUN, step))) {
    const text = await Deno.readTextFile(bucket + new URL(indexUrl).pathname);
    whole.indexBytes += text.length;
    for (const { number, param, levelist, _length } of parseIndex(text).entries) {
      const isWanted = Number(number ?? 0) < members &&
        variables.some((variable) =>
          variable.param === param && (variable.level ?? 0) === Number(levelist ?? 0)
        );
      if (!isWanted) continue;
      whole.messages++;
      whole.messageBytes += _length;
    }
  }
  return whole;
}

/** Those of the clients that can run here; the others go to `ignored`, each with the reason. */
async function findPresent(
  all: readonly clients.Client[],
  ignored: Map<string, string>,
): Promise<clients.Client[]> {
  const present: clients.Client[] = [];
  for (const client of all) {
    const obstacle = await client.findObstacle();
    if (obstacle === undefined) present.push(client);
    else ignored.set(client.name, obstacle);
  }
  return present;
}

const work = await Deno.makeTempDir();
try {
  const ignored = new Map<string, string>(clients.ABSENT);
  const place = await makePlace(work);
  console.log(`${describeMachine()}\n`);
  for (const line of formatHead()) console.log(line);
  for (const comparison of planComparisons(work)) {
    const present = await findPresent(comparison.clients, ignored);
    const whole = await countWhole(comparison.job, place);
    const costs = await compareClients({ ...comparison, clients: present }, place);
    const title = `${comparison.title}: ${formatPlural(whole.messages, "message")}`;
    for (const row of formatCosts(title, costs[0]!, costs.slice(1), whole.messages)) {
      console.log(row);
    }
    for (const [i, cost] of costs.entries()) {
      const { name, requests, receivedBytes } = cost;
      const isRight = present[i]!.isExpected(cost, whole);
      assert(isRight, `${name}: ${requests} requests, ${receivedBytes} bytes`);
    }
  }
  console.log();
  for (const [name, why] of ignored) console.log(`ignored: ${name}: ${why}`);
} finally {
  await Deno.remove(work, { recursive: true });
}
