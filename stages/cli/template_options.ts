/**
 * The template of stage 1: its options, where it comes from, and whether it fits the run.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { MissingDataError, UsageError } from "../../lib/errors.ts";
import type { Progress } from "../../lib/util/reporter.ts";
import { download } from "../../lib/template/download.ts";
import type { Member } from "../../lib/ecmwf/members.ts";
import { describeRun, type Run } from "../../lib/ecmwf/run.ts";
import { GribError } from "../../lib/grib/mod.ts";
import { isZip, readStage1Zip } from "../../lib/template/stage1_zip.ts";
import type { IndexedField } from "../../lib/references/step_index.ts";
import { type Storage, StorageError } from "../../lib/storage/mod.ts";
import { readTemplate, type Template, TemplateError } from "../../lib/template/template_archive.ts";
import { compareTemplate, describeMisfit } from "../../lib/template/template_fit.ts";
import { receivedBy } from "../../lib/storage/stage_context.ts";
import type { StageContext } from "./run_options.ts";

/** Where the published template is. */
const PUBLISHED_TEMPLATE =
  "https://huggingface.co/datasets/Nishadhka/gfs_s3_gik_refs/resolve/main/gik-fmrc-v2ecmwf_fmrc.tar.gz";

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

/** Options of stage 1 that the pipeline has too. */
export const TEMPLATE_OPTIONS: readonly OptionSpec[] = [
  {
    name: "template",
    value: "<path or URL>",
    default: PUBLISHED_TEMPLATE,
    defaultName: "the archive published on Hugging Face",
    help: "template archive (.tar.gz), or stage 1 zip of the Python tools",
  },
  { name: "no-template", help: "make empty skeletons: references only" },
  { name: "require-template", help: "stop when the template cannot be had or does not fit" },
  {
    name: "template-cache",
    value: "<dir>",
    default: "gik_template_cache",
    help: "folder in which downloaded templates are kept",
  },
];

/**
 * Reads the template options. A template that is named must fit; the published one need not.
 *
 * @throws {UsageError} for a combination that asks for two things.
 */
export function parseTemplateOptions(values: OptionValues): TemplateOptions {
  const requireTemplate = values.flag("require-template");
  if (values.flag("no-template") && requireTemplate) {
    throw new UsageError("Cannot use --no-template with --require-template: choose one");
  }
  const template = values.required("template");
  return {
    ...(values.flag("no-template") ? {} : { template }),
    requireTemplate,
    requireFit: requireTemplate || template !== PUBLISHED_TEMPLATE,
    templateCache: values.required("template-cache"),
  };
}

/**
 * Opens the template, for the members wanted.
 *
 * @returns `undefined` when none is asked for, or when it cannot be had and is not required.
 * @throws {TemplateError} {StorageError} when it cannot be had and is required.
 */
export async function openTemplate(
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
export async function checkTemplate(
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

/**
 * Says that a template is not what it should be and what follows.
 *
 * @throws {MissingDataError} when one that fits is required.
 */
export function reportMisfit(
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
