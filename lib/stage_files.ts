/**
 * Names of the files that the stages leave for each other, as the Python tools name them.
 *
 * @module
 */
import { type Member, memberFileName } from "./ecmwf/members.ts";
import { type Run, runLabel } from "./ecmwf/run.ts";

/** Suffix of each stage's files. */
const SUFFIX = { 1: "deflated", 2: "merged", 3: "final" } as const;

/** The folder of a run's stage files: `ecmwf_three_stage_20260206_00z`. */
export function stageFolder(run: Run): string {
  return `ecmwf_three_stage_${runLabel(run)}`;
}

/** A member's file of a stage: `stage3_ens_01_final.parquet`. */
export function stageFileName(stage: 1 | 2 | 3, member: Member): string {
  return `stage${stage}_${memberFileName(member)}_${SUFFIX[stage]}.parquet`;
}
