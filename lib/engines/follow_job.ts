/**
 * Follows an array job to its end: retries failed tasks once, runs the merge, and cancels the job when
 * it stops early.
 *
 * @module
 */
import { delay } from "jsr:@std/async@^1.1.0";
import { categoryOf, EXIT, UserError } from "../errors.ts";
import { messageOf } from "../util/text.ts";
import {
  EngineError,
  type JobStatus,
  MERGE,
  type Submission,
  type TaskId,
  type TaskState,
  type TaskStatus,
} from "./array_engine.ts";

/** How to follow a job. */
export interface FollowOptions {
  /** Time between polls in milliseconds. */
  pollEveryMs: number;
  /** Cancels the job; then the reason of the signal is thrown. */
  signal?: AbortSignal;
  /** Called after every poll. */
  onProgress?(counts: Readonly<Record<TaskState, number>>): void;
  /** Called when an attempt of a task or of the merge has failed, before the next one. */
  onFailure?(failure: Failure): void;
}

/** A failed attempt of a task or of the merge. */
export interface Failure {
  task: TaskId;
  status: TaskStatus;
  /** The last lines of its log. */
  log: string;
  /** Whether there is another attempt. */
  isRetried: boolean;
}

/** How a job ended. */
export interface JobOutcome {
  /** Tasks whose last attempt failed, by index, then the merge. */
  failures: Failure[];
  /** The last lines of the log of the merge. @default {undefined} (it did not run) */
  mergeLog?: string;
}

/** A task or the merge of a job failed on its last attempt. */
export class JobError extends UserError {
  override readonly name = "JobError";

  /** @param exitCode for the command. */
  constructor(message: string, readonly exitCode: number) {
    super(categoryOf(exitCode), message);
  }
}

/** Attempts of a task, at most. */
const MAX_ATTEMPTS = 2;
/** Polls that may fail in a row: the controller of a cluster may be restarting. */
const MAX_FAILED_POLLS = 20;

/**
 * Follows a job until its merge is over. When tasks end twice with exit code 5 (they lack data), the merge
 * still runs and writes what exists; after any other second failure the job is cancelled.
 *
 * @throws the reason of the signal, or {@linkcode EngineError} when the engine no longer answers. In
 * both cases what was queued or running is cancelled.
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
    throw new EngineError(
      `Cannot cancel ${submission.id}: ${
        messageOf(error)
      }; its tasks may still run, end them by hand`,
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
    const tasks = await this.#waitFor(({ tasks }) => tasks);
    const failures = tasks.flatMap((_, task) => this.#failures.get(task) ?? []);
    if (!failures.every(({ status }) => status.exitCode === EXIT.incomplete)) {
      await cancel(this.submission);
      return { failures };
    }
    await this.submission.merge();
    await this.#waitFor(({ merge }) => [merge], MERGE);
    const failure = this.#failures.get(MERGE);
    return {
      failures: [...failures, ...(failure ? [failure] : [])],
      mergeLog: failure?.log ?? await this.submission.log(MERGE),
    };
  }

  /** Polls until the chosen tasks are over; retries those with attempts left. */
  async #waitFor(
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
        if (await this.#handleFailure(name ?? i, chosen[i]!)) retried.push(name ?? i);
      }
      if (retried.length > 0) await this.submission.retry?.(retried);
      else if (chosen.every(({ state }) => state === "done" || state === "failed")) return chosen;
      await delay(this.options.pollEveryMs, { signal: this.options.signal });
    }
  }

  /** Reports a failure. @returns whether to retry the task. */
  async #handleFailure(task: TaskId, status: TaskStatus): Promise<boolean> {
    const attempts = (this.#attempts.get(task) ?? 0) + 1;
    this.#attempts.set(task, attempts);
    // A merge that lacks data would lack it again; a wrong command line stays wrong.
    const isFinal = status.exitCode === EXIT.usage ||
      (task === MERGE && status.exitCode === EXIT.incomplete);
    const isRetried = attempts < MAX_ATTEMPTS && !isFinal && this.submission.retry !== undefined;
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
        if (!(error instanceof EngineError) || failed === MAX_FAILED_POLLS) throw error;
      }
      await delay(pollEveryMs, { signal });
    }
  }
}

function countStates(tasks: readonly TaskStatus[]): Record<TaskState, number> {
  const counts = { queued: 0, running: 0, done: 0, failed: 0 };
  for (const { state } of tasks) counts[state]++;
  return counts;
}

/**
 * The exit code of a job with these failures. The first that occurs decides: usage, missing data,
 * network, anything else, incomplete; done without failures.
 */
export function findJobExitCode(failures: readonly Failure[]): number {
  const codes = failures.map(({ status }) => status.exitCode ?? EXIT.failed);
  const known = [EXIT.usage, EXIT.missing, EXIT.unreachable];
  if (codes.length === 0) return EXIT.done;
  return known.find((code) => codes.includes(code)) ??
    (codes.every((code) => code === EXIT.incomplete) ? EXIT.incomplete : EXIT.failed);
}
