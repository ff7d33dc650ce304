/**
 * Real tasks of an array job, all at once on this machine, at a server that limits the requests of
 * all of them together, as S3 does (503 SlowDown): requests, refusals and time beside the model of
 * `scaling_model.ts`, and whether the merge writes the file of one machine:
 * `deno run -A bench/limited_tasks.ts`. Prints a Markdown table, in about eight minutes.
 *
 * 51 members × 6 steps × 12 variables at 0.25°; every answer takes 20 ms, as near S3. Six steps take
 * two cores 7 s, so that twenty tasks, whose starts take them another 4 s, wait for a server that
 * allows 50 requests a second; at 200 a second the cores are as scarce as requests. With `--short` two
 * steps and one size, in a minute. The messages take 2.8 GB of disk during the run, twenty tasks up to
 * 4 GB of memory.
 *
 * @module
 */
import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { formatMegabytes } from "../lib/util/numbers.ts";
import { GIK } from "../lib/output/profile.ts";
import { RUN, type StoredRun, writeRun } from "./base_run.ts";
import {
  describeMachine,
  IS_SHORT,
  runAgainstServer,
  runModule,
  ServerProcess,
} from "./measure.ts";
import { computeSeconds } from "./scaling_model.ts";

const STEPS = GIK.steps.slice(0, IS_SHORT ? 2 : 6);
const RATES = IS_SHORT ? [50] : [50, 200];
const COUNTS = IS_SHORT ? [6] : [1, 3, 9, 20];
const LATENCY_MS = 20;
/**
 * The server allows what it would in this time at once. With less it refuses what arrives while the
 * cores are busy with others, its own process included.
 */
const BURST_SECONDS = 0.5;

/** The most requests that are served, of those of one machine at a server without limit. */
const MOST_SERVED = 1.08;
/** The most refusals, of all requests: twenty clients that each try with one at a time come to half. */
const MOST_REFUSED = 0.6;

/** What a number of tasks cost. */
interface Course {
  served: number;
  refused: number;
  /** From the first start to the end of the merge. */
  seconds: number;
  /** When the first and the last task were done. */
  ends: [first: number, last: number];
  /** Peak memory of the largest task. */
  peakRssBytes: number;
}

/** Runs all tasks at once, and then the merge. A task that ends with another code than 0 throws. */
async function runTasks(
  bucket: string,
  args: readonly string[],
  count: number,
  rate: number,
): Promise<Course> {
  const limits = ["--rate", `${rate}`, "--burst", `${rate * BURST_SECONDS}`];
  await using server = await ServerProcess.start(bucket, [
    ...limits,
    ...["--latency-ms", `${LATENCY_MS}`],
  ]);
  const startMs = performance.now();
  const run = async (...part: string[]) => {
    const all = [...args, ...part, "--endpoint", server.url];
    const { peakRssBytes } = await runModule("stages/stream.ts", all);
    return { peakRssBytes, end: (performance.now() - startMs) / 1000 };
  };
  const indexes = Array.from({ length: count }, (_, index) => index);
  const tasks = await Promise.all(indexes.map((index) => run("--task", `${index}/${count}`)));
  const merge = await run("--merge");
  const { requests, byStatus } = await server.stop();
  const refused = byStatus["503"] ?? 0;
  const ends = tasks.map(({ end }) => end);
  return {
    served: requests - refused,
    refused,
    seconds: merge.end,
    ends: [Math.min(...ends), Math.max(...ends)],
    peakRssBytes: Math.max(...tasks.map(({ peakRssBytes }) => peakRssBytes)),
  };
}

const COLUMNS = [
  "requests a second",
  "tasks",
  "served",
  "of one machine's",
  "refused",
  "share",
  "tasks end",
  "time",
  "at the rate",
  "model",
  "time / model",
  "largest task",
];

function formatRow(
  rate: number,
  count: number,
  course: Course,
  alone: number,
  modelSeconds: number,
): string {
  const { served, refused, seconds, ends, peakRssBytes } = course;
  const cells = [
    rate,
    count,
    served,
    (served / alone).toFixed(2),
    refused,
    `${(100 * refused / (served + refused)).toFixed(1)} %`,
    `${ends.map((end) => end.toFixed(0)).join(" to ")} s`,
    `${seconds.toFixed(1)} s`,
    `${(served / rate).toFixed(1)} s`,
    `${modelSeconds.toFixed(1)} s`,
    (seconds / modelSeconds).toFixed(2),
    `${formatMegabytes(peakRssBytes)} MB`,
  ];
  return `| ${cells.join(" | ")} |`;
}

/** The best of a few starts of a task that has nothing to do. */
async function measureStart(args: readonly string[]): Promise<number> {
  let seconds = Infinity;
  for (let i = 0; i < 3; i++) {
    const { wallSeconds } = await runModule("stages/stream.ts", [...args, "--task", "1/1000"]);
    seconds = Math.min(seconds, wallSeconds);
  }
  return seconds;
}

/** Runs every number of tasks at every rate, prints a row of each, and asserts its counts. */
async function compare({ bucket, stores }: StoredRun, folder: string): Promise<void> {
  const output = `${folder}/${GIK.fileName(RUN)}`;
  const common = ["--parquet-dir", stores, "--steps", STEPS.join(","), "--output-dir", folder];
  const { counters } = await runAgainstServer(bucket, "stages/stream.ts", [...common, "--fresh"]);
  const expected = await Deno.readFile(output);
  const startSeconds = await measureStart([...common, "--work", `${folder}/idle`]);
  console.log(
    `${describeMachine()}; ${STEPS.length} steps; one machine without limit: ` +
      `${counters.requests} requests; a task starts in ${startSeconds.toFixed(2)} s\n`,
  );
  console.log(`| ${COLUMNS.join(" | ")} |\n|${" ---: |".repeat(COLUMNS.length)}`);
  const machines = {
    cores: navigator.hardwareConcurrency,
    areCoresShared: true,
    bitsPerSecond: Infinity,
  };
  for (const rate of RATES) {
    for (const count of COUNTS) {
      const args = [...common, "--work", `${folder}/work_${rate}_${count}`];
      await Deno.remove(output);
      const course = await runTasks(bucket, args, count, rate);
      const job = { steps: STEPS, workers: count, rate, startSeconds, machines };
      console.log(formatRow(rate, count, course, counters.requests, computeSeconds(job)));
      const { served, refused } = course;
      assert(served <= MOST_SERVED * counters.requests, `${served} requests were served`);
      assert(refused <= MOST_REFUSED * (served + refused), `${refused} requests were refused`);
      assertEquals(await Deno.readFile(output), expected);
    }
  }
}

const folder = await Deno.makeTempDir();
// Files are compared byte for byte.
Deno.env.set("SOURCE_DATE_EPOCH", "1770365700");
try {
  await compare(await writeRun(folder, STEPS), folder);
} finally {
  await Deno.remove(folder, { recursive: true });
}
