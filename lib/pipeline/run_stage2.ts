/**
 * Stage 2: the indexes of a run go in, each read once; the fresh references of every member come out.
 *
 * @module
 */
import { asPublished } from "../ecmwf/eras.ts";
import { type StepFile, stepFiles } from "../ecmwf/files.ts";
import { describeMembers, firstMembers, type Member } from "../ecmwf/members.ts";
import { findFolder } from "../ecmwf/published.ts";
import { chooseSteps, describeRun, type Run } from "../ecmwf/run.ts";
import { findVariables, GIK_VARIABLES } from "../ecmwf/variables.ts";
import { findFieldGaps } from "../references/field_sets.ts";
import type { RunFields } from "../references/run_fields.ts";
import { readRunIndex } from "../references/run_index.ts";
import {
  readStageStore,
  removePartialStageFiles,
  writeStageStore,
} from "../references/stage_files.ts";
import { stageFolder } from "../references/stage_folders.ts";
import type { StageContext } from "../storage/mod.ts";
import { mapInParallel } from "../util/parallel.ts";
import type { Outcome } from "../util/reporter.ts";
import { summarizeLines } from "../util/text.ts";

/** Groups of missing fields that are named; of the others only their number is. */
const GAPS_SHOWN = 10;

/** What stage 2 works on. */
export interface Stage2Options {
  run: Run;
  /** Forecast steps in hours. @default every step of the run */
  steps?: readonly number[];
  /** How many members, the control first. */
  maxMembers: number;
  /** Indexes fetched at once. */
  parallelWorkers: number;
  /** @default the folder of the run, `ecmwf_three_stage_<date>_<run>z` */
  outputDir?: string;
  /** Whether the result counts as complete although files or fields of the run are missing. */
  allowMissing: boolean;
}

/** What stage 2 wrote. */
export interface Stage2Result extends Outcome {
  folder: string;
  /** Members whose store was written, ascending. */
  members: Member[];
  /** Members that the run does not have. */
  absentMembers: Member[];
  /** Files whose index or GRIB2 file could not be read. */
  missingFiles: StepFile[];
  /** Fields that members lack, one text for the same fields and members. */
  missingFields: string[];
  /** Fields referenced, all members together. */
  fieldCount: number;
}

/**
 * Reads the indexes of a run and writes `stage2_<member>_merged.parquet`: the skeleton of stage 1, if
 * there is one, and the keys of every field of the member, step by step.
 *
 * Costs one GET a file for its index and one HEAD for its length: 85 files for a run at 00 or 12 UTC,
 * twice that from IFS cycle 50r1 on; up to eight HEADs more for runs of February 2024, which may be in
 * several folders.
 *
 * @throws {MissingDataError} when no file of the run is there.
 * @throws {StorageError} when the network fails for all files, or access is refused.
 */
export async function runStage2(
  options: Stage2Options,
  context: StageContext,
): Promise<Stage2Result> {
  const { run, outputDir: folder = stageFolder(run) } = options;
  const { reporter } = context;
  const wanted = firstMembers(options.maxMembers);
  await removePartialStageFiles(folder);
  const steps = chooseSteps(run, options.steps);
  const eraFolder = await findFolder(run, steps, context.storage);
  const files = steps.flatMap((step) => stepFiles(run, step, eraFolder));
  const index = await readRunIndex(run, files, {
    ...context,
    members: wanted,
    parallelFiles: options.parallelWorkers,
  });
  const { fields, missingFiles, lostLines } = index;

  const present = new Set(fields.members);
  const members = wanted.filter((member) => present.has(member));
  const absentMembers = wanted.filter((member) => !present.has(member));
  if (absentMembers.length > 0) {
    reporter.warn(`${describeRun(run)} lacks members ${describeMembers(absentMembers)}`);
  }
  const { missing: gaps, unnamed } = findFieldGaps(index.files, {
    run,
    members,
    required: findVariables(GIK_VARIABLES).map((variable) => asPublished(variable, run)),
  });
  if (gaps.length > 0) reporter.warn(`fields are missing: ${summarizeLines(gaps, GAPS_SHOWN)}`);
  if (unnamed.length > 0) {
    const line = `fields that the index calls "unknown": ${summarizeLines(unnamed, GAPS_SHOWN)}`;
    // Only a field that is missed makes a run incomplete.
    if (gaps.length > 0) reporter.warn(`${line}; they may be the missing ones`);
    else reporter.info(line);
  }
  await writeMergedStores(fields, members, folder, context);

  const counts = `${fields.count} fields of ${members.length} members, ${files.length} files`;
  reporter.info(`stage 2: ${counts} of ${describeRun(run)} in ${folder}`);
  const missing = absentMembers.length + gaps.length + missingFiles.length + lostLines;
  return {
    folder,
    members,
    absentMembers,
    missingFiles,
    missingFields: gaps,
    fieldCount: fields.count,
    complete: missing === 0 || options.allowMissing,
  };
}

/** Writes the stage 2 file of each member: the skeleton of stage 1, if there is one, and its fields. */
export async function writeMergedStores(
  fields: RunFields,
  members: readonly Member[],
  folder: string,
  { storage, reporter }: StageContext,
): Promise<void> {
  const bar = reporter.progress("stores", members.length);
  // While one store is written, the next is encoded.
  const written = mapInParallel(2, members, async (member) => {
    const skeleton = await readStageStore(storage, folder, 1, member) ?? [];
    const store = [...skeleton, ...fields.references(member)];
    await writeStageStore(storage, folder, 2, member, store);
  });
  for await (const _ of written) bar.advance(1);
  bar.finish();
}
