/**
 * What `stages/stream.ts` costs by steps, by members and by region, each number also for a message, so that
 * one sees what is linear: `deno run -A bench/job_sizes.ts` prints a Markdown table. 12 variables at
 * 0.25°, from a local S3 server, start of the process included; the whole run of 85 steps and 39 GB is
 * made by the server when it is asked for (`fixtures/copied_run.ts`). One task of array jobs of several
 * sizes is measured as well, and the globe beside two processes of Python with ecCodes
 * (`fixtures/eccodes_pipeline.py`), whose results must be equal.
 *
 * With `--short` fewer steps. Both assert counts, bytes and memory, never a time.
 *
 * @module
 */
import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { ENSEMBLE_SIZE } from "../lib/ecmwf/members.ts";
import { runSteps } from "../lib/ecmwf/run.ts";
import type { Region } from "../lib/grib/mod.ts";
import { GIK } from "../lib/output/profile.ts";
import { formatRegion, REGIONS } from "../lib/output/regions.ts";
import { formatDuration, formatMegabytes } from "../lib/util/numbers.ts";
import { RUN, type ServedRun, serveRun } from "./base_run.ts";
import { type EccodesReport, runEccodes } from "./eccodes_run.ts";
import { type Cost, describeMachine, IS_SHORT, runAgainstServer } from "./measure.ts";

/** Both poles and all 1,440 meridians. */
const GLOBE: Region = { north: 90, west: -180, south: -90, east: 179.75 };

/** What is streamed. */
interface Job {
  name: string;
  steps: readonly number[];
  members: number;
  region: Region;
  /** Which part of it, as `--task` takes it. @default {undefined} (all) */
  task?: string;
}

/** The first steps of the default output and those after it; all of the run where it has no more. */
function chooseFirst(count: number): number[] {
  const all = runSteps(RUN);
  const after = all.filter((step) => step >= GIK.steps[0]!);
  return count <= after.length ? after.slice(0, count) : all;
}

const DEFAULT = { steps: GIK.steps, members: ENSEMBLE_SIZE, region: GIK.region };
const FEW = { ...DEFAULT, steps: chooseFirst(3) };

const STEP_JOBS: Job[] = (IS_SHORT ? [3, 9] : [9, 27, 85])
  .map((count) => ({ name: `${count} steps`, ...DEFAULT, steps: chooseFirst(count) }));
const FEW_MEMBERS: Job = { name: "10 members", ...(IS_SHORT ? FEW : DEFAULT), members: 10 };
const REGION_JOBS: Job[] = (IS_SHORT ? ["rwanda"] : ["rwanda", "africa"])
  .map((name) => ({ name, ...(IS_SHORT ? FEW : DEFAULT), region: REGIONS[name]! }));
const GLOBE_JOB: Job = {
  name: "the globe",
  ...(IS_SHORT ? { ...DEFAULT, steps: chooseFirst(1) } : DEFAULT),
  region: GLOBE,
};
const TASK_JOBS: Job[] = (IS_SHORT ? [36] : [9, 20, 36])
  .map((count) => ({ name: `a task of ${count}`, ...DEFAULT, task: `0/${count}` }));

/** All is well, or messages are implausible: copies of step 36 rain too much for the steps 0 and 3. */
const ACCEPTED = [0, 5];

/** What a job cost. */
interface JobCost extends Cost {
  messages: number;
  requests: number;
  /** Received from the server. */
  bytes: number;
  secondRequests: number;
  /** The NetCDF; of a task its finished fields. */
  outputBytes: number;
}

/** Runs a job, and gives its output to `use` before that is removed. */
async function runJob(
  { bucket, stores }: ServedRun,
  { steps, members, region, task }: Job,
  use: (netcdf: string) => Promise<void> = () => Promise.resolve(),
): Promise<JobCost> {
  const folder = await Deno.makeTempDir();
  try {
    const summary = `${folder}/summary.json`;
    const output = `${folder}/output`;
    const args = [
      ...["--parquet-dir", stores, "--output-dir", output, "--summary", summary, "--quiet"],
      ...["--steps", steps.join(","), "--max-members", `${members}`],
      `--region=${formatRegion(region)}`,
      ...(task === undefined ? [] : ["--task", task, "--work", output]),
    ];
    const cost = await runAgainstServer(bucket, "stages/stream.ts", args, [], ACCEPTED);
    const { messages, fetched } = JSON.parse(await Deno.readTextFile(summary));
    await use(`${output}/${GIK.fileName(RUN)}`);
    assertEquals(messages.used, messages.wanted);
    return {
      ...cost,
      messages: messages.wanted,
      requests: cost.counters.requests,
      bytes: cost.counters.bytesSent,
      secondRequests: fetched.secondRequests,
      outputBytes: await sumSizes(output),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function sumSizes(folder: string): Promise<number> {
  let sum = 0;
  for await (const { name } of Deno.readDir(folder)) {
    const { isFile, size } = await Deno.stat(`${folder}/${name}`);
    if (isFile) sum += size;
  }
  return sum;
}

/** A number of a job, for people: the sum, and its share of a message. */
type Column = [head: string, describe: (cost: JobCost) => string];

const SHARE = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

const perMessage = (sum: string, share: number, unit: string) =>
  `${sum} (${SHARE.format(share)}${unit})`;

const COLUMNS: Column[] = [
  ["messages", ({ messages }) => messages.toLocaleString("en")],
  [
    "time (a message)",
    ({ wallSeconds, messages }) =>
      perMessage(`${wallSeconds.toFixed(1)} s`, 1000 * wallSeconds / messages, " ms"),
  ],
  [
    "processor",
    ({ cpuSeconds, messages }) =>
      perMessage(`${cpuSeconds.toFixed(1)} s`, 1000 * cpuSeconds / messages, " ms"),
  ],
  [
    "received",
    ({ bytes, messages }) =>
      perMessage(`${formatMegabytes(bytes)} MB`, bytes / 1000 / messages, " kB"),
  ],
  [
    "requests",
    ({ requests, messages }) => perMessage(requests.toLocaleString("en"), requests / messages, ""),
  ],
  [
    "second requests",
    ({ secondRequests, messages }) =>
      perMessage(`${secondRequests}`, secondRequests / messages, ""),
  ],
  [
    "written",
    ({ outputBytes, messages }) =>
      perMessage(`${formatMegabytes(outputBytes)} MB`, outputBytes / 1000 / messages, " kB"),
  ],
  [
    "peak memory",
    ({ peakRssBytes, messages }) =>
      perMessage(`${formatMegabytes(peakRssBytes)} MB`, peakRssBytes / 1000 / messages, " kB"),
  ],
];

const formatRow = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

function describeJob({ name }: Job, cost: JobCost): string {
  return formatRow([name, ...COLUMNS.map(([, describe]) => describe(cost))]);
}

function describePair(ours: JobCost, theirs: EccodesReport): string {
  const compare = (own: number, other: number) =>
    `${own.toFixed(1)} and ${other.toFixed(1)}, ${(own / other).toFixed(2)}`;
  const peak = formatMegabytes(theirs.peakRssBytes);
  return `the globe here and by ecCodes: ${compare(ours.wallSeconds, theirs.seconds)} s, ` +
    `${
      compare(ours.cpuSeconds, theirs.cpuSeconds)
    } s of processors, there ${peak} MB in each of two ` +
    `processes; largest difference ${theirs.largestDifference.toExponential(1)}`;
}

// ---- what is asserted ----

/** How far requests and bytes of a message may be from those with fewer steps. */
const LINEAR_TOLERANCE = 0.03;
const MOST_SECOND_REQUESTS = 0.03;
/** What the heap of a longer job may take more, as garbage is collected late. */
const LATE_GARBAGE_BYTES = 150e6;

function assertLinear(fewer: JobCost, more: JobCost): void {
  for (const name of ["requests", "bytes"] as const) {
    const ratio = more[name] / more.messages / (fewer[name] / fewer.messages);
    assert(Math.abs(ratio - 1) <= LINEAR_TOLERANCE, `${ratio} times the ${name} of a message`);
  }
  // Fields are in memory until they are written, and once more while they are.
  const most = LATE_GARBAGE_BYTES + 2 * (more.outputBytes - fewer.outputBytes);
  const growth = more.peakRssBytes - fewer.peakRssBytes;
  assert(growth <= most, `memory grows by ${formatMegabytes(growth)} MB`);
}

/** A region that ends farther south needs more of each message. */
function assertAscending(jobs: readonly { job: Job; cost: JobCost }[]): void {
  const bySouth = jobs.toSorted((a, b) => b.job.region.south - a.job.region.south);
  const shares = bySouth.map(({ cost: { bytes, messages } }) => bytes / messages);
  assert(shares.every((share, i) => i === 0 || share > shares[i - 1]!), `${shares} bytes`);
}

/** The globe takes whole messages, once each, and neighbours share requests. */
function assertWhole(ours: JobCost, theirs: EccodesReport): void {
  assertEquals([ours.messages, ours.bytes], [theirs.messages, theirs.bytes]);
  assertEquals(ours.secondRequests, 0);
  assert(ours.requests <= ours.messages, `${ours.requests} requests`);
}

const start = performance.now();
const work = await Deno.makeTempDir();
try {
  const longest = STEP_JOBS.at(-1)!;
  const served = await serveRun(work, longest.steps);
  console.log(
    `${describeMachine()}; 51 members, 9 steps and East Africa where nothing else is said\n`,
  );
  const heads = ["job", ...COLUMNS.map(([head]) => head)];
  console.log(`${formatRow(heads)}\n|${" --- |".repeat(heads.length)}`);
  const measure = async (job: Job, use?: (netcdf: string) => Promise<void>) => {
    const cost = await runJob(served, job, use);
    console.log(describeJob(job, cost));
    assert(cost.secondRequests <= MOST_SECOND_REQUESTS * cost.messages);
    return { job, cost };
  };
  const bySteps = [];
  for (const job of STEP_JOBS) bySteps.push(await measure(job));
  for (const { cost } of bySteps.slice(1)) assertLinear(bySteps[0]!.cost, cost);
  const { cost: fewMembers } = await measure(FEW_MEMBERS);
  assert(fewMembers.requests <= 1.03 * fewMembers.messages, `${fewMembers.requests} requests`);
  const byRegion = bySteps.slice(0, 1);
  for (const job of REGION_JOBS) byRegion.push(await measure(job));
  let eccodes: EccodesReport | undefined;
  const { steps, region } = GLOBE_JOB;
  byRegion.push(
    await measure(GLOBE_JOB, async (netcdf) => {
      eccodes = await runEccodes(served.bucket, { steps, region, netcdf });
    }),
  );
  assertAscending(byRegion);
  const { cost: globe } = byRegion.at(-1)!;
  assertWhole(globe, eccodes!);
  for (const job of TASK_JOBS) await measure(job);
  console.log(`\n${describePair(globe, eccodes!)}`);
} finally {
  await Deno.remove(work, { recursive: true });
}
console.log(`it took ${formatDuration((performance.now() - start) / 1000)}`);
