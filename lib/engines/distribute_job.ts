/**
 * The work of distributing: a job is handed to an engine and followed to its end.
 *
 * @module
 */
import { EXIT } from "../errors.ts";
import type { Outcome, Reporter } from "../util/reporter.ts";
import { type ArrayJob, type Engine, MERGE, type TaskId } from "./array_engine.ts";
import { type Failure, followJob, JobError, type JobOutcome, judgeFailures } from "./follow_job.ts";

/** What is distributed. */
export interface DistributeOptions {
  engine: Engine;
  job: ArrayJob;
  /** Time between two looks at the job, in milliseconds. */
  pollEveryMs: number;
}

/** What became of it. */
export interface DistributeResult extends Outcome {
  /** The job as the engine names it. */
  id: string;
  /** Tasks, and the merge, that lack data. */
  failures: Failure[];
}

/**
 * Hands a job to its engine and follows it until the NetCDF is there. Tasks that fail are told of with
 * the end of their log and retried once.
 *
 * @param signal ends the job, wherever its tasks are.
 * @throws {JobError} when something failed twice, unless all that failed lacks data.
 * @throws {EngineError} when the engine refuses or does not answer.
 */
export async function distribute(
  { engine, job, pollEveryMs }: DistributeOptions,
  reporter: Reporter,
  signal?: AbortSignal,
): Promise<DistributeResult> {
  const submission = await engine.submit(job).catch((error) => {
    // Ctrl-C ends the programs that the engine is handed the job by, too.
    throw signal?.aborted ? signal.reason : error;
  });
  reporter.info(`submitted to ${engine.name} as ${submission.id}: ${job.tasks} tasks and a merge`);
  const bar = reporter.progress("tasks", job.tasks);
  let shown = 0;
  const outcome = await followJob(submission, {
    pollEveryMs,
    ...(signal && { signal }),
    onProgress({ queued, running, done, failed }) {
      bar.advance(done - shown, `${running} running, ${queued} queued, ${failed} failed`);
      shown = done;
    },
    // What the merge lacks is told with its log.
    onFailure: (failure) => isLackingMerge(failure) || reporter.warn(describeFailure(failure, job)),
  }).finally(() => bar.finish());
  const { id } = submission;
  const { failures } = outcome;
  const exitCode = judgeFailures(failures);
  if (exitCode !== EXIT.done && exitCode !== EXIT.incomplete) {
    const names = failures.map(({ task }) => nameTask(task, job)).join(", ");
    throw new JobError(
      `Cannot finish ${id}: ${names} failed for good, see above; the same command goes on from the ` +
        "fields that are finished",
      exitCode,
    );
  }
  tellOutcome(outcome, job, reporter);
  return { id, failures, complete: exitCode === EXIT.done };
}

/** Tells what the merge tells, and which tasks lack what. */
function tellOutcome({ failures, mergeLog }: JobOutcome, job: ArrayJob, reporter: Reporter): void {
  if (failures.some(isLackingMerge)) reporter.warn(`the merge lacks data:\n${mergeLog}`);
  else if (mergeLog !== undefined) reporter.info(mergeLog);
  for (const failure of failures.filter((failure) => !isLackingMerge(failure))) {
    reporter.warn(`INCOMPLETE: ${nameTask(failure.task, job)} lacks data:\n${listLack(failure)}`);
  }
}

/**
 * Writes what an engine would submit to a folder, and tells the commands that do the rest: for a
 * machine where the program of the engine is not.
 *
 * @returns incomplete: there is no NetCDF yet.
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
  const fill = names.length > 0 ? `, fill in the values of ${names.join(", ")}` : "";
  reporter.warn(
    `there is no ${engine.program} here, nothing was submitted: written to ${folder}${fill}, then:\n` +
      [`cd ${folder}`, ...engine.describeSteps?.(job) ?? []].map((step) => `  ${step}`).join("\n"),
  );
  return { complete: false };
}

/** A task as people count and as `--task` does. */
function nameTask(task: TaskId, { tasks }: ArrayJob): string {
  return task === MERGE ? "the merge" : `task ${task}/${tasks}`;
}

function isLackingMerge({ task, status }: Failure): boolean {
  return task === MERGE && status.exitCode === EXIT.incomplete;
}

/** What a task has named as missing. */
function listLack({ log }: Failure): string {
  const lines = [...log.matchAll(/^warning: (.*)$/gm)].map(([, line]) => `  ${line}`);
  return lines.length > 0 ? lines.join("\n") : "  see the end of its log above";
}

function describeFailure({ task, status, log, isRetried }: Failure, job: ArrayJob): string {
  const { exitCode, reason } = status;
  const end = exitCode === undefined ? reason ?? "no exit code" : `exit code ${exitCode}`;
  const next = isRetried ? ", it runs once more" : "";
  return `${nameTask(task, job)} failed: ${end}${next}; the end of its log:\n${
    log.replaceAll(/^/gm, "  | ")
  }`;
}
