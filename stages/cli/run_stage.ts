/**
 * Opens the storage and the run of a command, and runs a stage between its options and its summary.
 *
 * @module
 */
import { type RunSummary, summarizeRun } from "../../lib/cli/run_summary.ts";
import { BUCKET_REGION } from "../../lib/ecmwf/files.ts";
import { resolveRun } from "../../lib/ecmwf/published.ts";
import type { Run } from "../../lib/ecmwf/run.ts";
import { UsageError } from "../../lib/errors.ts";
import { type GcsOptions, openStorage, type StageContext } from "../../lib/storage/mod.ts";
import type { Outcome, Reporter } from "../../lib/util/reporter.ts";
import type { RunSource, ServerOptions } from "./run_options.ts";

/**
 * Opens storage for one command. Waits for servers are reported as lines.
 *
 * @param signal ends its requests.
 */
export function openContext(
  server: ServerOptions,
  reporter: Reporter,
  gcs?: GcsOptions,
  signal?: AbortSignal,
): StageContext {
  const storage = openStorage({
    ...server,
    gcs,
    signal,
    region: BUCKET_REGION,
    onStatus: (line) => reporter.info(line),
  });
  reporter.explainSilence?.(() => storage.describeWaits());
  return { storage, reporter };
}

/**
 * Opens storage and finds the run of a command that takes one.
 *
 * @param signal ends the requests of the storage.
 * @throws {UsageError} when several are requested.
 */
export async function openRun(
  { runRequests, server, gcs }: RunSource,
  reporter: Reporter,
  signal?: AbortSignal,
): Promise<{ run: Run; context: StageContext }> {
  const [request, ...others] = runRequests;
  if (!request || others.length > 0) {
    throw new UsageError(
      "Cannot use several runs: give one --date and one --run, or run the pipeline",
    );
  }
  const context = openContext(server, reporter, gcs, signal);
  return { run: await resolveRun(request, context), context };
}

/**
 * Runs a stage on the run of a request, and reports its result.
 *
 * @param stage the work.
 * @param describe turns its result into the summary.
 */
export async function runStage<Request extends RunSource, Result extends Outcome>(
  request: Request,
  reporter: Reporter,
  stage: (options: Request & { run: Run }, context: StageContext) => Promise<Result>,
  describe: (run: Run, result: Result) => RunSummary,
): Promise<Result> {
  const startedMs = Date.now();
  const { run, context } = await openRun(request, reporter);
  const result = await stage({ ...request, run }, context);
  reporter.result(summarizeRun(describe(run, result), context, startedMs));
  return result;
}

/**
 * Runs one of stages 1 to 3 as `runStage` does, and warns where another command works in its folder. The
 * pipeline says so itself.
 */
export function runSingleStage<
  Request extends RunSource & { outputDir?: string },
  Result extends Outcome,
>(
  request: Request,
  reporter: Reporter,
  stage: (options: Request & { run: Run }, context: StageContext) => Promise<Result>,
  describe: (run: Run, result: Result) => RunSummary,
): Promise<Result> {
  const alone = async (options: Request & { run: Run }, context: StageContext) => {
    const { stageFolder } = await import("../../lib/references/stage_folders.ts");
    const { useStageFolder } = await import("../../lib/references/stage_files.ts");
    using _use = await useStageFolder(options.outputDir ?? stageFolder(options.run), reporter);
    return await stage(options, context);
  };
  return runStage(request, reporter, alone, describe);
}
