/**
 * Engines: what runs `stream` as an array job, whoever provides the machines.
 *
 * A job is one command, run once for every task with `--task auto/<n>`, and once more with `--merge`
 * when all tasks are through. Tasks do not talk to each other; all they share is the work folder.
 *
 * @module
 */
import { UserError } from "../errors.ts";

/** An array job and its merge, as every engine takes it. */
export interface ArrayJob {
  /** For people and for the engine: small letters, digits and dashes, at most 40. */
  name: string;
  /** How many tasks; their indexes count from 0. */
  tasks: number;
  /** Path or URL of `stream.ts`, as the machines of the engine see it. */
  script: string;
  /** Arguments of `stream` for tasks and merge; all but `--task` and `--merge`. */
  streamArguments: readonly string[];
  /** Arguments that tasks are given and the merge is not. @default {[]} */
  taskArguments?: readonly string[];
  /** Flags of `deno run`. */
  permissions: readonly string[];
  /** Variables that tasks and merge see. Values may be secret: they belong in no log, error or file. */
  environment: Readonly<Record<string, string>>;
  /** Container image with `deno` on its path, for engines that run containers. */
  image: string;
  /** Processors of each task. */
  cpus: number;
  /** Memory of each task. */
  memoryBytes: number;
}

/** The merge, where a task is named. */
export const MERGE = "merge";

/** A task by its index, or the merge. */
export type TaskId = number | typeof MERGE;

/** What has become of the newest attempt of a task. */
export type TaskState = "queued" | "running" | "done" | "failed";

/** A task at the time of a poll. */
export interface TaskStatus {
  state: TaskState;
  /**
   * Exit code of a task that is over.
   *
   * @default {undefined} it ended without one (killed, or its machine was lost), or nobody knows
   */
  exitCode?: number;
  /** Why it ended without an exit code, in the engine's words: `NODE_FAIL`, `OOMKilled`. */
  reason?: string;
}

/** All tasks of a job at one time. */
export interface JobStatus {
  /** By task index. */
  tasks: readonly TaskStatus[];
  /** Queued until it is started. */
  merge: TaskStatus;
}

/** A job that an engine has taken on. */
export interface Submission {
  /** As the engine names it. */
  id: string;
  /** The newest attempt of every task and of the merge. */
  poll(): Promise<JobStatus>;
  /**
   * The last lines that the newest attempt wrote, or where they are to be found when they cannot be
   * had from here. Never fails for want of a log.
   */
  log(task: TaskId): Promise<string>;
  /**
   * Runs tasks once more, under the same indexes.
   *
   * @default {undefined} the engine retries by itself: what has failed has failed for good
   */
  retry?(tasks: readonly TaskId[]): Promise<void>;
  /**
   * Runs the merge, whatever the tasks came to. Called once, when no task is queued or running any
   * more. An engine with dependent jobs has queued it before: it starts by itself when all tasks are
   * done, and this lets it go when some are not.
   */
  merge(): Promise<void>;
  /** Ends everything that is queued or running, and does not mind what is over already. */
  cancel(): Promise<void>;
}

/** A file that an engine would submit. */
export interface EngineFile {
  /** Name without folder: `job.yaml`. */
  name: string;
  text: string;
}

/** What runs array jobs. */
export interface Engine {
  /** As `--engine` has it. */
  name: string;
  /** What `submit` would hand over, without doing it; values of the environment are left out. */
  plan(job: ArrayJob): EngineFile[];
  /**
   * A program of others that `submit` needs; without it the job can still be done by hand.
   *
   * @default {undefined} none
   */
  program?: string;
  /** Commands that do with the files of `plan` by hand what `submit` and the merge do. */
  describeSteps?(job: ArrayJob): string[];
  /**
   * Hands the job over.
   *
   * @throws {EngineError} when the engine is not there or refuses.
   */
  submit(job: ArrayJob): Promise<Submission>;
}

/** An engine that cannot be reached, refuses, or answers what nobody understands. */
export class EngineError extends UserError {
  override readonly name = "EngineError";

  constructor(message: string, options?: ErrorOptions) {
    super("unreachable", message, options);
  }
}

/** The command of every task: the index comes from the engine's own variables. */
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
