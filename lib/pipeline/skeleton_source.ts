/**
 * Where the skeletons of stage 1 come from: a template that fits the run, the headers of the run's GRIB
 * files, or nothing.
 *
 * @module
 */
import { stepFiles } from "../ecmwf/files.ts";
import type { Member } from "../ecmwf/members.ts";
import { absentRunError } from "../ecmwf/published.ts";
import { checkSteps, type Run } from "../ecmwf/run.ts";
import { type IndexedField, readStepIndex } from "../references/step_index.ts";
import { type StageContext, StorageError } from "../storage/mod.ts";
import type { CheckedTemplate, TemplateOptions } from "../template/open_template.ts";
import type { Template } from "../template/template_archive.ts";
import { summarizeLines } from "../util/text.ts";

/** Whether GRIB files are scanned: never, where no template fits, or instead of any template. */
export type ScanMode = "never" | "if-needed" | "always";

/** Whether and what to scan, and where to save the result. */
export interface ScanOptions {
  /** @default "never" */
  scan?: ScanMode;
  /** Forecast hours whose files are scanned. @default [0, 3] */
  hours?: readonly number[];
  /** Path of a template archive to write. @default none */
  saveTemplate?: string;
}

/** Hours scanned by default: a parameter may be an instant at step 0 and an accumulation afterwards. */
export const DEFAULT_HOURS: readonly number[] = [0, 3];

/** What skeletons may be made of. */
export interface SourceOptions extends TemplateOptions, ScanOptions {
  run: Run;
}

/** What skeletons are made of, and the messages of the run that were found on the way. */
export interface SkeletonSource {
  /** Without one the skeletons are empty. */
  template?: Template;
  /** Whether the template was made by a scan. */
  scanned: boolean;
  /** Messages of step 0, or of the first step scanned. */
  fields: readonly IndexedField[];
  /** Whether every message of the scanned files is in the template. */
  complete: boolean;
}

/**
 * Opens the template, or scans GRIB files where that is asked for or allowed.
 *
 * @throws {MissingDataError} when the run has no step 0, or a template that must fit does not.
 * @throws {TemplateError} {StorageError} when a required template cannot be read.
 */
export async function findSkeletonSource(
  options: SourceOptions,
  members: readonly Member[],
  context: StageContext,
): Promise<SkeletonSource> {
  if (options.scan === "always") return await scanHours(options, members, context);
  const fields = await readFirstStep(options.run, context);
  const mayScan = options.scan === "if-needed";
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
  return { ...(template && { template }), scanned: false, fields, complete: true };
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

/** Loads the reader of templates only where there is one to read. */
async function loadTemplate(
  options: SourceOptions,
  members: readonly Member[],
  fields: readonly IndexedField[],
  context: StageContext,
): Promise<CheckedTemplate> {
  if (options.template === undefined) return {};
  const { findTemplate } = await import("../template/open_template.ts");
  return await findTemplate(options, { run: options.run, members, fields }, context);
}

/** @throws {RunError} for an hour that the run does not have. */
async function scanHours(
  { run, hours = DEFAULT_HOURS }: SourceOptions,
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
