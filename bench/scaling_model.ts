/**
 * The time and requests of an array job, computed. What was measured stands here, once; a rate that
 * limits the job, and tasks that share cores, are part of it. `scaling.ts` prints what follows for
 * many workers, `limited_tasks.ts` compares it with real tasks.
 *
 * The time of a job is
 *
 *     start + max(work of the cores, transfer, joined requests ÷ used rate) + merge
 *
 * - start: from the start of a task's process to its first request for a message.
 * - work of the cores: processor time of the messages of the largest part, and of code that every task
 *   compiles anew, by the cores of a worker; where workers share cores, that of all of them, of their
 *   starts and of the server, by these cores.
 * - transfer: bytes of the largest part over the line of a worker.
 * - joined requests: a client that is refused joins more of them (`lib/ensemble/fetch_plan.ts`), the
 *   more the farther the rate is below what it would send; a task has less to join than a machine alone.
 * - used rate: what the bucket answers to all workers together before it answers 503, times the share
 *   of it that the clients use: the more of them, the less, because the last ones have the rate to
 *   themselves and find that out in seconds.
 * - merge: a start, and the fields over the line of one worker.
 *
 * Refused requests take no time of their own: the bucket that refuses one serves another. It leaves
 * out how machines or containers start (nothing on Slurm, a minute or two in a cloud),
 * messages that are longer than others, and a bucket whose rate changes meanwhile.
 *
 * @module
 */
import { ENSEMBLE_SIZE } from "../lib/ecmwf/members.ts";
import { findVariables, GIK_VARIABLES } from "../lib/ecmwf/variables.ts";
import type { PlannedField } from "../lib/ensemble/field_plan.ts";
import { partitionFields } from "../lib/checkpoint/partition_fields.ts";

const VARIABLES = findVariables(GIK_VARIABLES);

/** A share of something for up to so many workers. */
type Share = readonly [workers: number, share: number];

/** What was measured, on two cores of an AMD EPYC; by `bench/job_sizes.ts` where nothing else is said. */
export const MEASURED = {
  /** 51 members × 9 steps × 12 variables. */
  messages: 5508,
  requests: 3418,
  bytes: 2742e6,
  /** User and system time of a message: 15.8 s of 5,508 messages, less that of the next two. */
  messageCpuSeconds: 0.0027,
  /** The same of a task until its first request (`/usr/bin/time`). */
  startCpuSeconds: 0.37,
  /** What a task takes besides: 2.9 s of 612 messages, 1.7 s of 255. Most is code that is not compiled yet. */
  warmUpCpuSeconds: 0.7,
  /** Of the server of `fixtures/s3_server.ts`, a message (`/proc/<pid>/stat`). */
  serverCpuSeconds: 0.0005,
} as const;

/** What clients join, and how much of a rate they use, where the rate limits them. */
interface Behaviour {
  /** How many times faster the clients would be without the limit, at least. */
  pressure: number;
  /** Requests, of those of one machine without limit. */
  joined: readonly Share[];
  /** Of the rate, from the first request to the last one. */
  used: readonly Share[];
}

/** As `bench/limited_tasks.ts` has seen them, where 50 and 200 requests a second were allowed. */
const BEHAVIOURS: readonly Behaviour[] = [
  {
    pressure: 2.5,
    joined: [[1, 0.52], [3, 0.6], [6, 0.7], [9, 0.7], [20, 0.75]],
    used: [[1, 1], [3, 0.98], [6, 0.9], [9, 0.71], [20, 0.68]],
  },
  { pressure: 1, joined: [[20, 0.84]], used: [[20, 0.94]] },
  { pressure: 0, joined: [[20, 1]], used: [[20, 1]] },
];

/** What a job runs on. */
export interface Machines {
  /** Cores of a worker; of all workers together where they share them. */
  cores: number;
  areCoresShared: boolean;
  /** Line of a worker; `Infinity` on the loopback. */
  bitsPerSecond: number;
}

/** A job, and what it meets. */
export interface Job {
  steps: readonly number[];
  workers: number;
  /** Requests a second that the bucket answers to all. */
  rate: number;
  /** Time of a task until its first request. */
  startSeconds: number;
  machines: Machines;
}

/** Mean and deviation of 157 × 145 points, float32. */
const FIELD_BYTES = 2 * 157 * 145 * 4;

/** Fields of a job: one for each variable and step. */
export function countFields(steps: readonly number[]): number {
  return steps.length * VARIABLES.length;
}

/** Requests for the messages of a job where none is refused; the most that are served. */
export function computeRequests(steps: readonly number[]): number {
  return countFields(steps) * ENSEMBLE_SIZE * (MEASURED.requests / MEASURED.messages);
}

/** Time of a job from its first start to the end of its merge. */
export function computeSeconds(job: Job): number {
  const { steps, workers, rate, startSeconds, machines: { bitsPerSecond } } = job;
  const largest = countLargestPart(steps, workers);
  const transfer = largest * MEASURED.bytes / MEASURED.messages * 8 / bitsPerSecond;
  const unlimited = Math.max(computeWork(job, largest), transfer);
  const requests = computeRequests(steps);
  const pressure = requests / unlimited / rate;
  const { joined, used } = BEHAVIOURS.find((it) => pressure >= it.pressure)!;
  const limited = requests * findShare(joined, workers) / (rate * findShare(used, workers));
  const merge = startSeconds + countFields(steps) * FIELD_BYTES * 8 / bitsPerSecond;
  return startSeconds + Math.max(unlimited, limited) + merge;
}

/** Time that the cores of a worker, or those that all share, need after the start. */
function computeWork(
  { steps, workers, machines: { cores, areCoresShared } }: Job,
  largest: number,
): number {
  const { messageCpuSeconds, startCpuSeconds, warmUpCpuSeconds, serverCpuSeconds } = MEASURED;
  if (!areCoresShared) return (largest * messageCpuSeconds + warmUpCpuSeconds) / cores;
  const messages = countFields(steps) * ENSEMBLE_SIZE;
  // As many starts as there are cores are part of the time before.
  const starts = Math.max(0, workers - cores) * startCpuSeconds;
  const work = messages * (messageCpuSeconds + serverCpuSeconds) + workers * warmUpCpuSeconds;
  return (work + starts) / cores;
}

/** The share for the next larger number of workers; beyond the largest one, that of the largest. */
function findShare(shares: readonly Share[], workers: number): number {
  const [, share] = shares.find(([count]) => workers <= count) ?? shares.at(-1)!;
  return share;
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
