/**
 * The pipeline: stages 1, 2 and 3 of one run, in one process.
 *
 * @module
 */
import type { Outcome } from "../util/reporter.ts";
import type { StageContext } from "../storage/mod.ts";
import { runStage1, type Stage1Options, type Stage1Result } from "./run_stage1.ts";
import { runStage2, type Stage2Options, type Stage2Result } from "./run_stage2.ts";
import { runStage3, type Stage3Options, type Stage3Result } from "./run_stage3.ts";

/** What the pipeline works on: the options of its stages. */
export interface PipelineOptions extends Stage1Options, Stage2Options, Stage3Options {}

/** What the pipeline left. */
export interface PipelineResult extends Outcome {
  stage1: Stage1Result;
  stage2: Stage2Result;
  stage3: Stage3Result;
}

/**
 * Runs the three stages of one run.
 *
 * @throws what the stages throw; the files of finished stages stay.
 */
export async function runPipeline(
  options: PipelineOptions,
  context: StageContext,
): Promise<PipelineResult> {
  const stage1 = await runStage1(options, context);
  const stage2 = await runStage2(options, context);
  const stage3 = await runStage3(options, context);
  const whole = stage1.complete && stage2.complete && stage3.complete;
  return { stage1, stage2, stage3, complete: whole || options.allowMissing };
}
