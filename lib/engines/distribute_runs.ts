/**
 * An array job as work on one run of several.
 *
 * @module
 */
import { checkSteps, type Run } from "../ecmwf/run.ts";
import type { OutputProfile } from "../output/profile.ts";
import type { RunWork } from "../runs/make_runs.ts";
import type { Reporter } from "../util/reporter.ts";
import { distribute, type DistributeOptions } from "./distribute_job.ts";

/** What the jobs of several runs share. */
export interface DistributeRunsOptions {
  profile: OutputProfile;
  /** Forecast steps in hours. @default the profile's */
  steps?: readonly number[];
  outputDir: string;
}

/**
 * The work of an array job on one run. It begins in its turn: a job that waits would take the machines
 * of the one before.
 *
 * @param openJob the job of a run, and its engine.
 * @param signal cancels the job.
 */
export function distributeWork(
  { profile, steps, outputDir }: DistributeRunsOptions,
  openJob: (run: Run, reporter: Reporter) => Promise<DistributeOptions>,
  signal: AbortSignal,
): RunWork<void> {
  return {
    output: (run) => ({
      folder: outputDir,
      name: profile.fileName(run),
      ...(profile.format === "zarr" && { filePrefix: "" }),
    }),
    steps: (run) => checkSteps(run, steps ?? profile.steps),
    prepare: () => Promise.resolve(),
    async make(run, { save }, { reporter }) {
      const { complete } = await distribute(await openJob(run, reporter), reporter, signal);
      await save({ complete });
    },
  };
}
