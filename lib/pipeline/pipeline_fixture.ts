/**
 * Options of the pipeline for tests on the embedded runs.
 *
 * @module
 */
import { EMBEDDED_STEPS, type EmbeddedRun } from "../../fixtures/embedded_run.ts";
import type { PipelineOptions } from "./run_pipeline.ts";

/** Options for all members and the steps that have expected values, without a template. */
export function pipelineOptions({ run, members }: EmbeddedRun, folder: string): PipelineOptions {
  return {
    run,
    steps: EMBEDDED_STEPS,
    maxMembers: members,
    parallelWorkers: 4,
    outputDir: `${folder}/stores`,
    requireTemplate: false,
    templateCache: folder,
    allowMissing: false,
    zip: false,
  };
}
