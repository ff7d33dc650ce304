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
 * - work of the cores: processor time of the messages of the largest part, by the cores of a worker;
 *   where workers share cores, that of all messages and all starts, by these cores.
 * - transfer: bytes of the largest part over the line of a worker.
 * - joined requests: a client that is refused joins more of them (`lib/ensemble/fetch_plan.ts`); a
 *   task has less to join than a machine alone.
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

/** What was measured, on two cores of an AMD EPYC; by `bench/stream.ts` where nothing else is said. */
export const MEASURED = {
  /** 51 members × 9 steps × 12 variables. */
  messages: 5508,
  requests: 3418,
  bytes: 2742e6,
  /** User and system time of a message: 12.1 s of 5,508 messages, less a start. */
  messageCpuSeconds: 0.0021,
  /** The same of a task until its first request (`/usr/bin/time`). */
  startCpuSeconds: 0.37,
} as const;

/** What clients that are refused join: requests, of those of one machine without limit. */
const JOINED_SHARES: readonly Share[] = [[1, 0.55], [6, 0.61], [20, 0.73]];

/**
 * The share of a limited rate that clients use from the first request to the last one, of 50 requests a
 * second, computed with the client's code on a clock of its own; of 200 they use nearly all.
 */
const USED_SHARES: readonly Share[] = [[1, 0.98], [3, 0.69], [9, 0.76], [20, 0.71]];

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
export function computeSeconds({ steps, workers, rate, startSeconds, machines }: Job): number {
  const { cores, areCoresShared, bitsPerSecond } = machines;
  const messages = countFields(steps) * ENSEMBLE_SIZE;
  const largest = countLargestPart(steps, workers);
  const starts = areCoresShared ? Math.max(0, workers - cores) * MEASURED.startCpuSeconds : 0;
  const cpu = (areCoresShared ? messages : largest) * MEASURED.messageCpuSeconds + starts;
  const transfer = largest * MEASURED.bytes / MEASURED.messages * 8 / bitsPerSecond;
  const joined = computeRequests(steps) * findShare(JOINED_SHARES, workers);
  const requests = joined / (rate * findShare(USED_SHARES, workers));
  const merge = startSeconds + countFields(steps) * FIELD_BYTES * 8 / bitsPerSecond;
  return startSeconds + Math.max(cpu / cores, transfer, requests) + merge;
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
