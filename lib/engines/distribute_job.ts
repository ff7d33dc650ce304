/**
 * Submits a job to an engine and follows it to its end, or prepares it for submission by hand.
 *
 * @module
 */
import { EXIT } from "../errors.ts";
import type { Outcome, Reporter } from "../util/reporter.ts";
import { type ArrayJob, type Engine, MERGE, type TaskId } from "./array_engine.ts";
import {
  type Failure,
  findJobExitCode,
  followJob,
  JobError,
  type JobOutcome,
} from "./follow_job.ts";

/** A job, the engine for it, and how to follow it. */
export interface DistributeOptions {
  engine: Engine;
  job: ArrayJob;
  /** Time between two polls, in milliseconds. */
  pollEveryMs: number;
}

/** How a job ended; it is complete when nothing failed. */
export interface DistributeResult extends Outcome {
  /** The engine's name for the job. */
  id: string;
  /** The tasks that lack data, then the merge if it does. */
  failures: Failure[];
}

/**
 * Submits a job and follows it until the NetCDF is written. Reports failed tasks with the end of their
 * logs, and retries them once.
 *
 * @param signal cancels the job.
 * @throws {JobError} when a task or the merge failed twice for any reason but lack of data.
 * @throws {EngineError} when the engine refuses or does not answer.
 */
export async function distribute(
  { engine, job, pollEveryMs }: DistributeOptions,
  reporter: Reporter,
  signal?: AbortSignal,
): Promise<DistributeResult> {
  const submission = await engine.submit(job).catch((error) => {
    // Ctrl-C also ends the programs that submit the job, so that they fail.
    throw signal?.aborted ? signal.reason : error;
  });
  reporter.info(`submitted to ${engine.name} as ${submission.id}: ${job.tasks} tasks and a merge`);
  const bar = reporter.progress("tasks", job.tasks);
  let reported = 0;
  const outcome = await followJob(submission, {
    pollEveryMs,
    ...(signal && { signal }),
    onProgress({ queued, running, done, failed }) {
      bar.advance(done - reported, `${running} running, ${queued} queued, ${failed} failed`);
      reported = done;
    },
    // What the merge lacks is reported with its log, at the end.
    onFailure: (failure) => isLackingMerge(failure) || reporter.warn(describeFailure(failure, job)),
  }).finally(() => bar.finish());
  const { id } = submission;
  const { failures } = outcome;
  const exitCode = findJobExitCode(failures);
  if (exitCode !== EXIT.done && exitCode !== EXIT.incomplete) {
    const names = failures.map(({ task }) => nameTask(task, job)).join(", ");
    throw new JobError(
      `Cannot finish ${id}: ${names} failed, see the logs above; run the same command to resume from ` +
        "the finished fields",
      exitCode,
    );
  }
  reportOutcome(outcome, job, reporter);
  return { id, failures, complete: exitCode === EXIT.done };
}

/** Reports the log of the merge, and the tasks that lack data. */
function reportOutcome(
  { failures, mergeLog }: JobOutcome,
  job: ArrayJob,
  reporter: Reporter,
): void {
  if (failures.some(isLackingMerge)) reporter.warn(`the merge lacks data:\n${mergeLog}`);
  else if (mergeLog !== undefined) reporter.info(mergeLog);
  for (const failure of failures.filter((failure) => !isLackingMerge(failure))) {
    reporter.warn(
      `INCOMPLETE: ${nameTask(failure.task, job)} lacks data:\n${listWarnings(failure)}`,
    );
  }
}

/**
 * Writes the files that an engine would submit to a folder, and reports the commands that submit them:
 * for a machine without the program of the engine.
 *
 * @returns incomplete, as there is no NetCDF yet.
 */
export async function prepareByHand(
  engine: Engine,
  job: ArrayJob,
  reporter: Reporter,
): Promise<Outcome> {
  const folder = `${job.name}.${engine.name}`;
  await Deno.mkdir(folder, { recursive: true });
  for (const { name, text } of engine.plan(job)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  const names = Object.keys(job.environment).map((name) => `<${name}>`);
  const fill = names.length > 0 ? `fill in ${names.join(", ")}, then ` : "";
  reporter.warn(
    `${engine.program} is not on the path, so nothing was submitted; the files are in ${folder}; ` +
      `${fill}run:\n` +
      [`cd ${folder}`, ...engine.describeSteps?.(job) ?? []].map((step) => `  ${step}`).join("\n"),
  );
  return { complete: false };
}

/** `task 4/9`, as `--task` counts. */
function nameTask(task: TaskId, { tasks }: ArrayJob): string {
  return task === MERGE ? "the merge" : `task ${task}/${tasks}`;
}

function isLackingMerge({ task, status }: Failure): boolean {
  return task === MERGE && status.exitCode === EXIT.incomplete;
}

/** The warnings in the log of a task, which name what it lacks. */
function listWarnings({ log }: Failure): string {
  const lines = [...log.matchAll(/^warning: (.*)$/gm)].map(([, line]) => `  ${line}`);
  return lines.length > 0 ? lines.join("\n") : "  see the end of its log above";
}

function describeFailure({ task, status, log, isRetried }: Failure, job: ArrayJob): string {
  const { exitCode, reason } = status;
  const end = exitCode === undefined ? reason ?? "no exit code" : `exit code ${exitCode}`;
  const next = isRetried ? ", retrying once" : "";
  return `${nameTask(task, job)} failed: ${end}${next}; the end of its log:\n${
    log.replaceAll(/^/gm, "  | ")
  }`;
}
