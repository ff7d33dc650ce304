/**
 * Options on the indexes of a run, of stage 2 and the pipeline.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import type { Stage2Options } from "../../lib/pipeline/run_stage2.ts";
import { STEPS } from "./run_options.ts";

/** Options of stage 2 that the pipeline has too. */
export const INDEX_OPTIONS: readonly OptionSpec[] = [
  STEPS,
  {
    name: "parallel-workers",
    value: "<n>",
    default: "8",
    help: "indexes fetched at once",
  },
  {
    name: "allow-missing",
    help: "exit 0 although files or fields are missing; they are still named",
  },
];

/** What {@linkcode INDEX_OPTIONS} say. */
export type IndexOptions = Pick<Stage2Options, "steps" | "parallelWorkers" | "allowMissing">;

/** Reads {@linkcode INDEX_OPTIONS}. */
export function parseIndexOptions(values: OptionValues): IndexOptions {
  return {
    steps: values.counts("steps"),
    parallelWorkers: values.count("parallel-workers"),
    allowMissing: values.flag("allow-missing"),
  };
}
