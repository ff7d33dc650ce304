/**
 * Stage 3: the final store of every member: its skeleton and the references of this run.
 *
 * @module
 */
import { zipSync } from "npm:fflate@0.8.3";
import type { Command, OptionSpec, Outcome } from "../lib/cli/command.ts";
import { MissingDataError } from "../lib/cli/errors.ts";
import { canonicalUrl, parseFileName } from "../lib/ecmwf/files.ts";
import { describeMembers, firstMembers, type Member } from "../lib/ecmwf/members.ts";
import { describeRun, isSameRun, referenceTime, type Run } from "../lib/ecmwf/run.ts";
import { publishedFolder, publishFolder, type PublishResult } from "../lib/publish.ts";
import { isReference, type Store } from "../lib/references.ts";
import {
  readIfThere,
  readStageStore,
  stageFileName,
  stageFolder,
  writeStageStore,
} from "../lib/stage_files.ts";
import { exitWith } from "./console.ts";
import { parseUploadOptions, UPLOAD_OPTIONS, type UploadRequest } from "./gcs_options.ts";
import {
  megabytes,
  openRun,
  optional,
  parseStageRequest,
  STAGE_OPTIONS,
  type StageContext,
  type StageRequest,
} from "./options.ts";

/** What stage 3 works on. */
export interface Stage3Options {
  run: Run;
  /** The first so many members, the control first. */
  maxMembers: number;
  /** @default the folder of the run, `ecmwf_three_stage_<date>_<run>z` */
  outputDir?: string;
  /** Whether all files of the folder's three stages also go into one zip beside it. */
  zip: boolean;
  /** Where the final stores are published, `gs://<bucket>/<prefix>`. @default nowhere */
  uploadRoot?: string;
}

/** What stage 3 left. */
export interface Stage3Result extends Outcome {
  folder: string;
  /** Members whose final store was written, ascending. */
  members: Member[];
  /** References to other runs that were left out. */
  strayReferences: number;
  zipPath?: string;
  published?: PublishResult;
}

/**
 * Writes `stage3_<member>_final.parquet` for every member that stage 2 left: the skeleton first, then
 * the fresh references. A reference to another run, such as a template's own, is left out.
 *
 * @throws {MissingDataError} when stage 2 left nothing.
 * @throws {StorageError} when the stores cannot be published; they stay on the disk.
 */
export async function runStage3(
  options: Stage3Options,
  context: StageContext,
): Promise<Stage3Result> {
  const { run, outputDir = stageFolder(run), zip, uploadRoot } = options;
  const { reporter, storage } = context;
  const wanted = firstMembers(options.maxMembers);
  const members: Member[] = [];
  let strayReferences = 0;
  const bar = reporter.progress("final stores", wanted.length);
  for (const member of wanted) {
    bar.advance(1);
    const merged = await readStageStore(storage, outputDir, 2, member);
    if (!merged) continue;
    const skeleton = await readStageStore(storage, outputDir, 1, member);
    const final = finishStore(merged, skeleton, run);
    strayReferences += final.strayReferences;
    await writeStageStore(storage, outputDir, 3, member, final.store);
    members.push(member);
  }
  bar.finish();
  if (members.length === 0) {
    throw new MissingDataError(`Cannot find stage 2 files in ${outputDir}: run stage 2 first`);
  }
  if (strayReferences > 0) reporter.warn(`${strayReferences} references to other runs left out`);
  const absent = wanted.filter((member) => !members.includes(member));
  if (absent.length > 0) reporter.warn(`no stage 2 file of ${describeMembers(absent)}`);
  const zipPath = zip ? await writeZip(run, outputDir, members, context) : undefined;
  reporter.info(`stage 3: ${members.length} stores of ${describeRun(run)} in ${outputDir}`);
  const published = uploadRoot === undefined
    ? undefined
    : await publishStores(run, outputDir, members, uploadRoot, context);
  return {
    folder: outputDir,
    members,
    strayReferences,
    ...optional("zipPath", zipPath),
    ...optional("published", published),
    complete: absent.length === 0,
  };
}

/**
 * The skeleton, then the references of the run in their order.
 *
 * @param merged what stage 2 left.
 * @param skeleton what stage 1 left; without it the metadata that `merged` holds.
 */
export function finishStore(
  merged: Store,
  skeleton: Store | undefined,
  run: Run,
): { store: Store; strayReferences: number } {
  const store: Store = new Map(skeleton);
  const fresh: Store = new Map();
  const ownUrls = new Map<string, string | undefined>();
  let strayReferences = 0;
  for (const [key, value] of merged) {
    if (!isReference(value)) {
      if (!skeleton) store.set(key, value);
      continue;
    }
    if (!ownUrls.has(value.url)) ownUrls.set(value.url, ownUrl(value.url, run));
    const url = ownUrls.get(value.url);
    if (url === undefined) strayReferences++;
    else fresh.set(key, { ...value, url });
  }
  for (const [key, value] of fresh) store.set(key, value);
  return { store, strayReferences };
}

/** The canonical form of a URL of this run; `undefined` for others. */
function ownUrl(url: string, run: Run): string | undefined {
  const file = parseFileName(url);
  return file && isSameRun(file.run, run) ? canonicalUrl(url) : undefined;
}

/** Puts the files of all stages into one zip beside their folder; equal files give equal bytes. */
async function writeZip(
  run: Run,
  folder: string,
  members: readonly Member[],
  { storage, reporter }: StageContext,
): Promise<string> {
  const name = folder.split("/").filter((part) => part !== "").at(-1)!;
  const files: Record<string, Uint8Array> = {};
  for (const stage of [1, 2, 3] as const) {
    for (const member of members) {
      const file = stageFileName(stage, member);
      const bytes = await readIfThere(storage, `${folder}/${file}`);
      if (bytes) files[`${name}/${file}`] = bytes;
    }
  }
  const path = `${folder.replace(/\/+$/, "")}.zip`;
  // The pages inside are compressed already.
  await storage.put(path, [zipSync(files, { level: 0, mtime: referenceTime(run) })]);
  reporter.info(`zip: ${Object.keys(files).length} files in ${path}`);
  return path;
}

/** Publishes the final stores of members. */
async function publishStores(
  run: Run,
  folder: string,
  members: readonly Member[],
  root: string,
  { storage, reporter }: StageContext,
): Promise<PublishResult> {
  const sources = members.map((member) => {
    const name = stageFileName(3, member);
    return { name, member, path: `${folder}/${name}` };
  });
  const target = publishedFolder(root, run);
  const result = await publishFolder(storage, sources, target, { run, reporter });
  reporter.info(`published: ${describePublished(result)}`);
  return result;
}

/** What was published, in a line. */
export function describePublished(result: PublishResult): string {
  const { target, uploaded, skipped, bytesUploaded } = result;
  const sent = `${uploaded} stores sent (${megabytes(bytesUploaded)} MB)`;
  return `${target}, ${sent}, ${skipped} were there already`;
}

/** The flag of stage 3 that the pipeline has too. */
export const ZIP: OptionSpec = {
  name: "zip",
  help: "also write all stage files as <output-dir>.zip",
};

const command: Command<StageRequest & UploadRequest & { zip: boolean }> = {
  name: "stage3",
  purpose:
    "Stage 3: merges the skeletons of stage 1 and the references of stage 2 into the final\n" +
    "Parquet file of every member, stage3_<member>_final.parquet.",
  options: [...STAGE_OPTIONS, ZIP, ...UPLOAD_OPTIONS],
  examples: [
    "deno task stage3 --date 20260206",
    "deno task stage3 --date 20260206 --zip",
    "deno task stage3 --date 20260206 --run 12 --output-dir ./run12",
    "deno task stage3 --date 20260206 --upload-gcs --gcs-bucket my-bucket",
  ],
  parse: (values) => ({
    ...parseStageRequest(values),
    ...parseUploadOptions(values),
    zip: values.flag("zip"),
  }),
  async run(request, reporter) {
    const { run, context } = await openRun(request, reporter);
    return await runStage3({ ...request, run }, context);
  },
};

if (import.meta.main) await exitWith(command);
