/**
 * The time and requests of an array job by the number of its workers, computed from measurements:
 * `deno run -A bench/scaling.ts`. Prints a Markdown table.
 *
 * The time of a job is
 *
 *     start + max(largest part × time of a message, requests ÷ rate of the bucket) + start + merge
 *
 * - start: from the start of a task's process to its first request for a message; it reads the
 *   references of all 51 members. Measured here with a task without fields, for stores on this
 *   disk; on Google Cloud Storage the requests are counted, and their time depends on latency. It
 *   does not include starting a machine or container: nothing on Slurm, seconds on Kubernetes, a
 *   minute or two in a cloud.
 * - largest part: messages of the worker with most, as `lib/checkpoint/partition_fields.ts` cuts
 *   the fields.
 * - time of a message: the longer of decoding and transfer over the worker's line, which overlap.
 *   Both from `bench/stream.ts`, for a worker of two cores.
 * - rate: requests a second that the bucket answers to all workers together before it answers 503.
 *   The client finds that rate (`bench/polite.ts`: 96 % of it). Amazon names 5,500 a prefix
 *   (docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html); ECMWF's bucket has
 *   been slower at times, so 50 and 200 are shown as well.
 * - merge: fields read over the line of one worker.
 *
 * @module
 */
import { assert } from "jsr:@std/assert@^1.0.0";
import { writeIndexes } from "../fixtures/full_run.ts";
import { startGcsServer } from "../fixtures/gcs_server.ts";
import { ENSEMBLE_SIZE } from "../lib/ecmwf/members.ts";
import { parseRun, runSteps } from "../lib/ecmwf/run.ts";
import { findVariables, GIK_VARIABLES } from "../lib/ecmwf/variables.ts";
import type { PlannedField } from "../lib/ensemble/field_plan.ts";
import { partitionFields } from "../lib/checkpoint/partition_fields.ts";
import { GIK } from "../lib/output/profile.ts";
import { ROOT, runAgainstServer, runModule } from "./measure.ts";

/** Measured by `bench/stream.ts`: 9 steps on the loopback. */
const STREAMED = { messages: 5508, requests: 3407, bytes: 2743e6, seconds: 9.0 };
const LINE_BITS_PER_SECOND = 200e6;
const RATES = [50, 200, 5500];
const WORKERS = [1, 3, 9, 20, 50, 85, 170];
/** Mean and deviation of 157 × 145 points, float32. */
const FIELD_BYTES = 2 * 157 * 145 * 4;
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

/**
 * Messages of the largest part when a run is cut for `workers`; all messages have one size. In ECMWF's
 * files few of the fields lie beside each other, so that parts are as equal as they can be.
 */
function countLargestPart(steps: readonly number[], workers: number): number {
  const plan = steps.flatMap((stepHours) =>
    VARIABLES.map((variable, i): PlannedField => {
      const reference = { url: `${stepHours}`, offset: 1e9 * i, length: 1000 };
      const messages = [{ member: 0, reference }];
      return { variable, stepHours, messages, rejections: [] };
    })
  );
  const parts = partitionFields(plan, workers).map(({ length }) => length);
  return Math.max(...parts) * ENSEMBLE_SIZE;
}

/** Computed time and requests of a job. */
interface Job {
  seconds: number;
  /** Requests to ECMWF's bucket, and to the one with references and fields. */
  requests: number;
  ownRequests: number;
}

function describeJob(steps: readonly number[], workers: number, rate: number, task: TaskCost): Job {
  const fields = steps.length * VARIABLES.length;
  const requests = fields * ENSEMBLE_SIZE * (STREAMED.requests / STREAMED.messages);
  const decoding = (STREAMED.seconds - task.seconds) / STREAMED.messages;
  const transfer = STREAMED.bytes / STREAMED.messages * 8 / LINE_BITS_PER_SECOND;
  const messages = countLargestPart(steps, workers) * Math.max(decoding, transfer);
  const merge = fields * FIELD_BYTES * 8 / LINE_BITS_PER_SECOND;
  return {
    seconds: 2 * task.seconds + Math.max(messages, requests / rate) + merge,
    requests,
    // Every task and the merge read references and list the work folder; a field is put, and read.
    ownRequests: (workers + 1) * (task.requests + 1) + 2 * fields,
  };
}

function formatRow(steps: readonly number[], workers: number, task: TaskCost): string {
  const jobs = RATES.map((rate) => describeJob(steps, workers, rate, task));
  const times = RATES.map((rate, i) => {
    const shortest = Math.min(
      ...WORKERS.map((count) => describeJob(steps, count, rate, task).seconds),
    );
    const first = WORKERS.find((count) =>
      describeJob(steps, count, rate, task).seconds <= NEAR * shortest
    );
    const text = formatSeconds(jobs[i]!.seconds);
    return workers === first ? `**${text}**` : text;
  });
  const { requests, ownRequests } = jobs[0]!;
  return `| ${
    [steps.length, workers, ...times, formatCount(requests), formatCount(ownRequests)].join(" | ")
  } |`;
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
