/**
 * The template of stage 1: its options, where it comes from, and how it compares with the run.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../lib/cli/command.ts";
import { UsageError } from "../lib/cli/errors.ts";
import type { Progress } from "../lib/cli/report.ts";
import { download } from "../lib/download.ts";
import type { Member } from "../lib/ecmwf/members.ts";
import { storeParameters } from "../lib/skeleton.ts";
import type { IndexedField } from "../lib/step_index.ts";
import { type Storage, StorageError } from "../lib/storage/mod.ts";
import { readTemplate, type Template, TemplateError } from "../lib/template.ts";
import { megabytes, type StageContext } from "./options.ts";

/** Where the published template is. */
const PUBLISHED_TEMPLATE =
  "https://huggingface.co/datasets/Nishadhka/gfs_s3_gik_refs/resolve/main/gik-fmrc-v2ecmwf_fmrc.tar.gz";

/** Which template to use. */
export interface TemplateOptions {
  /** URL or path of a template archive; without one the skeletons are empty. */
  template?: string;
  /** Whether a template that cannot be had ends the stage. */
  requireTemplate: boolean;
  /** Folder in which downloaded templates are kept. */
  templateCache: string;
}

/** Options of stage 1 that the pipeline has too. */
export const TEMPLATE_OPTIONS: readonly OptionSpec[] = [
  {
    name: "template",
    value: "<path or URL>",
    default: PUBLISHED_TEMPLATE,
    help: "template archive (.tar.gz)",
  },
  { name: "no-template", help: "make empty skeletons: references only" },
  { name: "require-template", help: "stop when the template cannot be had" },
  {
    name: "template-cache",
    value: "<dir>",
    default: "gik_template_cache",
    help: "folder in which downloaded templates are kept",
  },
  { name: "run-stage1", help: "scan GRIB files instead of a template (not in this version)" },
];

/**
 * Reads the template options.
 *
 * @throws {UsageError} for a combination that asks for two things, or for what is not there yet.
 */
export function parseTemplateOptions(values: OptionValues): TemplateOptions {
  if (values.flag("run-stage1")) {
    throw new UsageError(
      "Cannot scan GRIB files (--run-stage1): this version builds skeletons from a template only",
    );
  }
  if (values.flag("no-template") && values.flag("require-template")) {
    throw new UsageError("Cannot use --no-template with --require-template: choose one");
  }
  return {
    ...(values.flag("no-template") ? {} : { template: values.required("template") }),
    requireTemplate: values.flag("require-template"),
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
    const archive = await Deno.open(path);
    return await readTemplate(archive.readable, template, (member) => wanted.includes(member));
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
    bar ??= reporter.progress("template", size);
    bar.advance(received - shown, `${megabytes(received)} of ${megabytes(size)} MB`);
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

/** Tells which parameters only the template describes, and which only the run has. */
export function compareParameters(
  template: Template,
  fields: readonly IndexedField[],
  { reporter }: StageContext,
): void {
  const described = new Set<string>();
  for (const store of template.stores.values()) {
    for (const name of storeParameters(store)) described.add(name);
  }
  const published = new Set(fields.map(({ field }) => field.param));
  const fresh = [...published].filter((name) => !described.has(name));
  const gone = [...described].filter((name) => !published.has(name));
  if (fresh.length > 0) reporter.warn(`the template does not describe ${fresh.join(", ")}`);
  if (gone.length > 0) {
    reporter.info(`described by the template, not published at step 0: ${gone.join(", ")}`);
  }
}
