/**
 * Stage 3: the skeletons of stage 1 and the references of stage 2 go in; the final store of every member
 * comes out, and is published where that is asked for.
 *
 * @module
 */
import { describeMembers, firstMembers, type Member } from "../ecmwf/members.ts";
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
import {
  describePublished,
  publishedFolder,
  publishFolder,
  type PublishResult,
} from "../references/publish.ts";
import {
  readIfThere,
  readStageStore,
  removePartialStageFiles,
  stageFileName,
  stageFolder,
  writeArchiveFile,
} from "../references/stage_files.ts";
import type { StageContext } from "../storage/mod.ts";
import type { Outcome } from "../util/reporter.ts";

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
}

/** What stage 3 wrote. */
export interface Stage3Result extends Outcome {
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
 * are left out.
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
  const { format = "parquet", combine = false } = options;
  const { reporter } = context;
  const wanted = firstMembers(options.maxMembers);
  await removePartialStageFiles(folder);
  const stores = new FinalStores({ run, folder, format, combine }, context);
  const members = await writeMembers(stores, wanted, run, folder, context);
  if (members.length === 0) {
    throw new MissingDataError(`Cannot find stage 2 files in ${folder}: run stage 2 first`);
  }
  if (combine) await stores.writeCombined();
  const absent = wanted.filter((member) => !members.includes(member));
  if (absent.length > 0) reporter.warn(`no stage 2 file of ${describeMembers(absent)}`);
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
    published: uploadRoot === undefined ? undefined : await publish(files, uploadRoot, context),
    complete: isSound && absent.length === 0,
  };
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
  const folderName = folder.split("/").filter((part) => part !== "").at(-1)!;
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
  const path = `${folder.replace(/\/+$/, "")}.zip`;
  // The pages inside are compressed already.
  await writeArchiveFile(storage, path, zipSync(entries, { level: 0, mtime: referenceTime(run) }));
  reporter.info(`zip: ${Object.keys(entries).length} files in ${path}`);
  return path;
}

async function publish(
  { run, folder, format, owners }: FinalFiles,
  root: string,
  { storage, reporter }: StageContext,
): Promise<PublishResult> {
  const sources = owners.map((owner) => {
    const name = finalFileName(format, owner);
    return { name, member: ownerFileName(owner), path: `${folder}/${name}` };
  });
  const target = publishedFolder(root, run);
  const result = await publishFolder(storage, sources, target, { run, reporter });
  reporter.info(`published: ${describePublished(result)}`);
  return result;
}
