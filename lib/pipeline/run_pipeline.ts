/**
 * The pipeline. What goes in: a run, and a template of its stores or the headers of its GRIB files. What
 * comes out: the files of stages 1, 2 and 3 in a folder, of which the last are the final stores.
 *
 * @module
 */
import { useStageFolder } from "../references/stage_files.ts";
import { stageFolder } from "../references/stage_folders.ts";
import type { StageContext } from "../storage/mod.ts";
import type { Outcome } from "../util/reporter.ts";
import { runStage1, type Stage1Options, type Stage1Result } from "./run_stage1.ts";
import { runStage2, type Stage2Options, type Stage2Result } from "./run_stage2.ts";
import { runStage3, type Stage3Options, type Stage3Result } from "./run_stage3.ts";

/** What the pipeline works on: the options of its stages. */
export interface PipelineOptions extends Stage1Options, Stage2Options, Stage3Options {}

/** What the stages wrote. */
export interface PipelineResult extends Outcome {
  stage1: Stage1Result;
  stage2: Stage2Result;
  stage3: Stage3Result;
}

/** What the stages that read ECMWF's servers wrote. */
export type ReadRun = Pick<PipelineResult, "stage1" | "stage2">;

/**
 * Runs the three stages of one run in one process.
 *
 * With `allowMissing` the result counts as complete although files, fields or members are missing.
 *
 * @throws {MissingDataError} when the run, or its step 0, is not there.
 * @throws {TemplateError} {StorageError} as the stages do; the files of finished stages stay.
 */
export async function runPipeline(
  options: PipelineOptions,
  context: StageContext,
): Promise<PipelineResult> {
  const folder = options.outputDir ?? stageFolder(options.run);
  using _use = await useStageFolder(folder, context.reporter);
  return await finishPipeline(options, await beginPipeline(options, context), context);
}

/** Runs stages 1 and 2, which read ECMWF's servers. Costs and throws what they do. */
export async function beginPipeline(
  options: PipelineOptions,
  context: StageContext,
): Promise<ReadRun> {
  const stage1 = await runStage1(options, context);
  const stage2 = await runStage2(options, context);
  return { stage1, stage2 };
}

/** Runs stage 3, which needs little of ECMWF's servers. Costs and throws what it does. */
export async function finishPipeline(
  options: PipelineOptions,
  { stage1, stage2 }: ReadRun,
  context: StageContext,
): Promise<PipelineResult> {
  const stage3 = await runStage3(options, context);
  const whole = stage1.complete && stage2.complete && stage3.complete;
  return { stage1, stage2, stage3, complete: whole || options.allowMissing };
}
