/**
 * A command line of `stream` goes in; an array job on a cluster or in a cloud, its states, its logs and
 * its end come out.
 *
 * A job runs one command once for every task with `--task auto/<n>`, and once more with `--merge` when
 * all tasks are over. Tasks do not talk to each other; they share only the work folder. An engine is
 * what runs such jobs.
 *
 * @module
 */
import { UserError } from "../errors.ts";

/** An array job and its merge, for any engine. */
export interface ArrayJob {
  /** For people and for the engine: small letters, digits and dashes, at most 40. */
  name: string;
  /** How many tasks; their indexes count from 0. */
  tasks: number;
  /** Path or URL of `stream.ts` on the machines of the engine. */
  script: string;
  /** Arguments of `stream` for tasks and merge, without `--task` and `--merge`. */
  streamArguments: readonly string[];
  /** Arguments for the tasks only. @default {[]} */
  taskArguments?: readonly string[];
  /** Flags of `deno run`. */
  permissions: readonly string[];
  /** Variables for tasks and merge. Values may be secret: they must not enter a log, error or file. */
  environment: Readonly<Record<string, string>>;
  /** Container image with `deno` on its path, for engines that run containers. */
  image: string;
  /** Processors of each task. */
  cpus: number;
  /** Memory of each task. */
  memoryBytes: number;
}

/** The merge, instead of the index of a task. */
export const MERGE = "merge";

/** A task by its index, or the merge. */
export type TaskId = number | typeof MERGE;

/** The part of a job that an engine runs at once: all tasks, or the merge. */
export type JobPart = "tasks" | typeof MERGE;

/** The parts of a job in their order. */
export const JOB_PARTS: readonly JobPart[] = ["tasks", MERGE];

/** Lines of a log that are read from its end. */
export const LOG_LINES = 40;

/** State of the newest attempt of a task. */
export type TaskState = "queued" | "running" | "done" | "failed";

/** A task at one poll. */
export interface TaskStatus {
  state: TaskState;
  /** Exit code of a task that is over. @default {undefined} (killed, machine lost, or unknown) */
  exitCode?: number;
  /** Why it ended without an exit code, in the engine's words: `NODE_FAIL`, `OOMKilled`. */
  reason?: string;
}

/** All tasks of a job at one poll. */
export interface JobStatus {
  /** By task index. */
  tasks: readonly TaskStatus[];
  /** Queued until it is started. */
  merge: TaskStatus;
}

/** A job that an engine has accepted. */
export interface Submission {
  /** The engine's name for the job. */
  id: string;
  /** The newest attempt of every task and of the merge. */
  poll(): Promise<JobStatus>;
  /** The last lines that the newest attempt wrote; where there is no log, a line that says why. */
  log(task: TaskId): Promise<string>;
  /** Retries tasks under the same indexes. @default {undefined} (the engine retries by itself) */
  retry?(tasks: readonly TaskId[]): Promise<void>;
  /**
   * Runs the merge, even when tasks failed. Called once, when all tasks are over. An engine with
   * dependent jobs has queued the merge before, to start by then; this call does nothing there.
   */
  merge(): Promise<void>;
  /** Ends what is queued or running; tasks that are over stay as they are. */
  cancel(): Promise<void>;
}

/** A file that an engine would submit. */
export interface EngineFile {
  /** Name without folder: `job.yaml`. */
  name: string;
  text: string;
}

/** A system that runs array jobs. */
export interface Engine {
  /** The value of `--engine`. */
  name: string;
  /** The files that `submit` would hand over, with `<NAME>` for the values of the environment. */
  plan(job: ArrayJob): EngineFile[];
  /** A program that `submit` runs; without it the job can be submitted by hand. @default {undefined} */
  program?: string;
  /** Commands that submit the files of `plan`, and run the merge, by hand. */
  describeSteps?(job: ArrayJob): string[];
  /**
   * Submits the job.
   *
   * @throws {EngineError} when the engine is missing or refuses.
   */
  submit(job: ArrayJob): Promise<Submission>;
}

/** An engine cannot be reached, refuses, or gives an answer that cannot be read. */
export class EngineError extends UserError {
  override readonly name = "EngineError";

  constructor(message: string, options?: ErrorOptions) {
    super("unreachable", message, options);
  }
}

/** The command of every task; it takes its index from the variables of the engine. */
export function taskCommand(job: ArrayJob, deno = "deno"): string[] {
  return [...commonCommand(job, deno), ...job.taskArguments ?? [], "--task", `auto/${job.tasks}`];
}

/** The command of the merge. */
export function mergeCommand(job: ArrayJob, deno = "deno"): string[] {
  return [...commonCommand(job, deno), "--merge"];
}

function commonCommand(job: ArrayJob, deno: string): string[] {
  return [deno, "run", ...job.permissions, job.script, ...job.streamArguments];
}

/** A log as `read` gives it, or why the engine has none. */
export async function readLogOrReason(read: () => Promise<string>): Promise<string> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof EngineError) return error.message;
    throw error;
  }
}
