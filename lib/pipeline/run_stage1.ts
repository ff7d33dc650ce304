/**
 * Stage 1: a run and a template, or the headers of the run's own GRIB files, go in; the skeleton of every
 * member's store comes out.
 *
 * @module
 */
import { dirname } from "node:path";
import { describeMembers, firstMembers, type Member } from "../ecmwf/members.ts";
import { describeRun, isSameRun, referenceTime, type Run } from "../ecmwf/run.ts";
import { deflateStore } from "../references/skeleton.ts";
import { spotCheck } from "../references/spot_check.ts";
import {
  removePartialStageFiles,
  writeArchiveFile,
  writeStageStore,
} from "../references/stage_files.ts";
import { stageFolder } from "../references/stage_folders.ts";
import type { IndexedField } from "../references/step_index.ts";
import type { Store } from "../references/store.ts";
import type { StageContext } from "../storage/mod.ts";
import type { Template } from "../template/template_archive.ts";
import type { Outcome } from "../util/reporter.ts";
import { findSkeletonSource, type SkeletonSource, type SourceOptions } from "./skeleton_source.ts";

/** What stage 1 works on. */
export interface Stage1Options extends SourceOptions {
  /** @default the folder of the run, `ecmwf_three_stage_<date>_<run>z` */
  outputDir?: string;
  /** Whether the stores also go into the zip of the Python tools, beside the folder. @default false */
  stage1Zip?: boolean;
  /** How many members, the control first. */
  maxMembers: number;
}

/** What stage 1 wrote. */
export interface Stage1Result extends Outcome {
  folder: string;
  /** Members whose skeleton was written. */
  members: Member[];
  /** Whether the skeletons come from a template. */
  fromTemplate: boolean;
  /** Whether they come from the headers of GRIB files. */
  scanned: boolean;
}

/**
 * Checks that the run is there and whole at step 0, then writes `stage1_<member>_deflated.parquet`
 * for every member wanted that the run has.
 *
 * Costs the index of step 0 (two from IFS cycle 50r1 on) and three messages; the template is
 * downloaded once and its grid compared with one message's. A scan costs about one small request a
 * field and file.
 *
 * @throws {MissingDataError} when the run has no step 0, or a template that must fit does not.
 * @throws {TemplateError} {StorageError} when a required template cannot be read.
 */
export async function runStage1(
  options: Stage1Options,
  context: StageContext,
): Promise<Stage1Result> {
  const { run, outputDir: folder = stageFolder(run) } = options;
  const wanted = firstMembers(options.maxMembers);
  await removePartialStageFiles(folder);
  const source = await findSkeletonSource(options, wanted, context);
  const isWhole = await checkFirstStep(run, source.fields, wanted, context);
  const present = new Set(source.fields.map(({ field }) => field.member));
  const members = wanted.filter((member) => present.has(member));
  await writeSkeletons(source.template, members, run, folder, context);
  await writeArchives(source, options, context);
  context.reporter.info(`stage 1: ${members.length} skeletons of ${describeRun(run)} in ${folder}`);
  return {
    folder,
    members,
    fromTemplate: source.template !== undefined && !source.scanned,
    scanned: source.scanned,
    complete: source.complete && isWhole,
  };
}

/** Whether every member has messages, and those of a spot check are what the index says. */
async function checkFirstStep(
  run: Run,
  fields: readonly IndexedField[],
  members: readonly Member[],
  { storage, reporter }: StageContext,
): Promise<boolean> {
  const present = new Set(fields.map(({ field }) => field.member));
  const absent = members.filter((member) => !present.has(member));
  const step = fields[0]?.field.stepHours ?? 0;
  const found = `${describeRun(run)} has ${present.size} members at step ${step}`;
  if (absent.length === 0) reporter.info(found);
  else reporter.warn(`${found}; absent: ${describeMembers(absent)}`);

  const wanted = fields.filter(({ field }) => members.includes(field.member));
  const { checked, faults } = await spotCheck(storage, run, wanted);
  for (const fault of faults) reporter.warn(`spot check of ${fault}`);
  reporter.info(`${checked} messages decoded as a check, ${faults.length} wrong`);
  return absent.length === 0 && faults.length === 0;
}

async function writeSkeletons(
  template: Template | undefined,
  members: readonly Member[],
  run: Run,
  folder: string,
  { storage, reporter }: StageContext,
): Promise<void> {
  const bar = reporter.progress("skeletons", members.length);
  for (const member of members) {
    await writeStageStore(storage, folder, 1, member, makeSkeleton(template, member, run));
    bar.advance(1);
  }
  bar.finish();
}

const EMPTY_GROUP = new TextEncoder().encode('{"zarr_format":2}');

function makeSkeleton(template: Template | undefined, member: Member, run: Run): Store {
  const store = template?.stores.get(member);
  if (!template || !store) return new Map([[".zgroup", EMPTY_GROUP]]);
  return deflateStore(store, referenceTime(template.run), referenceTime(run)).store;
}

/** Writes the archives that were asked for. */
async function writeArchives(
  { template, scanned }: SkeletonSource,
  options: Stage1Options,
  { storage, reporter }: StageContext,
): Promise<void> {
  const { run, outputDir = stageFolder(run), saveTemplate, stage1Zip = false } = options;
  if (saveTemplate !== undefined && scanned) {
    const { encodeTemplate } = await import("../template/template_archive.ts");
    await writeArchiveFile(storage, saveTemplate, await encodeTemplate(template!));
    reporter.info(`template of ${describeRun(run)} in ${saveTemplate}`);
  } else if (saveTemplate !== undefined) {
    reporter.warn(`${saveTemplate} is not written: the template fits, nothing was scanned`);
  }
  if (!stage1Zip) return;
  const { encodeStage1Zip, stage1ZipName } = await import("../template/stage1_zip.ts");
  const path = `${dirname(outputDir.replace(/\/+$/, ""))}/${stage1ZipName(run)}`;
  await writeArchiveFile(
    storage,
    path,
    encodeStage1Zip({ run, stores: zippedStores(template, run) }),
  );
  reporter.info(`stage 1 zip: ${path}`);
}

/** Stores of this run unchanged; those of another run moved to it, without its references. */
function zippedStores(template: Template | undefined, run: Run): Map<Member, Store> {
  if (!template || isSameRun(template.run, run)) return template?.stores ?? new Map();
  return new Map(
    Array.from(template.stores.keys(), (member) => [member, makeSkeleton(template, member, run)]),
  );
}
