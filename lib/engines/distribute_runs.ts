/**
 * An array job as work on one run of several.
 *
 * @module
 */
import { checkSteps, type Run } from "../ecmwf/run.ts";
import { locateOutput, type OutputPlace } from "../output/profile.ts";
import type { RunWork } from "../runs/make_runs.ts";
import type { Reporter } from "../util/reporter.ts";
import { distribute, type DistributeOptions } from "./distribute_job.ts";

/** What the jobs of several runs share. */
export interface DistributeRunsOptions extends OutputPlace {
  /** Forecast steps in hours. @default the profile's */
  steps?: readonly number[];
}

/**
 * The work of an array job on one run. It begins in its turn: a job that waits would take the machines
 * of the one before. When the output is written, its merge notes that in the same ledger, as another
 * process would.
 *
 * @param openJob the job of a run, and its engine.
 * @param signal cancels the job.
 */
export function distributeWork(
  { steps, ...place }: DistributeRunsOptions,
  openJob: (run: Run, reporter: Reporter) => Promise<DistributeOptions>,
  signal: AbortSignal,
): RunWork<void> {
  return {
    output: (run) => locateOutput(run, place),
    steps: (run) => checkSteps(run, steps ?? place.profile.steps),
    prepare: () => Promise.resolve(),
    async make(run, { save }, { reporter }) {
      const { complete } = await distribute(await openJob(run, reporter), reporter, signal);
      await save({ complete });
    },
  };
}
