/**
 * What goes in: the path or URL of a template, which is an archive or a zip of stores, and a run. What
 * comes out: the store of each member, and whether the template fits the run.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { streamOfMember } from "../ecmwf/files.ts";
import { describeRun, type Run } from "../ecmwf/run.ts";
import { MissingDataError } from "../errors.ts";
import { GribError } from "../grib/headers.ts";
import type { IndexedField } from "../references/step_index.ts";
import { StoreError } from "../references/store.ts";
import { receivedBy, type StageContext, type Storage, StorageError } from "../storage/mod.ts";
import type { Progress } from "../util/reporter.ts";
import { download, openBriefly, TRY_MS } from "./download.ts";
import { isZip, MAX_ZIP_BYTES, readStage1Zip } from "./stage1_zip.ts";
import { readTemplate, type Template, TemplateError } from "./template_archive.ts";
import { compareTemplate, describeMisfit } from "./template_fit.ts";

const ARCHIVES =
  "https://huggingface.co/datasets/E4DRR/grib-index-kerchunk-templates/resolve/main/gik-fmrc-v2ecmwf_fmrc-";

/** Folder of the files of 0.4°, which 0.25° ones lay beside in February 2024. */
const COARSE_FOLDER = "/0p4-beta/";

/** The eras of the archives, in the order in which they are tried, and the files that are of each. */
const ARCHIVE_ERAS: readonly { name: string; has(run: Run, url: string): boolean }[] = [
  { name: "0p4-beta", has: (_, url) => url.includes(COARSE_FOLDER) },
  { name: "50r1", has: (run) => streamOfMember(run, 0) === "oper" },
  { name: "49r1-perlevel", has: () => true },
];

/**
 * The URL of the archive that ICPAC has published for the era of a run.
 *
 * @param fields messages of the run: their folder tells 0.4° from 0.25°.
 * @returns `undefined` for runs of other models than the IFS.
 */
export function publishedTemplateUrl(
  run: Run,
  fields: readonly IndexedField[],
): string | undefined {
  if (run.model) return undefined;
  const url = fields[0]?.reference.url ?? "";
  const { name } = ARCHIVE_ERAS.find(({ has }) => has(run, url))!;
  return `${ARCHIVES}${name}.tar.gz`;
}

/** Which template to use. */
export interface TemplateOptions {
  /** URL or path of a template archive or stage 1 zip. @default {undefined} (see `published`) */
  template?: string;
  /**
   * Whether, without `template`, that of the run's era is used which ICPAC has published; else the
   * skeletons are empty. @default {false}
   */
  published?: boolean;
  /**
   * Whether a template that cannot be read ends the stage. If not, its server gets two tries of
   * `templateTryMs`.
   */
  requireTemplate: boolean;
  /**
   * Whether a template that was made for another grid or set of parameters ends the stage.
   *
   * @default {requireTemplate}
   */
  requireFit?: boolean;
  /** Folder of downloaded templates. */
  templateCache: string;
  /** Longest wait for an answer about a template that is not required. @default {4_000} */
  templateTryMs?: number;
  /**
   * Servers without an answer, shared by the runs of a command: none is asked again for a template
   * that is not required. @default {undefined} (each run asks)
   */
  silentServers?: Set<string>;
}

/** What a template is needed for. */
export interface TemplateUse {
  run: Run;
  members: readonly Member[];
  /** Messages of the step of the run that is checked. */
  fields: readonly IndexedField[];
}

/** A template as far as it can be used, and what is wrong with it. */
export interface CheckedTemplate {
  /** Absent when it was made for another grid. */
  template?: Template;
  /** What makes it unfit, in words, with its name. */
  misfit?: string;
}

/**
 * Opens the template and checks whether it fits the run. One that only lacks parameters can still be
 * used; one for another grid cannot.
 *
 * Costs the download of a template that is not in the cache, and one ranged GET of the run.
 *
 * @returns nothing when no template is asked for, or when it cannot be read and is not required.
 * @throws {TemplateError} {StorageError} when it cannot be read and is required.
 * @throws {MissingDataError} when it does not fit and must.
 */
export async function findTemplate(
  options: TemplateOptions,
  use: TemplateUse,
  context: StageContext,
): Promise<CheckedTemplate> {
  const { requireTemplate, requireFit = requireTemplate } = options;
  const { published = false } = options;
  const source = options.template ??
    (published ? publishedTemplateUrl(use.run, use.fields) : undefined);
  if (source === undefined && published && requireTemplate) {
    throw new MissingDataError(
      `Cannot find a template of ${describeRun(use.run)}: none of this model is published; ` +
        "give --template, which stage1 --scan --save-template makes",
    );
  }
  if (source === undefined) return {};
  const template = await openTemplate(source, options, use.members, context);
  if (!template) return {};
  const checked = await checkTemplate(template, source, use, context);
  if (checked.misfit === undefined || !requireFit) return checked;
  throw new MissingDataError(
    `Cannot use the template: ${checked.misfit}; add --run-stage1 to scan the GRIB files`,
  );
}

async function openTemplate(
  source: string,
  { requireTemplate, templateCache, templateTryMs = TRY_MS, silentServers }: TemplateOptions,
  members: readonly Member[],
  context: StageContext,
): Promise<Template | undefined> {
  const origin = /^https?:/.test(source) ? new URL(source).origin : undefined;
  if (!requireTemplate && origin !== undefined && silentServers?.has(origin)) {
    context.reporter.info(`no template: ${origin} did not answer for an earlier run`);
    return undefined;
  }
  try {
    const server = requireTemplate ? context.storage : openBriefly(templateTryMs);
    const path = await fetchTemplate(source, templateCache, server, context);
    return await readArchive(path, source, (member) => members.includes(member));
  } catch (error) {
    const isUnusable = error instanceof StorageError || error instanceof TemplateError ||
      error instanceof StoreError;
    if (!isUnusable || requireTemplate) throw error;
    const isSilent = error instanceof StorageError && error.kind === "unreachable";
    if (isSilent && origin !== undefined) silentServers?.add(origin);
    context.reporter.warn(
      `${error.message}; going on without a template: the references to data do not need it ` +
        `(--no-template asks for this, --require-template stops here)`,
    );
    return undefined;
  }
}

/**
 * The path of a template on this disk, downloaded when it is a URL that is not in the cache.
 *
 * @param server storage for the download.
 */
async function fetchTemplate(
  template: string,
  cache: string,
  server: Storage,
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
    bar ??= reporter.progress("template, MB", size / 1e6, receivedBy(server));
    bar.advance((received - shown) / 1e6);
    shown = received;
  };
  try {
    await download(server, template, path, showPart);
  } catch (error) {
    const isCached = error instanceof StorageError && await isThere(path, storage);
    if (!isCached) throw error;
    reporter.warn(`${error.message}; using ${path}, downloaded before`);
  } finally {
    bar?.finish();
  }
  return path;
}

async function isThere(path: string, storage: Storage): Promise<boolean> {
  return await storage.head(path).then(() => true, () => false);
}

async function readArchive(
  path: string,
  source: string,
  isWanted: (member: Member) => boolean,
): Promise<Template> {
  const archive = await Deno.open(path);
  const head = new Uint8Array(4);
  await archive.read(head);
  await archive.seek(0, Deno.SeekMode.Start);
  if (!isZip(head)) return await readTemplate(archive.readable, source, isWanted);
  const { size } = await archive.stat();
  if (size > MAX_ZIP_BYTES) {
    archive.close();
    throw new TemplateError(
      `Cannot use template ${source}: the zip has ${size} bytes, the limit is ${MAX_ZIP_BYTES}; ` +
        "use an archive that this project or the Python tools wrote",
    );
  }
  const zip = await new Response(archive.readable).bytes();
  return await readStage1Zip(zip, source, isWanted);
}

/** @param source name of the template, for the text. */
async function checkTemplate(
  template: Template,
  source: string,
  { run, fields }: TemplateUse,
  { storage, reporter }: StageContext,
): Promise<CheckedTemplate> {
  try {
    const fit = await compareTemplate(template, fields, storage);
    if (fit.unpublished.length > 0) {
      const step = fields[0]?.field.stepHours ?? 0;
      const names = fit.unpublished.join(", ");
      reporter.info(`described by the template, not published at step ${step}: ${names}`);
    }
    const state = describeMisfit(fit);
    const usable = fit.grids ? {} : { template };
    if (state === undefined) return usable;
    return { ...usable, misfit: `${source} does not fit ${describeRun(run)}: ${state}` };
  } catch (error) {
    const isMisfit = error instanceof GribError || error instanceof StoreError ||
      error instanceof StorageError && error.sparesOthers;
    if (!isMisfit) throw error;
    return { misfit: `${source} cannot be compared with ${describeRun(run)}: ${error.message}` };
  }
}
