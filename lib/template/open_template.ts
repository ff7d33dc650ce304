/**
 * Opens the template of stage 1, on this disk or from a server, and checks whether it fits the run.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { describeRun, type Run } from "../ecmwf/run.ts";
import { GribError } from "../grib/headers.ts";
import type { IndexedField } from "../references/step_index.ts";
import { receivedBy, type StageContext, type Storage, StorageError } from "../storage/mod.ts";
import type { Progress } from "../util/reporter.ts";
import { download } from "./download.ts";
import { isZip, readStage1Zip } from "./stage1_zip.ts";
import { readTemplate, type Template, TemplateError } from "./template_archive.ts";
import { compareTemplate, describeMisfit } from "./template_fit.ts";

/** Which template to use. */
export interface TemplateOptions {
  /** URL or path of a template archive or stage 1 zip; without one the skeletons are empty. */
  template?: string;
  /** Whether a template that cannot be had ends the stage. */
  requireTemplate: boolean;
  /**
   * Whether a template that was made for another grid or set of parameters ends the stage.
   *
   * @default {requireTemplate}
   */
  requireFit?: boolean;
  /** Folder in which downloaded templates are kept. */
  templateCache: string;
}

/**
 * Opens the template and checks whether it fits the run.
 *
 * @param fields of the run's first step.
 * @returns nothing when no template is asked for, or when it cannot be had and is not required.
 * @throws {TemplateError} {StorageError} when it cannot be had and is required.
 */
export async function findTemplate(
  options: TemplateOptions,
  wanted: readonly Member[],
  fields: readonly IndexedField[],
  run: Run,
  context: StageContext,
): Promise<CheckedTemplate> {
  const template = await openTemplate(options, wanted, context);
  return template ? await checkTemplate(template, options.template!, fields, run, context) : {};
}

/**
 * Opens the template, for the members wanted.
 *
 * @returns `undefined` when none is asked for, or when it cannot be had and is not required.
 * @throws {TemplateError} {StorageError} when it cannot be had and is required.
 */
async function openTemplate(
  options: TemplateOptions,
  wanted: readonly Member[],
  context: StageContext,
): Promise<Template | undefined> {
  const { template, requireTemplate, templateCache } = options;
  if (template === undefined) return undefined;
  try {
    const path = await fetchTemplate(template, templateCache, context);
    return await readArchive(path, template, (member) => wanted.includes(member));
  } catch (error) {
    const unusable = error instanceof StorageError || error instanceof TemplateError;
    if (!unusable || requireTemplate) throw error;
    context.reporter.warn(
      `${error.message}; going on without a template: the references to data do not need it ` +
        `(--no-template asks for this, --require-template stops here)`,
    );
    return undefined;
  }
}

async function readArchive(
  path: string,
  source: string,
  keep: (member: Member) => boolean,
): Promise<Template> {
  const archive = await Deno.open(path);
  const head = new Uint8Array(4);
  await archive.read(head);
  await archive.seek(0, Deno.SeekMode.Start);
  if (!isZip(head)) return await readTemplate(archive.readable, source, keep);
  const zip = await new Response(archive.readable).bytes();
  return await readStage1Zip(zip, source, keep);
}

/** The path of a template on this disk, downloaded when it is a URL that is not in the cache. */
async function fetchTemplate(
  template: string,
  cache: string,
  { storage, reporter }: StageContext,
): Promise<string> {
  if (!/^https?:/.test(template)) {
    await storage.head(template);
    return template;
  }
  const path = `${cache}/${new URL(template).pathname.split("/").at(-1) || "template.tar.gz"}`;
  let bar: Progress | undefined;
  let shown = 0;
  const showPart = (received: number, size: number) => {
    bar ??= reporter.progress("template, MB", size / 1e6, receivedBy(storage));
    bar.advance((received - shown) / 1e6);
    shown = received;
  };
  try {
    await download(storage, template, path, showPart);
  } catch (error) {
    const cached = error instanceof StorageError && await isThere(path, storage);
    if (!cached) throw error;
    reporter.warn(`${error.message}; using ${path}, downloaded before`);
  } finally {
    bar?.finish();
  }
  return path;
}

async function isThere(path: string, storage: Storage): Promise<boolean> {
  return await storage.head(path).then(() => true, () => false);
}

/** A template as far as it can be used, and what is wrong with it. */
export interface CheckedTemplate {
  /** Absent when it was made for another grid. */
  template?: Template;
  /** What makes it unfit, in words, with its name. */
  misfit?: string;
}

/**
 * Checks whether a template fits the run. One that only lacks parameters can still be used; one for
 * another grid cannot.
 *
 * @param source its name, for the text.
 * @param fields of the run's first step.
 */
async function checkTemplate(
  template: Template,
  source: string,
  fields: readonly IndexedField[],
  run: Run,
  { storage, reporter }: StageContext,
): Promise<CheckedTemplate> {
  try {
    const fit = await compareTemplate(template, fields, storage);
    if (fit.unpublished.length > 0) {
      const names = fit.unpublished.join(", ");
      reporter.info(`described by the template, not published at step 0: ${names}`);
    }
    const state = describeMisfit(fit);
    const usable = fit.grids ? {} : { template };
    if (state === undefined) return usable;
    return { ...usable, misfit: `${source} does not fit ${describeRun(run)}: ${state}` };
  } catch (error) {
    if (!(error instanceof GribError)) throw error;
    return { misfit: `${source} cannot be compared with ${describeRun(run)}: ${error.message}` };
  }
}
