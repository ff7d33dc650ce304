/**
 * What Slurm's programs print, in the formats that their manuals describe.
 *
 * @module
 */
import type { TaskState, TaskStatus } from "./array_engine.ts";

/** A job, or a task of an array, in the queue. */
export interface QueueEntry {
  /** Identifier of the job; of the array, for a task. */
  job: string;
  /** Index in the array; `undefined` for a job that is none. */
  task?: number;
  state: TaskState;
  /** State in Slurm's words: `NODE_FAIL`. */
  slurmState: string;
}

/** Arguments of `squeue` (man 1 squeue) that make it print what {@linkcode parseQueue} reads. */
export const QUEUE_FORMAT: readonly string[] = [
  "--noheader",
  "--array",
  "--states=all",
  "--Format=ArrayJobID:|,ArrayTaskID:|,State:|",
];

/** Arguments of `sacct` (man 1 sacct) that make it print what {@linkcode parseAccounts} reads. */
export const ACCOUNTS_FORMAT: readonly string[] = [
  "--noheader",
  "--allocations",
  "--parsable2",
  "--format=JobID,State,ExitCode",
];

/** Job states (man 1 squeue, "JOB STATE CODES") of jobs that are over. */
const ENDS: Readonly<Record<string, TaskState>> = {
  COMPLETED: "done",
  BOOT_FAIL: "failed",
  CANCELLED: "failed",
  DEADLINE: "failed",
  FAILED: "failed",
  NODE_FAIL: "failed",
  OUT_OF_MEMORY: "failed",
  PREEMPTED: "failed",
  REVOKED: "failed",
  TIMEOUT: "failed",
  // Held until somebody lets them go: nobody will.
  REQUEUE_HOLD: "failed",
  SPECIAL_EXIT: "failed",
};
const QUEUED = ["PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "RESV_DEL_HOLD"];

/** What a job state of Slurm means; every state that is no end and no wait is taken for running. */
export function readState(slurmState: string): TaskState {
  return ENDS[slurmState] ?? (QUEUED.includes(slurmState) ? "queued" : "running");
}

/** Reads what `squeue` prints with {@linkcode QUEUE_FORMAT}; lines of another form are passed over. */
export function parseQueue(text: string): QueueEntry[] {
  return [...text.matchAll(/^(\d+)\|(\d+|N\/A)\|(\w+)\|$/gm)].map(([, job, task, state]) => ({
    job: job!,
    ...(task !== "N/A" && { task: Number(task) }),
    state: readState(state!),
    slurmState: state!,
  }));
}

/**
 * Reads the exit code that `scontrol --oneliner show job` (man 1 scontrol) prints as
 * `ExitCode=<code>:<signal>`.
 */
export function parseJobExit(text: string): Partial<TaskStatus> {
  const [, code, signal] = / ExitCode=(\d+):(\d+) /.exec(text) ?? [];
  return describeExit(code, signal);
}

/** Reads what `sacct` prints with {@linkcode ACCOUNTS_FORMAT} of one job. */
export function parseAccounts(text: string): TaskStatus | undefined {
  const [, slurmState, code, signal] = /^[\d_]+\|(\w+)[^|]*\|(\d+):(\d+)$/m.exec(text) ?? [];
  if (slurmState === undefined) return undefined;
  const state = readState(slurmState);
  return {
    state,
    ...(state === "failed" && { reason: slurmState, ...describeExit(code, signal) }),
  };
}

/** Slurm writes code 0 beside a signal. */
function describeExit(code = "0", signal = "0"): Partial<TaskStatus> {
  if (signal !== "0") return { reason: `signal ${signal}` };
  return code === "0" ? {} : { exitCode: Number(code) };
}
