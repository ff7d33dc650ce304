/**
 * Parses the output of Slurm's programs, in the formats that their manuals describe.
 *
 * @module
 */
import type { TaskState, TaskStatus } from "./array_engine.ts";

/** A job, or a task of an array, in the queue. */
export interface QueueEntry {
  /** Identifier of the job; of the array, for a task. */
  job: string;
  /** Index in the array. @default {undefined} (the job is no array) */
  task?: number;
  state: TaskState;
  /** State in Slurm's words: `NODE_FAIL`. */
  slurmState: string;
}

/** Arguments of `squeue` (man 1 squeue) for the format of {@linkcode parseQueue}. */
export const QUEUE_FORMAT: readonly string[] = [
  "--noheader",
  "--array",
  "--states=all",
  "--Format=ArrayJobID:|,ArrayTaskID:|,State:|",
];

/** Arguments of `sacct` (man 1 sacct) for the format of {@linkcode parseAccounts}. */
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
  // Held until a person releases them.
  REQUEUE_HOLD: "failed",
  SPECIAL_EXIT: "failed",
};
const QUEUED = ["PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "RESV_DEL_HOLD"];

/** The state of a task in a job state of Slurm; any state that is no end and no wait is running. */
export function readState(slurmState: string): TaskState {
  return ENDS[slurmState] ?? (QUEUED.includes(slurmState) ? "queued" : "running");
}

/** Parses the output of `squeue` with {@linkcode QUEUE_FORMAT}; skips lines of any other form. */
export function parseQueue(text: string): QueueEntry[] {
  return [...text.matchAll(/^(\d+)\|(\d+|N\/A)\|(\w+)\|$/gm)].map(([, job, task, state]) => ({
    job: job!,
    ...(task !== "N/A" && { task: Number(task) }),
    state: readState(state!),
    slurmState: state!,
  }));
}

/** Parses `ExitCode=<code>:<signal>` in the output of `scontrol --oneliner show job` (man 1 scontrol). */
export function parseJobExit(text: string): Partial<TaskStatus> {
  const [, code, signal] = / ExitCode=(\d+):(\d+) /.exec(text) ?? [];
  return describeExit(code, signal);
}

/** Parses the output of `sacct` with {@linkcode ACCOUNTS_FORMAT} for one job. */
export function parseAccounts(text: string): TaskStatus | undefined {
  const [, slurmState, code, signal] = /^[\d_]+\|(\w+)[^|]*\|(\d+):(\d+)$/m.exec(text) ?? [];
  if (slurmState === undefined) return undefined;
  const state = readState(slurmState);
  return {
    state,
    ...(state === "failed" && { reason: slurmState, ...describeExit(code, signal) }),
  };
}

/** With a signal, Slurm's exit code is 0. */
function describeExit(code = "0", signal = "0"): Partial<TaskStatus> {
  if (signal !== "0") return { reason: `signal ${signal}` };
  return code === "0" ? {} : { exitCode: Number(code) };
}
