/**
 * The bytes of `extract` of one field of 51 members, of which each member's message needs another share,
 * beside those of a client that sees half of the future: `deno run -A bench/rain_bytes.ts`, half a
 * minute. It counts bytes and requests, so that the machine does not matter.
 *
 * That client knows from the start how the need of all messages depends on their length, by least
 * squares, asks for a margin that it chose after it saw the result, and a second request of it brings
 * exactly the rest. All that it does not know is by how much each message deviates, which nothing before
 * the message says.
 *
 * Messages are of 1°, a thirteenth as long as those of 0.25°, and so is what a request costs.
 *
 * @module
 */
import { planRun } from "../fixtures/embedded_run.ts";
import { ENSEMBLE_SIZE } from "../lib/ecmwf/members.ts";
import { parseRun } from "../lib/ecmwf/run.ts";
import { findVariable } from "../lib/ecmwf/variables.ts";
import { DEFAULT_POLICY, type FetchPolicy } from "../lib/ensemble/fetch_plan.ts";
import { reduceFields } from "../lib/ensemble/reduce_fields.ts";
import { GIK } from "../lib/output/profile.ts";
import { openStorage } from "../lib/storage/mod.ts";
import { readNeeds } from "./least_bytes.ts";
import { ROOT, ServerProcess } from "./measure.ts";

const RUN = parseRun("20260206", "00");
const STEP = 36;
const PARAMS = ["tp", "sf", "ro", "tcc"];
const SMALL = 1 / 13;
const REQUEST_BYTES = SMALL * DEFAULT_POLICY.leastGapBytes;
const POLICY: FetchPolicy = {
  prefixes: true,
  ...{ gapBytes: REQUEST_BYTES, leastGapBytes: REQUEST_BYTES, throttledGapBytes: REQUEST_BYTES },
  wholeBytes: SMALL * DEFAULT_POLICY.wholeBytes,
  // In ECMWF's files other fields lie between these messages.
  maxJoinedBytes: 0,
};

/** What fetching the messages of a field took. */
interface Fetched {
  /** Beyond those that are needed, by those. */
  excess: number;
  /** Second requests, by messages. */
  second: number;
}

interface Message {
  length: number;
  needed: number;
}

async function makeRun(folder: string): Promise<void> {
  const args = ["--date", RUN.date, "--run", RUN.hour, "--steps", `${STEP}`, "--grid", "1"];
  const { success, stderr } = await new Deno.Command("/usr/bin/python3", {
    args: [
      ...[`${ROOT}../shared/tools/make_run.py`, folder, ...args],
      ...["--members", `${ENSEMBLE_SIZE}`, "--only", PARAMS.join()],
    ],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Fetches a field as `extract` does. */
async function fetchField(endpoint: string, param: string, needed: number): Promise<Fetched> {
  const storage = openStorage({ endpoint });
  const members = { run: RUN, members: ENSEMBLE_SIZE };
  const plan = await planRun(members, storage, [findVariable(param)!], [STEP]);
  const before = storage.counters.bytesReceived;
  let seconds = 0;
  await reduceFields(plan, {
    ...{ storage, run: RUN, region: GIK.region, policy: POLICY, parallelFetches: 16 },
    onSecondRequest: () => seconds++,
  });
  const received = storage.counters.bytesReceived - before;
  return { excess: received / needed - 1, second: seconds / ENSEMBLE_SIZE };
}

/** How much each message needs beyond what its length says. */
function findResiduals(messages: readonly Message[]): number[] {
  const mean = (values: number[]) => values.reduce((sum, it) => sum + it, 0) / values.length;
  const length = mean(messages.map((it) => it.length));
  const needed = mean(messages.map((it) => it.needed));
  const products = mean(messages.map((it) => (it.length - length) * (it.needed - needed)));
  const squares = mean(messages.map((it) => (it.length - length) ** 2));
  const slope = products / squares;
  return messages.map((it) => it.needed - needed - slope * (it.length - length));
}

/** What the client takes that sees half of the future, with every margin that could be the best. */
function foresee(messages: readonly Message[]): Fetched[] {
  const needed = messages.reduce((sum, it) => sum + it.needed, 0);
  const residuals = findResiduals(messages).sort((a, b) => a - b);
  return residuals.map((margin, i) => {
    const excess = residuals.slice(0, i).reduce((sum, it) => sum + margin - it, 0);
    return { excess: excess / needed, second: 1 - (i + 1) / residuals.length };
  });
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
const showFetched = ({ excess, second }: Fetched) =>
  `${(1 + excess).toFixed(2)}, ${percent(second)}`;

const work = await Deno.makeTempDir();
try {
  await makeRun(work);
  await using server = await ServerProcess.start(work);
  console.log("| field | `extract` | cheapest with foresight | 1.05 with foresight |");
  console.log("| ----- | --------- | ----------------------- | ------------------- |");
  for (const param of PARAMS) {
    const lengths: number[] = [];
    const [parts] = await readNeeds(work, RUN, [STEP], GIK.region, (entry) => {
      const isWanted = entry.param === param;
      if (isWanted) lengths.push(entry._length);
      return isWanted;
    });
    const messages = parts!.map(({ length }, i) => ({ length: lengths[i]!, needed: length }));
    const needed = messages.reduce((sum, it) => sum + it.needed, 0);
    const price = REQUEST_BYTES * messages.length / needed;
    const choices = foresee(messages);
    const cost = ({ excess, second }: Fetched) => excess + price * second;
    const cheapest = choices.reduce((best, it) => cost(it) < cost(best) ? it : best);
    const near = choices.findLast(({ excess }) => excess <= 0.05)!;
    const ours = await fetchField(server.url, param, needed);
    console.log(`| ${param} | ${[ours, cheapest, near].map(showFetched).join(" | ")} |`);
  }
} finally {
  await Deno.remove(work, { recursive: true });
}
