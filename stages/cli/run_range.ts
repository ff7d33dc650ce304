/**
 * Several runs of one command: from their requests to the ledger, the table and the exit code.
 *
 * @module
 */
import { concludeRange, summarizeRange } from "../../lib/cli/range_summary.ts";
import { resolveRun, type RunRequest } from "../../lib/ecmwf/published.ts";
import { describeRun, type Run } from "../../lib/ecmwf/run.ts";
import { EXIT, MissingDataError } from "../../lib/errors.ts";
import { ledgerPath } from "../../lib/runs/ledger.ts";
import {
  makeRuns,
  type MakeRunsOptions,
  type RunOutcome,
  type RunWork,
} from "../../lib/runs/make_runs.ts";
import type { StageContext } from "../../lib/storage/mod.ts";
import type { Outcome, Reporter } from "../../lib/util/reporter.ts";
import type { RunSource } from "./run_options.ts";
import { openContext } from "./run_stage.ts";

/**
 * Makes the outputs of several runs, reports the table of them, and says how bad it is.
 *
 * @throws {UserError} of the category of the worst run, unless that only lacks something.
 */
export async function runRange<Prepared>(
  source: RunSource,
  work: RunWork<Prepared>,
  options: MakeRunsOptions,
  reporter: Reporter,
): Promise<Outcome> {
  const startedMs = Date.now();
  const { runRequests, server, gcs } = source;
  const context = openContext(server, reporter, gcs, options.signal);
  const { runs, unknown } = await resolveRuns(runRequests, context);
  // A step that a run does not have is an error of the command line.
  for (const run of runs) work.steps(run);
  const outcomes = [...await makeRuns(runs, work, options, context), ...unknown];
  const ledger = options.folder === undefined ? undefined : ledgerPath(options.folder);
  reporter.result(summarizeRange(outcomes, ledger, context, startedMs));
  return concludeRange(outcomes);
}

/**
 * The runs of requests, each once; a `latest` that cannot be found is an outcome, not an error.
 *
 * @throws {StorageError} when the server cannot be reached.
 */
export async function resolveRuns(
  requests: readonly RunRequest[],
  context: StageContext,
): Promise<{ runs: Run[]; unknown: RunOutcome[] }> {
  const runs = new Map<string, Run>();
  const unknown: RunOutcome[] = [];
  for (const request of requests) {
    try {
      const run = await resolveRun(request, context);
      runs.set(describeRun(run), run);
    } catch (error) {
      if (!(error instanceof MissingDataError)) throw error;
      context.reporter.warn(error.message);
      unknown.push({
        run: `${request.date}_${request.hour}z`,
        name: `${request.date} ${request.hour} UTC`,
        state: "not published",
        reason: error.message,
        exitCode: EXIT.missing,
        skipped: false,
      });
    }
  }
  return { runs: [...runs.values()], unknown };
}
