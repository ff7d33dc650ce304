/**
 * Stage 1: checks a run and leaves the skeleton of every member's store, made from a template or from
 * the headers of the run's own GRIB files.
 *
 * @module
 */
import { dirname } from "node:path";
import type { Command, OptionSpec, Outcome } from "../lib/cli/command.ts";
import { stepFiles } from "../lib/ecmwf/files.ts";
import { describeMembers, firstMembers, type Member } from "../lib/ecmwf/members.ts";
import { absentRunError } from "../lib/ecmwf/published.ts";
import { describeRun, isSameRun, referenceTime, type Run } from "../lib/ecmwf/run.ts";
import type { Store } from "../lib/references/store.ts";
import { toIndexedField } from "../lib/kerchunk/scan_run.ts";
import { deflateStore } from "../lib/references/skeleton.ts";
import { spotCheck } from "../lib/references/spot_check.ts";
import { stageFolder, writeStageStore } from "../lib/references/stage_files.ts";
import { encodeStage1Zip, stage1ZipName } from "../lib/template/stage1_zip.ts";
import { type IndexedField, readStepIndex, summarize } from "../lib/references/step_index.ts";
import { StorageError } from "../lib/storage/mod.ts";
import { encodeTemplate, type Template } from "../lib/template/template_archive.ts";
import { exitWith } from "./cli/console.ts";
import {
  openRun,
  parseStageRequest,
  STAGE_OPTIONS,
  type StageContext,
  type StageRequest,
} from "./cli/run_options.ts";
import { type RunSummary, summarizeRun } from "../lib/cli/run_summary.ts";
import { parseScanOptions, SCAN_OPTIONS, scanHours, type ScanOptions } from "./cli/scan_options.ts";
import {
  checkTemplate,
  openTemplate,
  parseTemplateOptions,
  reportMisfit,
  TEMPLATE_OPTIONS,
  type TemplateOptions,
} from "./cli/template_options.ts";

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
  const template = await openTemplate(opened, wanted, context);
  const checked = template
    ? await checkTemplate(template, options.template!, fields, run, context)
    : {};
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

async function scanSource(
  options: Stage1Options,
  wanted: readonly Member[],
  context: StageContext,
): Promise<Source> {
  const { run } = options;
  const { stores, messages, complete } = await scanHours(options, run, wanted, context);
  const first = Math.min(...messages.map(({ field }) => field.stepHours));
  const ofFirst = messages.filter(({ field }) => field.stepHours === first);
  context.reporter.info(`${messages.length} messages scanned`);
  return {
    template: { run, stores },
    scanned: true,
    fields: ofFirst.map(toIndexedField),
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
    await storage.put(saveTemplate, [await encodeTemplate(template!)]);
    reporter.info(`template of ${describeRun(run)} in ${saveTemplate}`);
  } else if (saveTemplate !== undefined) {
    reporter.warn(`${saveTemplate} is not written: the template fits, nothing was scanned`);
  }
  if (!stage1Zip) return;
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
      if (problems.length > 0) context.reporter.warn(`${file.indexUrl}: ${summarize(problems)}`);
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

function describeStage1(run: Run, result: Stage1Result): RunSummary {
  const { complete, members, fromTemplate, scanned, folder } = result;
  const origin = scanned ? "a scan" : fromTemplate ? "a template" : "nothing: they are empty";
  return {
    run,
    complete,
    lines: [["skeletons", `${members.length}`], ["made from", origin], ["written", folder]],
    facts: { members: members.length, fromTemplate, scanned, folder },
  };
}

const ZIP: OptionSpec = {
  name: "zip",
  help: "also write the zip of the Python tools, ecmwf_<date>_<run>z_efficient.zip",
};

/** The command `stage1`. */
export const command: Command<
  StageRequest & TemplateOptions & ScanOptions & { stage1Zip: boolean }
> = {
  name: "stage1",
  purpose:
    "Stage 1: checks that a run of the ECMWF ensemble is there, and writes the skeleton of\n" +
    "every member's store (metadata and coordinates) from a template archive, or from the\n" +
    "headers of the run's own GRIB files.",
  options: [...STAGE_OPTIONS, ...TEMPLATE_OPTIONS, ...SCAN_OPTIONS, ZIP],
  examples: [
    "deno task stage1 --date 20260206",
    "deno task stage1 --date latest --run 12 --no-template",
    "deno task stage1 --date 20260206 --template ./template.tar.gz --require-template",
    "deno task stage1 --date 20260206 --scan --save-template ./template.tar.gz",
  ],
  parse: (values) => ({
    ...parseStageRequest(values),
    ...parseTemplateOptions(values),
    ...parseScanOptions(values),
    stage1Zip: values.flag(ZIP.name),
  }),
  async run(request, reporter) {
    const started = Date.now();
    const { run, context } = await openRun(request, reporter);
    const result = await runStage1({ ...request, run }, context);
    reporter.result(summarizeRun(describeStage1(run, result), context, started));
    return result;
  },
};

if (import.meta.main) await exitWith(command);
