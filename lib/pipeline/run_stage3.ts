/**
 * Stage 3: the skeletons of stage 1 and the references of stage 2 go in; the final store of every member
 * comes out, and is published where that is asked for.
 *
 * @module
 */
import { basename } from "node:path";
import { describeMembers, firstMembers, type Member, memberFileName } from "../ecmwf/members.ts";
import { describeRun, referenceTime, type Run } from "../ecmwf/run.ts";
import { MissingDataError } from "../errors.ts";
import {
  finalFileName,
  type FormatOptions,
  ownerFileName,
  type StoreFormat,
  type StoreOwner,
} from "../kerchunk/final_files.ts";
import { FinalStores } from "../kerchunk/final_stores.ts";
import { splitStore } from "../kerchunk/format_store.ts";
import { catalogFileName, catalogFolder } from "../references/catalog_layout.ts";
import { publishFolder, type PublishResult, type SourceFile } from "../references/publish.ts";
import {
  readIfThere,
  readStageStore,
  removePartialStageFiles,
  stageFileName,
  writeArchiveFile,
} from "../references/stage_files.ts";
import { describePublished, publishedFolder, stageFolder } from "../references/stage_folders.ts";
import {
  formatFieldKey,
  parseFieldKey,
  type Reference,
  UNNAMED_LEVEL,
} from "../references/store.ts";
import { encodeStore } from "../references/encode_store.ts";
import { removePartialFiles, type StageContext, trimFolder } from "../storage/mod.ts";
import type { Outcome, Reporter } from "../util/reporter.ts";

/** A file of a catalogue. */
const CATALOG_FILE = /^\d{10}z-\w+\.parquet$/;

/** What stage 3 works on. */
export interface Stage3Options extends FormatOptions {
  run: Run;
  /** How many members, the control first. */
  maxMembers: number;
  /** @default the folder of the run, `ecmwf_three_stage_<date>_<run>z` */
  outputDir?: string;
  /** Whether all files of the folder's three stages also go into one zip beside it. */
  zip: boolean;
  /** Where the final stores are published, `gs://<bucket>/<prefix>`. @default nowhere */
  uploadRoot?: string;
  /**
   * Folder of a catalogue, in whose layout the final stores are written, and published, instead of in
   * the folder of the run: references alone, with levels in their keys. @default {undefined} (none)
   */
  catalogDir?: string;
}

/** What stage 3 wrote. */
export interface Stage3Result extends Outcome {
  /** Of the final stores. */
  folder: string;
  /** Members whose final store was written, ascending. */
  members: Member[];
  /** References to other runs or servers that were left out. */
  foreignReferences: number;
  zipPath?: string;
  published?: PublishResult;
}

/**
 * Writes the final store of every member for which stage 2 wrote one: the groups of its skeleton with
 * the messages of this run, and the fresh keys. References to another run, such as a template's own,
 * are left out. With `catalogDir` there are no groups.
 *
 * A parameter that a skeleton lacks gets a group made from the header of its first message, which costs
 * one GET of 300 bytes for all members. A skeleton without any group, as `--no-template` makes it, gets
 * none in a Parquet file, at no cost; the other formats, and the store of all members, are empty
 * without groups.
 *
 * @throws {MissingDataError} when stage 2 wrote nothing.
 * @throws {StorageError} when a header cannot be read, or the stores cannot be published; the files on
 *   this disk stay.
 */
export async function runStage3(
  options: Stage3Options,
  context: StageContext,
): Promise<Stage3Result> {
  const { run, outputDir: folder = stageFolder(run), uploadRoot } = options;
  const { format = "parquet", combine = false, catalogDir } = options;
  const { reporter } = context;
  const wanted = firstMembers(options.maxMembers);
  await removePartialStageFiles(folder);
  if (catalogDir !== undefined) return await writeCatalogue(options, catalogDir, context);
  const stores = new FinalStores({ run, folder, format, combine }, context);
  const members = await writeMembers(stores, wanted, run, folder, context);
  const isWhole = checkMembers(wanted, members, folder, reporter);
  if (combine) await stores.writeCombined();
  const isSound = stores.reportProblems();
  const owners = [...members, ...(combine ? ["combined" as const] : [])];
  const files: FinalFiles = { run, folder, format, owners };
  const zipPath = options.zip ? await writeZip(files, context) : undefined;
  reporter.info(`stage 3: ${members.length} stores of ${describeRun(run)} in ${folder}`);
  return {
    folder,
    members,
    foreignReferences: stores.foreignReferences,
    zipPath,
    published: uploadRoot === undefined
      ? undefined
      : await publish(listSources(files), publishedFolder(uploadRoot, run), run, context),
    complete: isSound && isWhole,
  };
}

/** Writes the final stores in the layout of a catalogue, and publishes them. */
async function writeCatalogue(
  { run, outputDir: folder = stageFolder(run), maxMembers, uploadRoot }: Stage3Options,
  catalogDir: string,
  context: StageContext,
): Promise<Stage3Result> {
  const { storage, reporter } = context;
  const wanted = firstMembers(maxMembers);
  const target = catalogFolder(catalogDir, run);
  await removePartialFiles(target, (name) => CATALOG_FILE.test(name));
  const sources: SourceFile[] = [];
  const members: Member[] = [];
  let foreignReferences = 0;
  const bar = reporter.progress("catalogue", wanted.length);
  for (const member of wanted) {
    bar.advance(1);
    const merged = await readStageStore(storage, folder, 2, member);
    if (!merged) continue;
    const parts = splitStore(merged, undefined, run);
    foreignReferences += parts.foreignReferences;
    const name = catalogFileName(run, member);
    await storage.put(`${target}/${name}`, [encodeStore(namedLevels(parts.fresh))]);
    sources.push({ name, member: memberFileName(member), path: `${target}/${name}` });
    members.push(member);
  }
  bar.finish();
  const complete = checkMembers(wanted, members, folder, reporter);
  reporter.info(`stage 3: ${members.length} stores of ${describeRun(run)} in ${target}`);
  const result = { folder: target, members, foreignReferences, complete };
  if (uploadRoot === undefined) return result;
  const published = await publish(sources, catalogFolder(uploadRoot, run), run, context);
  return { ...result, published };
}

/** The references without the second keys, which name no level, of messages at 700 hPa. */
function* namedLevels(
  fresh: ReadonlyMap<string, Reference>,
): Generator<readonly [string, Reference]> {
  for (const entry of fresh) {
    const field = parseFieldKey(entry[0]);
    const isSecond = field?.levtype === "pl" && field.level === undefined &&
      fresh.has(formatFieldKey({ ...field, level: UNNAMED_LEVEL }));
    if (!isSecond) yield entry;
  }
}

/**
 * Warns of members without a file of stage 2.
 *
 * @returns whether there are none.
 * @throws {MissingDataError} when no member has one.
 */
function checkMembers(
  wanted: readonly Member[],
  members: readonly Member[],
  folder: string,
  reporter: Reporter,
): boolean {
  if (members.length === 0) {
    throw new MissingDataError(`Cannot find stage 2 files in ${folder}: run stage 2 first`);
  }
  const absent = wanted.filter((member) => !members.includes(member));
  if (absent.length > 0) reporter.warn(`no stage 2 file of ${describeMembers(absent)}`);
  return absent.length === 0;
}

/** Writes the final stores of the members that stage 2 has, and returns these members. */
async function writeMembers(
  stores: FinalStores,
  wanted: readonly Member[],
  run: Run,
  folder: string,
  { storage, reporter }: StageContext,
): Promise<Member[]> {
  const members: Member[] = [];
  const bar = reporter.progress("final stores", wanted.length);
  for (const member of wanted) {
    bar.advance(1);
    const merged = await readStageStore(storage, folder, 2, member);
    if (!merged) continue;
    const skeleton = await readStageStore(storage, folder, 1, member);
    await stores.writeMember(member, splitStore(merged, skeleton, run));
    members.push(member);
  }
  bar.finish();
  return members;
}

/** Final stores on this disk. */
interface FinalFiles {
  run: Run;
  folder: string;
  format: StoreFormat;
  owners: readonly StoreOwner[];
}

/** Puts the files of all stages into one zip beside their folder; equal files give equal bytes. */
async function writeZip(
  { run, folder, format, owners }: FinalFiles,
  { storage, reporter }: StageContext,
): Promise<string> {
  const { zipSync } = await import("npm:fflate@0.8.3");
  const folderName = basename(folder);
  const members = owners.filter((owner) => owner !== "combined");
  const names = [
    ...members.map((member) => stageFileName(1, member)),
    ...members.map((member) => stageFileName(2, member)),
    ...owners.map((owner) => finalFileName(format, owner)),
  ];
  const entries: Record<string, Uint8Array> = {};
  const bar = reporter.progress("zip", names.length);
  for (const name of names) {
    const bytes = await readIfThere(storage, `${folder}/${name}`);
    if (bytes) entries[`${folderName}/${name}`] = bytes;
    bar.advance(1);
  }
  bar.finish();
  const path = `${trimFolder(folder)}.zip`;
  // The pages inside are compressed already.
  await writeArchiveFile(storage, path, zipSync(entries, { level: 0, mtime: referenceTime(run) }));
  reporter.info(`zip: ${Object.keys(entries).length} files in ${path}`);
  return path;
}

function listSources({ folder, format, owners }: FinalFiles): SourceFile[] {
  return owners.map((owner) => {
    const name = finalFileName(format, owner);
    return { name, member: ownerFileName(owner), path: `${folder}/${name}` };
  });
}

async function publish(
  sources: readonly SourceFile[],
  target: string,
  run: Run,
  { storage, reporter }: StageContext,
): Promise<PublishResult> {
  const result = await publishFolder(storage, sources, target, { run, reporter });
  reporter.info(`published: ${describePublished(result)}`);
  return result;
}
