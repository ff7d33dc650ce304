/**
 * The pipeline as work on one run of several: stages 1 and 2 ahead of its turn, stage 3 in it.
 *
 * @module
 */
import { describeMembers } from "../ecmwf/members.ts";
import { chooseSteps, formatSteps, type Run } from "../ecmwf/run.ts";
import { catalogFilePrefix, catalogFolder } from "../references/catalog_layout.ts";
import { stageFolder } from "../references/stage_folders.ts";
import type { RunWork } from "../runs/make_runs.ts";
import { describeAbsentSteps } from "../runs/missing_steps.ts";
import type { StageContext } from "../storage/mod.ts";
import { sortUnique } from "../util/numbers.ts";
import {
  beginPipeline,
  finishPipeline,
  type PipelineOptions,
  type PipelineResult,
  type ReadRun,
} from "./run_pipeline.ts";

/** The pipeline of several runs: each has a folder of its own. */
export type PipelineRunsOptions = Omit<PipelineOptions, "run" | "outputDir">;

/**
 * The work of the pipeline on one run. An output that lacks something is reported as that, also with
 * `allowMissing`: only its exit code is another one.
 *
 * @param report reports what was made of a run.
 */
export function pipelineWork(
  given: PipelineRunsOptions,
  report: (run: Run, result: PipelineResult, context: StageContext, startedMs: number) => void,
): RunWork<ReadRun> {
  const silentServers = new Set<string>();
  const optionsOf = (run: Run): PipelineOptions => {
    return { ...given, run, outputDir: stageFolder(run), allowMissing: false, silentServers };
  };
  return {
    output: (run) => ({ folder: ".", ...locateStores(run, given.catalogDir) }),
    steps: (run) => chooseSteps(run, given.steps),
    prepare: (run, context) => beginPipeline(optionsOf(run), context),
    async make(run, { prepared, startedMs, save }, context) {
      const result = await finishPipeline(optionsOf(run), prepared, context);
      const { complete } = result;
      const reason = complete ? undefined : await describeLosses(run, given, result, context);
      await save({ complete, isAccepted: given.allowMissing, ...(reason && { reason }) });
      report(run, { ...result, complete: complete || given.allowMissing }, context, startedMs);
    },
  };
}

/** The folder of a run's final stores, and how their names begin. */
function locateStores(run: Run, catalogDir: string | undefined) {
  if (catalogDir === undefined) return { name: stageFolder(run), filePrefix: "stage3_" };
  return { name: catalogFolder(catalogDir, run), filePrefix: catalogFilePrefix(run) };
}

/** What is missing, as far as it is known: steps, then members; the warnings name the rest. */
async function describeLosses(
  run: Run,
  { steps: given }: PipelineRunsOptions,
  { stage2: { missingFiles, absentMembers } }: PipelineResult,
  { storage }: StageContext,
): Promise<string | undefined> {
  const steps = chooseSteps(run, given);
  const lacking = sortUnique(missingFiles.map(({ stepHours }) => stepHours));
  const losses: string[] = [];
  if (lacking.length > 0) {
    const absence = { run, steps, lacking, now: new Date() };
    losses.push(
      await describeAbsentSteps(absence, storage) ??
        `${lacking.length} of ${steps.length} steps could not be read: ${
          formatSteps(run, lacking)
        }`,
    );
  }
  if (absentMembers.length > 0) losses.push(`no members ${describeMembers(absentMembers)}`);
  return losses.length === 0 ? undefined : losses.join("; ");
}
