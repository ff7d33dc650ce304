/**
 * Stage 1: a run and a template, or the headers of the run's own GRIB files, in; the skeleton of every
 * member's store out.
 *
 * @module
 */
import { dirname } from "node:path";
import { stepFiles } from "../ecmwf/files.ts";
import { describeMembers, firstMembers, type Member } from "../ecmwf/members.ts";
import { absentRunError } from "../ecmwf/published.ts";
import { checkSteps, describeRun, isSameRun, referenceTime, type Run } from "../ecmwf/run.ts";
import { MissingDataError } from "../errors.ts";
import { deflateStore } from "../references/skeleton.ts";
import { spotCheck } from "../references/spot_check.ts";
import { stageFolder, writeStageStore } from "../references/stage_files.ts";
import { type IndexedField, readStepIndex } from "../references/step_index.ts";
import type { Store } from "../references/store.ts";
import { type StageContext, StorageError } from "../storage/mod.ts";
import type { CheckedTemplate, TemplateOptions } from "../template/open_template.ts";
import type { Template } from "../template/template_archive.ts";
import type { Outcome } from "../util/reporter.ts";
import { summarizeLines } from "../util/text.ts";

/** Whether GRIB files are scanned: never, where no template fits, or instead of any template. */
export type ScanMode = "never" | "if-needed" | "always";

/** Whether and what to scan, and where to keep the result. */
export interface ScanOptions {
  /** @default "never" */
  scan?: ScanMode;
  /** Forecast hours whose files are scanned. @default [0, 3] */
  hours?: readonly number[];
  /** Path of a template archive to write. @default none */
  saveTemplate?: string;
}

export const DEFAULT_HOURS: readonly number[] = [0, 3];

/** What stage 1 works on. */
export interface Stage1Options extends TemplateOptions, ScanOptions {
  run: Run;
  /** @default the folder of the run, `ecmwf_three_stage_<date>_<run>z` */
  outputDir?: string;
  /** Whether the stores also go into the zip of the Python tools, beside the folder. @default false */
  stage1Zip?: boolean;
  /** The first so many members, the control first. */
  maxMembers: number;
}

/** What stage 1 left. */
export interface Stage1Result extends Outcome {
  folder: string;
  /** Members whose skeleton was written. */
  members: Member[];
  /** Whether the skeletons come from a template. */
  fromTemplate: boolean;
  /** Whether they come from the headers of GRIB files. */
  scanned: boolean;
}

/** What skeletons are made of, and what was found of the run on the way. */
interface Source {
  /** Absent: the skeletons are empty. */
  template?: Template;
  /** Whether it was scanned. */
  scanned: boolean;
  /** Messages of the first step that was looked at. */
  fields: readonly IndexedField[];
  complete: boolean;
}

/**
 * Checks that the run is there and whole at step 0, then writes `stage1_<member>_deflated.parquet`
 * for every member wanted.
 *
 * Costs the index of step 0 (two from IFS cycle 50r1 on) and three messages; the template is
 * downloaded once and its grid compared with one message's. A scan costs about one small request a
 * field and file.
 *
 * @throws {MissingDataError} when the run has no step 0, or a template that must fit does not.
 * @throws {TemplateError} {StorageError} when a required template cannot be had.
 */
export async function runStage1(
  options: Stage1Options,
  context: StageContext,
): Promise<Stage1Result> {
  const { run, outputDir = stageFolder(run) } = options;
  const { reporter, storage } = context;
  const wanted = firstMembers(options.maxMembers);
  const source = options.scan === "always"
    ? await scanSource(options, wanted, context)
    : await findSource(options, wanted, context);
  const { template, scanned, fields } = source;
  const absent = reportAbsent(fields, wanted, run, context);
  const ofWanted = fields.filter(({ field }) => wanted.includes(field.member));
  const spot = await spotCheck(storage, run, ofWanted);
  for (const fault of spot.faults) reporter.warn(`spot check of ${fault}`);
  reporter.info(`${spot.checked} messages decoded as a check, ${spot.faults.length} wrong`);

  const bar = reporter.progress("skeletons", wanted.length);
  for (const member of wanted) {
    const store = makeSkeleton(template, member, run);
    await writeStageStore(storage, outputDir, 1, member, store);
    bar.advance(1);
  }
  bar.finish();
  await writeArchives(source, options, context);
  reporter.info(`stage 1: ${wanted.length} skeletons of ${describeRun(run)} in ${outputDir}`);
  return {
    folder: outputDir,
    members: wanted,
    fromTemplate: template !== undefined && !scanned,
    scanned,
    complete: source.complete && absent.length === 0 && spot.faults.length === 0,
  };
}

/** A template that fits, or a scan where that is allowed. */
async function findSource(
  options: Stage1Options,
  wanted: readonly Member[],
  context: StageContext,
): Promise<Source> {
  const { run } = options;
  const mayScan = options.scan === "if-needed";
  const fields = await readFirstStep(run, context);
  const opened = mayScan ? { ...options, requireTemplate: false } : options;
  const checked = await loadTemplate(opened, wanted, fields, context);
  if (mayScan && (checked.misfit !== undefined || !checked.template)) {
    context.reporter.warn(`${checked.misfit ?? "no template"}; scanning the GRIB files`);
    return await scanSource(options, wanted, context);
  }
  reportMisfit(checked, options, context);
  return {
    ...(checked.template && { template: checked.template }),
    scanned: false,
    fields,
    complete: true,
  };
}

/** Loads the reader of templates only where there is one to read. */
async function loadTemplate(
  options: Stage1Options,
  wanted: readonly Member[],
  fields: readonly IndexedField[],
  context: StageContext,
): Promise<CheckedTemplate> {
  if (options.template === undefined) return {};
  const { findTemplate } = await import("../template/open_template.ts");
  return await findTemplate(options, wanted, fields, options.run, context);
}

/**
 * Says that a template is not what it should be and what follows.
 *
 * @throws {MissingDataError} when one that fits is required.
 */
function reportMisfit(
  { template, misfit }: CheckedTemplate,
  { requireTemplate, requireFit = requireTemplate }: TemplateOptions,
  { reporter }: StageContext,
): void {
  if (misfit === undefined) return;
  if (requireFit) {
    throw new MissingDataError(`Cannot go on: ${misfit}; add --run-stage1 to scan the GRIB files`);
  }
  const remedy = "--run-stage1 scans the GRIB files instead";
  reporter.warn(`${misfit}; going on with${template ? "" : "out"} it (${remedy})`);
}

async function scanSource(
  options: Stage1Options,
  wanted: readonly Member[],
  context: StageContext,
): Promise<Source> {
  const { run } = options;
  const { stores, fields, complete } = await scanHours(options, run, wanted, context);
  const first = Math.min(...fields.map(({ field }) => field.stepHours));
  const ofFirst = fields.filter(({ field }) => field.stepHours === first);
  context.reporter.info(`${fields.length} messages scanned`);
  return {
    template: { run, stores },
    scanned: true,
    fields: ofFirst,
    complete,
  };
}

/** Writes the archives that were asked for. */
async function writeArchives(
  { template, scanned }: Source,
  options: Stage1Options,
  { storage, reporter }: StageContext,
): Promise<void> {
  const { run, outputDir = stageFolder(run), saveTemplate, stage1Zip = false } = options;
  if (saveTemplate !== undefined && scanned) {
    const { encodeTemplate } = await import("../template/template_archive.ts");
    await storage.put(saveTemplate, [await encodeTemplate(template!)]);
    reporter.info(`template of ${describeRun(run)} in ${saveTemplate}`);
  } else if (saveTemplate !== undefined) {
    reporter.warn(`${saveTemplate} is not written: the template fits, nothing was scanned`);
  }
  if (!stage1Zip) return;
  const { encodeStage1Zip, stage1ZipName } = await import("../template/stage1_zip.ts");
  const path = `${dirname(outputDir.replace(/\/+$/, ""))}/${stage1ZipName(run)}`;
  await storage.put(path, [encodeStage1Zip({ run, stores: zippedStores(template, run) })]);
  reporter.info(`stage 1 zip: ${path}`);
}

/** Stores of this run as they are; those of another run moved to it, without its references. */
function zippedStores(template: Template | undefined, run: Run): Map<Member, Store> {
  if (!template || isSameRun(template.run, run)) return template?.stores ?? new Map();
  return new Map(
    Array.from(template.stores.keys(), (member) => [member, makeSkeleton(template, member, run)]),
  );
}

async function readFirstStep(run: Run, context: StageContext): Promise<IndexedField[]> {
  const fields: IndexedField[] = [];
  for (const file of stepFiles(run, 0)) {
    try {
      const index = await readStepIndex(context.storage, run, file);
      const { dropped, doubtful } = index.problems;
      const problems = [...dropped, ...doubtful];
      if (problems.length > 0) {
        context.reporter.warn(`${file.indexUrl}: ${summarizeLines(problems)}`);
      }
      fields.push(...index.fields);
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== "missing") throw error;
      throw absentRunError("start from", run, error);
    }
  }
  return fields;
}

function reportAbsent(
  fields: readonly IndexedField[],
  wanted: readonly Member[],
  run: Run,
  context: StageContext,
): Member[] {
  const present = new Set(fields.map(({ field }) => field.member));
  const absent = wanted.filter((member) => !present.has(member));
  const step = fields[0]?.field.stepHours ?? 0;
  const found = `${describeRun(run)} has ${present.size} members at step ${step}`;
  if (absent.length === 0) context.reporter.info(found);
  else context.reporter.warn(`${found}; absent: ${describeMembers(absent)}`);
  return absent;
}

const EMPTY_GROUP = new TextEncoder().encode('{"zarr_format":2}');

function makeSkeleton(template: Template | undefined, member: Member, run: Run): Store {
  const store = template?.stores.get(member);
  if (!template || !store) return new Map([[".zgroup", EMPTY_GROUP]]);
  return deflateStore(store, referenceTime(template.run), referenceTime(run)).store;
}

/**
 * Scans the files of the hours asked for.
 *
 * @throws {RunError} for an hour that the run does not have.
 */
async function scanHours(
  { hours = DEFAULT_HOURS }: ScanOptions,
  run: Run,
  members: readonly Member[],
  context: StageContext,
): Promise<{ stores: Map<Member, Store>; fields: IndexedField[]; complete: boolean }> {
  const { scanRun, toIndexedField } = await import("../kerchunk/scan_run.ts");
  const scan = await scanRun({ run, hours: checkSteps(run, hours), members }, context);
  return { ...scan, fields: scan.messages.map(toIndexedField) };
}
