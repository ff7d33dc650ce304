/**
 * Follows an array job to its end: what failed is retried once, then the merge runs; whoever stops
 * following leaves nothing running.
 *
 * @module
 */
import { setTimeout as wait } from "node:timers/promises";
import { categoryOf, EXIT, UserError } from "../errors.ts";
import {
  EngineError,
  type JobStatus,
  MERGE,
  type Submission,
  type TaskId,
  type TaskState,
  type TaskStatus,
} from "./array_engine.ts";

/** How a job is followed. */
export interface FollowOptions {
  /** Time between polls in milliseconds. */
  pollEveryMs: number;
  /** Ends the job: it is cancelled, then the reason of the signal is thrown. */
  signal?: AbortSignal;
  /** Called after every poll. */
  onProgress?(counts: Readonly<Record<TaskState, number>>): void;
  /** Called when a task or the merge has failed, before it is retried. */
  onFailure?(failure: Failure): void;
}

/** A task, or the merge, that failed. */
export interface Failure {
  task: TaskId;
  status: TaskStatus;
  /** The last lines of its log. */
  log: string;
  /** Whether it runs once more. */
  isRetried: boolean;
}

/** What a job came to. */
export interface JobOutcome {
  /** What failed for good, by task index, the merge last. */
  failures: Failure[];
  /** The last lines of the log of the merge; `undefined` when no merge has run. */
  mergeLog?: string;
}

/** A job of which something failed for good. */
export class JobError extends UserError {
  override readonly name = "JobError";

  /** @param exitCode that a command should end with. */
  constructor(message: string, readonly exitCode: number) {
    super(categoryOf(exitCode), message);
  }
}

/** A task runs this often at most. */
const ATTEMPTS = 2;
/** So many polls in a row may fail: the controller of a cluster may be started anew. */
const FAILED_POLLS = 20;

/**
 * Follows a job until its merge is over, or until it cannot be any more. Tasks that lack data (exit
 * code 5, twice) do not keep the merge from writing what there is; others that fail twice do.
 *
 * @throws the reason of the signal, and {@linkcode EngineError} when the engine does not answer any
 * more. In both cases all that was queued or running is cancelled.
 */
export async function followJob(
  submission: Submission,
  options: FollowOptions,
): Promise<JobOutcome> {
  try {
    return await new Follower(submission, options).follow();
  } catch (error) {
    await cancel(submission);
    throw options.signal?.aborted ? options.signal.reason : error;
  }
}

async function cancel(submission: Submission): Promise<void> {
  try {
    await submission.cancel();
  } catch (error) {
    const state = error instanceof Error ? error.message : String(error);
    throw new EngineError(
      `Cannot cancel ${submission.id}: ${state}; its tasks may still run, end them by hand`,
      { cause: error },
    );
  }
}

class Follower {
  readonly #attempts = new Map<TaskId, number>();
  readonly #failures = new Map<TaskId, Failure>();

  constructor(
    private readonly submission: Submission,
    private readonly options: FollowOptions,
  ) {}

  async follow(): Promise<JobOutcome> {
    const tasks = await this.#settle(({ tasks }) => tasks);
    const failures = tasks.flatMap((_, task) => this.#failures.get(task) ?? []);
    if (!failures.every(({ status }) => status.exitCode === EXIT.incomplete)) {
      await cancel(this.submission);
      return { failures };
    }
    await this.submission.merge();
    await this.#settle(({ merge }) => [merge], MERGE);
    const failure = this.#failures.get(MERGE);
    return {
      failures: [...failures, ...(failure ? [failure] : [])],
      mergeLog: failure?.log ?? await this.submission.log(MERGE),
    };
  }

  /** Polls until these are done or have failed for good; what fails before is retried. */
  async #settle(
    choose: (status: JobStatus) => readonly TaskStatus[],
    name?: TaskId,
  ): Promise<readonly TaskStatus[]> {
    while (true) {
      const status = await this.#poll();
      const chosen = choose(status);
      const fresh = [...chosen.keys()].filter((i) =>
        chosen[i]!.state === "failed" && !this.#failures.has(name ?? i)
      );
      const retried: TaskId[] = [];
      for (const i of fresh) {
        if (await this.#notice(name ?? i, chosen[i]!)) retried.push(name ?? i);
      }
      if (retried.length > 0) await this.submission.retry?.(retried);
      else if (chosen.every(({ state }) => state === "done" || state === "failed")) return chosen;
      await wait(this.options.pollEveryMs, undefined, { signal: this.options.signal });
    }
  }

  /** Tells of a failure. @returns whether the task is to be retried. */
  async #notice(task: TaskId, status: TaskStatus): Promise<boolean> {
    const attempts = (this.#attempts.get(task) ?? 0) + 1;
    this.#attempts.set(task, attempts);
    // A merge that lacks something would lack it again; a wrong command line stays wrong.
    const isFinal = status.exitCode === EXIT.usage ||
      (task === MERGE && status.exitCode === EXIT.incomplete);
    const isRetried = attempts < ATTEMPTS && !isFinal && this.submission.retry !== undefined;
    const failure = { task, status, log: await this.submission.log(task), isRetried };
    if (!isRetried) this.#failures.set(task, failure);
    this.options.onFailure?.(failure);
    return isRetried;
  }

  async #poll(): Promise<JobStatus> {
    const { pollEveryMs, signal, onProgress } = this.options;
    for (let failed = 0;; failed++) {
      signal?.throwIfAborted();
      try {
        const status = await this.submission.poll();
        onProgress?.(countStates(status.tasks));
        return status;
      } catch (error) {
        if (!(error instanceof EngineError) || failed === FAILED_POLLS) throw error;
      }
      await wait(pollEveryMs, undefined, { signal });
    }
  }
}

function countStates(tasks: readonly TaskStatus[]): Record<TaskState, number> {
  const counts = { queued: 0, running: 0, done: 0, failed: 0 };
  for (const { state } of tasks) counts[state]++;
  return counts;
}

/**
 * The exit code that a job's failures mean: usage, then data that is not there, network, anything
 * else; incomplete when nothing worse happened, done when there are none.
 */
export function judgeFailures(failures: readonly Failure[]): number {
  const codes = failures.map(({ status }) => status.exitCode ?? EXIT.failed);
  const known = [EXIT.usage, EXIT.missing, EXIT.unreachable];
  if (codes.length === 0) return EXIT.done;
  return known.find((code) => codes.includes(code)) ??
    (codes.every((code) => code === EXIT.incomplete) ? EXIT.incomplete : EXIT.failed);
}
