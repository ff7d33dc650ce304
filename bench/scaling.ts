/**
 * The time and requests of an array job by the number of its workers, computed from measurements:
 * `deno run -A bench/scaling.ts`. Prints a Markdown table.
 *
 * `scaling_model.ts` has the formula and what was measured. Workers here have two cores of their own
 * and a line of 200 Mbit/s. The start of a task is measured here, with a task without fields, for
 * stores on this disk; on Google Cloud Storage the requests are counted, and their time depends on
 * latency. Amazon names 5,500 requests a second and prefix
 * (docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html); ECMWF's bucket has been
 * slower at times, so 50 and 200 are shown as well (`limited_tasks.ts` runs these with real tasks).
 *
 * @module
 */
import { assert } from "jsr:@std/assert@^1.0.0";
import { writeIndexes } from "../fixtures/full_run.ts";
import { startGcsServer } from "../fixtures/gcs_server.ts";
import { parseRun, runSteps } from "../lib/ecmwf/run.ts";
import { findVariables, GIK_VARIABLES } from "../lib/ecmwf/variables.ts";
import { GIK } from "../lib/output/profile.ts";
import { ROOT, runAgainstServer, runModule } from "./measure.ts";
import { computeRequests, computeSeconds, countFields, type Machines } from "./scaling_model.ts";

/** Of each worker. */
const MACHINES: Machines = { cores: 2, areCoresShared: false, bitsPerSecond: 200e6 };
const RATES = [50, 200, 5500];
const WORKERS = [1, 3, 9, 20, 50, 85, 170];
/** The fewest workers within this factor of the shortest time are in bold. */
const NEAR = 1.1;
/** The best of these runs counts, because the machine has other work too. */
const REPETITIONS = 5;

const RUN = parseRun("20260206", "00");
const VARIABLES = findVariables(GIK_VARIABLES);

/** The cost of a task before its first request for a message. */
interface TaskCost {
  seconds: number;
  /** Requests for references on Google Cloud Storage. */
  requests: number;
}

/** Runs a task without fields: with many more tasks than fields, the second has none. */
async function measureTask(stores: string, work: string, steps: number[]): Promise<TaskCost> {
  const tasks = 10 * steps.length * VARIABLES.length;
  const args = ["--steps", steps.join(","), "--task", `1/${tasks}`];
  let seconds = Infinity;
  for (let i = 0; i < REPETITIONS; i++) {
    const local = ["--parquet-dir", stores, "--work", `${work}/work`];
    const { wallSeconds } = await runModule("stages/stream.ts", [...args, ...local]);
    seconds = Math.min(seconds, wallSeconds);
  }
  await using gcs = await startGcsServer({
    buckets: { stores: stores.replace(/\/run$/, "") },
    publicBuckets: ["stores"],
  });
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--frozen", `${ROOT}stages/stream.ts`, ...args],
      ...["--gcs-parquet-path", "gs://stores/run", "--gcs-anonymous", "--work", `${work}/other`],
    ],
    env: { STORAGE_EMULATOR_HOST: gcs.url },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return { seconds, requests: gcs.counters.requests };
}

/** Requests to one's own bucket, with references and fields. */
function countOwnRequests(steps: readonly number[], workers: number, task: TaskCost): number {
  // Every task and the merge read references and list the work folder; a field is put, and read.
  return (workers + 1) * (task.requests + 1) + 2 * countFields(steps);
}

function formatRow(steps: readonly number[], workers: number, task: TaskCost): string {
  const compute = (workers: number, rate: number) =>
    computeSeconds({ steps, workers, rate, startSeconds: task.seconds, machines: MACHINES });
  const times = RATES.map((rate) => {
    const shortest = Math.min(...WORKERS.map((count) => compute(count, rate)));
    const first = WORKERS.find((count) => compute(count, rate) <= NEAR * shortest);
    const text = formatSeconds(compute(workers, rate));
    return workers === first ? `**${text}**` : text;
  });
  const requests = [computeRequests(steps), countOwnRequests(steps, workers, task)];
  return `| ${[steps.length, workers, ...times, ...requests.map(formatCount)].join(" | ")} |`;
}

function formatSeconds(seconds: number): string {
  return seconds < 120 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`;
}

function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en");
}

const folder = await Deno.makeTempDir();
try {
  const stores = `${folder}/stores/run`;
  const run = ["--date", RUN.date, "--run", RUN.hour, "--output-dir", stores];
  await writeIndexes(`${folder}/bucket`, RUN, runSteps(RUN));
  await runAgainstServer(`${folder}/bucket`, "stages/stage2.ts", run);
  await runModule("stages/stage3.ts", run);
  const heads = ["steps", "workers", ...RATES.map((rate) => `${formatCount(rate)} requests/s`)];
  const lines: string[] = [];
  for (const steps of [[...GIK.steps], runSteps(RUN)]) {
    const task = await measureTask(stores, folder, steps);
    console.log(
      `a task of ${steps.length} steps starts in ${task.seconds.toFixed(2)} s, ` +
        `with ${task.requests} requests when references are on Google Cloud Storage`,
    );
    lines.push(...WORKERS.map((workers) => formatRow(steps, workers, task)));
  }
  const columns = [...heads, "requests to ECMWF", "to one's own bucket"];
  console.log(`\n| ${columns.join(" | ")} |\n|${" ---: |".repeat(columns.length)}`);
  console.log(lines.join("\n"));
} finally {
  await Deno.remove(folder, { recursive: true });
}
