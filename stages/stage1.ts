/**
 * Stage 1: checks a run and leaves the skeleton of every member's store, made from a template.
 *
 * @module
 */
import type { Command, Outcome } from "../lib/cli/command.ts";
import { MissingDataError, UsageError } from "../lib/cli/errors.ts";
import type { Progress } from "../lib/cli/report.ts";
import { download } from "../lib/download.ts";
import { findMismatch } from "../lib/ecmwf/check.ts";
import { stepFiles } from "../lib/ecmwf/files.ts";
import { describeMembers, firstMembers, type Member } from "../lib/ecmwf/members.ts";
import { describeRun, referenceTime, type Run } from "../lib/ecmwf/run.ts";
import { type Variable, VARIABLES } from "../lib/ecmwf/variables.ts";
import { decodeField, GribError, parseFields } from "../lib/grib/mod.ts";
import type { Store } from "../lib/references.ts";
import { deflateStore, storeParameters } from "../lib/skeleton.ts";
import { stageFolder, writeStageStore } from "../lib/stage_files.ts";
import { type IndexedField, readStepIndex, summarize } from "../lib/step_index.ts";
import { type Storage, StorageError } from "../lib/storage/mod.ts";
import { readTemplate, type Template, TemplateError } from "../lib/template.ts";
import { exitWith } from "./console.ts";
import {
  DATE,
  ENDPOINT,
  MAX_MEMBERS,
  megabytes,
  openContext,
  optional,
  OUTPUT_DIR,
  parseEndpoint,
  parseRunRequest,
  resolveRun,
  RUN_HOUR,
  type RunRequest,
  type StageContext,
} from "./options.ts";

/** Where the published template is. */
export const PUBLISHED_TEMPLATE =
  "https://huggingface.co/datasets/Nishadhka/gfs_s3_gik_refs/resolve/main/gik-fmrc-v2ecmwf_fmrc.tar.gz";

/** What stage 1 works on. */
export interface Stage1Options {
  run: Run;
  /** @default the folder of the run, `ecmwf_three_stage_<date>_<run>z` */
  outputDir?: string;
  /** The first so many members, the control first. */
  maxMembers: number;
  /** URL or path of a template archive; without one the skeletons are empty. */
  template?: string;
  /** Whether a template that cannot be had ends the stage. */
  requireTemplate: boolean;
  /** Folder in which downloaded templates are kept. */
  templateCache: string;
}

/** What stage 1 left. */
export interface Stage1Result extends Outcome {
  folder: string;
  /** Members whose skeleton was written. */
  members: Member[];
  /** Whether the skeletons come from a template. */
  fromTemplate: boolean;
}

/**
 * Checks that the run is there and whole at step 0, then writes `stage1_<member>_deflated.parquet`
 * for every member wanted.
 *
 * Costs the index of step 0 (two from IFS cycle 50r1 on) and three messages; the template is
 * downloaded once.
 *
 * @throws {MissingDataError} when the run has no step 0.
 * @throws {TemplateError} {StorageError} when a required template cannot be had.
 */
export async function runStage1(
  options: Stage1Options,
  context: StageContext,
): Promise<Stage1Result> {
  const { run, outputDir = stageFolder(run) } = options;
  const { reporter, storage } = context;
  const wanted = firstMembers(options.maxMembers);
  const fields = await readFirstStep(run, context);
  const absent = reportAbsent(fields, wanted, run, context);
  const spotFaults = await spotCheck(fields, wanted, run, context);
  const template = await openTemplate(options, wanted, context);
  if (template) compareParameters(template, fields, context);

  const bar = reporter.progress("skeletons", wanted.length);
  for (const member of wanted) {
    const store = makeSkeleton(template, member, run);
    await writeStageStore(storage, outputDir, 1, member, store);
    bar.advance(1);
  }
  bar.finish();
  reporter.info(`stage 1: ${wanted.length} skeletons of ${describeRun(run)} in ${outputDir}`);
  return {
    folder: outputDir,
    members: wanted,
    fromTemplate: template !== undefined,
    complete: absent.length === 0 && spotFaults === 0,
  };
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
      throw new MissingDataError(
        `Cannot start from ${describeRun(run)}: ${error.message}; ` +
          `the run is not published yet, or no longer kept`,
      );
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
  const found = `${describeRun(run)} has ${present.size} members at step 0`;
  if (absent.length === 0) context.reporter.info(found);
  else context.reporter.warn(`${found}; absent: ${describeMembers(absent)}`);
  return absent;
}

/** How many messages are decoded to see whether index and files belong together. */
const SPOT_CHECKS = 3;

/** @returns how many of the messages looked at are not what the index says. */
async function spotCheck(
  fields: readonly IndexedField[],
  wanted: readonly Member[],
  run: Run,
  context: StageContext,
): Promise<number> {
  const candidates = fields
    .map((indexed) => ({ ...indexed, variable: findVariableOf(indexed) }))
    .filter(({ field, variable }) => variable && wanted.includes(field.member));
  let faults = 0;
  for (let i = 0; i < Math.min(SPOT_CHECKS, candidates.length); i++) {
    const at = Math.round(i * (candidates.length - 1) / Math.max(1, SPOT_CHECKS - 1));
    const { field, reference, variable } = candidates[at]!;
    const fault = await checkMessage({ field, reference }, variable!, run, context);
    if (!fault) continue;
    faults++;
    const place = `${reference.url} at byte ${reference.offset}`;
    context.reporter.warn(`spot check of ${field.param}, ${place}: ${fault}`);
  }
  if (faults === 0) {
    context.reporter.info(
      `${Math.min(SPOT_CHECKS, candidates.length)} messages decoded as a check`,
    );
  }
  return faults;
}

function findVariableOf({ field }: IndexedField): Variable | undefined {
  return VARIABLES.find(({ param, level }) => param === field.param && level === field.level);
}

async function checkMessage(
  { field, reference }: IndexedField,
  variable: Variable,
  run: Run,
  { storage }: StageContext,
): Promise<string | undefined> {
  const { member, stepHours } = field;
  try {
    const [found] = parseFields(await storage.get(reference.url, reference));
    if (!found) return "it is empty";
    const mismatch = findMismatch(found, { run, stepHours, member, variable });
    if (!mismatch) decodeField(found);
    return mismatch;
  } catch (error) {
    const explained = error instanceof GribError ||
      error instanceof StorageError && (error.kind === "missing" || error.kind === "range");
    if (!explained) throw error;
    return error.message;
  }
}

async function openTemplate(
  options: Stage1Options,
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

function compareParameters(
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

const EMPTY_GROUP = new TextEncoder().encode('{"zarr_format":2}');

function makeSkeleton(template: Template | undefined, member: Member, run: Run): Store {
  const store = template?.stores.get(member);
  if (!template || !store) return new Map([[".zgroup", EMPTY_GROUP]]);
  return deflateStore(store, referenceTime(template.run), referenceTime(run)).store;
}

/** Options of stage 1 that the pipeline has too. */
export const TEMPLATE_OPTIONS = [
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
] as const;

/** The text of the template options as options of stage 1. */
export function parseTemplateOptions(
  values: Parameters<Command<unknown>["parse"]>[0],
): Pick<Stage1Options, "template" | "requireTemplate" | "templateCache"> {
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

interface Stage1Request extends Omit<Stage1Options, "run"> {
  request: RunRequest;
  endpoint: string | undefined;
}

const command: Command<Stage1Request> = {
  name: "stage1",
  purpose:
    "Stage 1: checks that a run of the ECMWF ensemble is there, and writes the skeleton of\n" +
    "every member's store (metadata and coordinates) from a template archive.",
  options: [DATE, RUN_HOUR, MAX_MEMBERS, ...TEMPLATE_OPTIONS, OUTPUT_DIR, ENDPOINT],
  examples: [
    "deno task stage1 --date 20260206",
    "deno task stage1 --date latest --run 12 --no-template",
    "deno task stage1 --date 20260206 --template ./template.tar.gz --require-template",
  ],
  parse: (values) => ({
    request: parseRunRequest(values),
    maxMembers: values.count("max-members"),
    ...optional("outputDir", values.text("output-dir")),
    ...parseTemplateOptions(values),
    endpoint: parseEndpoint(values),
  }),
  async run({ request, endpoint, ...options }, reporter) {
    const context = openContext(endpoint, reporter);
    return await runStage1({ run: await resolveRun(request, context), ...options }, context);
  },
};

if (import.meta.main) await exitWith(command);
