/**
 * Where the skeletons of stage 1 come from: a template that fits the run, the headers of the run's GRIB
 * files, or nothing.
 *
 * @module
 */
import { describePart, stepFiles } from "../ecmwf/files.ts";
import type { Member } from "../ecmwf/members.ts";
import { findFolder } from "../ecmwf/published.ts";
import { checkSteps, chooseSteps, type Run, runSteps } from "../ecmwf/run.ts";
import {
  explainAbsence,
  type IndexedField,
  type IndexFailure,
  listLosses,
  type StepIndex,
  tryStepIndex,
  warnOfProblems,
} from "../references/step_index.ts";
import type { StageContext } from "../storage/mod.ts";
import type { CheckedTemplate, TemplateOptions } from "../template/open_template.ts";
import type { Template } from "../template/template_archive.ts";

/**
 * Whether GRIB files are scanned: never, where the user's own template does not fit, or instead of any
 * template.
 */
export type ScanMode = "never" | "if-needed" | "always";

/** Whether and what to scan, and where to save the result. */
export interface ScanOptions {
  /** @default "never" */
  scan?: ScanMode;
  /** Forecast hours whose files are scanned. @default the first two of the run */
  hours?: readonly number[];
  /** Path of a template archive to write. @default none */
  saveTemplate?: string;
}

/** Steps scanned by default: a parameter may be an instant at step 0 and an accumulation afterwards. */
const DEFAULT_COUNT = 2;

/** What skeletons may be made of. */
export interface SourceOptions extends TemplateOptions, ScanOptions {
  run: Run;
  /** Forecast steps in hours that later stages use. @default every step of the run */
  steps?: readonly number[];
}

/** What skeletons are made of, and the messages of the run that were found on the way. */
export interface SkeletonSource {
  /** Without one the skeletons are empty. */
  template?: Template;
  /** Whether the template was made by a scan. */
  scanned: boolean;
  /** Messages of the step that is checked, or of the first step scanned. */
  fields: readonly IndexedField[];
  /** Whether every message of these steps is listed, or of the scanned files in the template. */
  complete: boolean;
}

/**
 * Opens the template, or scans GRIB files where that is asked for or allowed. A scan that is allowed
 * takes the place of the published template, which is then not downloaded.
 *
 * @throws {MissingDataError} when the run has neither step 0 nor the first steps asked for, or a
 *   template that must fit does not.
 * @throws {TemplateError} {StorageError} when a required template cannot be read.
 */
export async function findSkeletonSource(
  options: SourceOptions,
  members: readonly Member[],
  context: StageContext,
): Promise<SkeletonSource> {
  const mayScan = options.scan === "if-needed";
  if (options.scan === "always" || (mayScan && options.template === undefined)) {
    return await scanHours(options, members, context);
  }
  const { fields, complete } = await readFirstStep(options, context);
  const asked = mayScan ? { ...options, requireTemplate: false, requireFit: false } : options;
  const { template, misfit } = await loadTemplate(asked, members, fields, context);
  if (mayScan && (misfit !== undefined || !template)) {
    context.reporter.warn(`${misfit ?? "no template"}; scanning the GRIB files`);
    return await scanHours(options, members, context);
  }
  if (misfit !== undefined) {
    const remedy = "--run-stage1 scans the GRIB files instead";
    context.reporter.warn(`${misfit}; going on with${template ? "" : "out"} it (${remedy})`);
  }
  return { ...(template && { template }), scanned: false, fields, complete };
}

/** What the indexes of the step that is checked list. */
interface CheckedStep {
  fields: IndexedField[];
  /** Whether no line was lost, and step 0 was there if it was asked for. */
  complete: boolean;
}

/** Steps that are tried before a run counts as absent. */
const MAX_STEPS = 4;

/**
 * Reads the indexes of step 0, or of the first step asked for of which all can be read; else those
 * that can of the first one that has any.
 */
async function readFirstStep(
  { run, steps }: SourceOptions,
  context: StageContext,
): Promise<CheckedStep> {
  const asked = chooseSteps(run, steps);
  const failures: IndexFailure[] = [];
  let partial: IndexedStep | undefined;
  const tried = [0, ...asked.filter((step) => step !== 0)].slice(0, MAX_STEPS);
  const folder = await findFolder(run, tried, context.storage);
  for (const stepHours of tried) {
    const step = await readStep(run, stepHours, folder, context);
    failures.push(...step.failures);
    if (step.indexes.length > 0) partial ??= step;
    if (step.failures.length > 0) continue;
    return useStep(step, failures, asked.includes(0), context);
  }
  if (!partial) throw explainAbsence(run, failures.map(({ error }) => error), "start from");
  return useStep(partial, failures, true, context);
}

/** The step to check, with a word on what is missing or wrong. */
function useStep(
  { stepHours, indexes }: IndexedStep,
  failures: readonly IndexFailure[],
  isNeeded: boolean,
  { reporter }: StageContext,
): CheckedStep {
  for (const { file, error } of failures) {
    reporter.warn(`step ${file.stepHours} (${describePart(file)}) is missing: ${error.message}`);
  }
  if (failures.length > 0) reporter.warn(`checking the run at step ${stepHours}`);
  for (const index of indexes) warnOfProblems(index, reporter);
  const isWhole = indexes.every((index) => listLosses(index).length === 0);
  return {
    fields: indexes.flatMap(({ fields }) => fields),
    complete: isWhole && (failures.length === 0 || !isNeeded),
  };
}

/** What there is of the indexes of a step. */
interface IndexedStep {
  stepHours: number;
  indexes: StepIndex[];
  failures: IndexFailure[];
}

/** @throws {StorageError} when Deno refuses access. */
async function readStep(
  run: Run,
  stepHours: number,
  folder: string,
  { storage }: StageContext,
): Promise<IndexedStep> {
  const step: IndexedStep = { stepHours, indexes: [], failures: [] };
  for (const file of stepFiles(run, stepHours, folder)) {
    const index = await tryStepIndex(storage, run, file);
    if ("error" in index) step.failures.push(index);
    else step.indexes.push(index);
  }
  return step;
}

/** Loads the reader of templates only where there is one to read. */
async function loadTemplate(
  options: SourceOptions,
  members: readonly Member[],
  fields: readonly IndexedField[],
  context: StageContext,
): Promise<CheckedTemplate> {
  if (options.template === undefined && !options.published) return {};
  const { findTemplate } = await import("../template/open_template.ts");
  return await findTemplate(options, { run: options.run, members, fields }, context);
}

/** @throws {RunError} for an hour that the run does not have. */
async function scanHours(
  { run, hours = runSteps(run).slice(0, DEFAULT_COUNT) }: SourceOptions,
  members: readonly Member[],
  context: StageContext,
): Promise<SkeletonSource> {
  const { scanRun, toIndexedField } = await import("../kerchunk/scan_run.ts");
  const wanted = { run, hours: checkSteps(run, hours), members };
  const { stores, messages, complete } = await scanRun(wanted, context);
  context.reporter.info(`${messages.length} messages scanned`);
  const fields = messages.map(toIndexedField);
  const firstStep = Math.min(...fields.map(({ field }) => field.stepHours));
  return {
    template: { run, stores },
    scanned: true,
    fields: fields.filter(({ field }) => field.stepHours === firstStep),
    complete,
  };
}
