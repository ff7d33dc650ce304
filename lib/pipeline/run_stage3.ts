/**
 * Stage 3: the skeletons of stage 1 and the references of stage 2 in; the final store of every member
 * out, published where that is asked for.
 *
 * @module
 */
import { zipSync } from "npm:fflate@0.8.3";
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
import { takeApart } from "../kerchunk/format_store.ts";
import {
  describePublished,
  publishedFolder,
  publishFolder,
  type PublishResult,
} from "../references/publish.ts";
import {
  readIfThere,
  readStageStore,
  stageFileName,
  stageFolder,
} from "../references/stage_files.ts";
import type { StageContext } from "../storage/mod.ts";
import type { Outcome } from "../util/reporter.ts";

/** What stage 3 works on. */
export interface Stage3Options extends FormatOptions {
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
 * Writes the final store of every member that stage 2 left: the groups of its skeleton with the
 * messages of this run, and the fresh keys. A reference to another run, such as a template's own, is
 * left out.
 *
 * A parameter that a skeleton lacks gets a group made from the header of its first message, which costs
 * one GET of 300 bytes for all members. A skeleton without any group, as `--no-template` makes it, stays
 * so in a Parquet file, at no cost; the other formats, and the store of all members, are nothing
 * without groups.
 *
 * @throws {MissingDataError} when stage 2 left nothing.
 * @throws {StorageError} when a header cannot be read, or the stores cannot be published; they stay on
 *   the disk.
 */
export async function runStage3(
  options: Stage3Options,
  context: StageContext,
): Promise<Stage3Result> {
  const { run, outputDir = stageFolder(run), format = "parquet", combine = false, uploadRoot } =
    options;
  const { reporter, storage } = context;
  const wanted = firstMembers(options.maxMembers);
  const members: Member[] = [];
  const work = new FinalStores({ run, folder: outputDir, format, combine }, context);
  const bar = reporter.progress("final stores", wanted.length);
  for (const member of wanted) {
    bar.advance(1);
    const merged = await readStageStore(storage, outputDir, 2, member);
    if (!merged) continue;
    const skeleton = await readStageStore(storage, outputDir, 1, member);
    await work.writeMember(member, takeApart(merged, skeleton, run));
    members.push(member);
  }
  bar.finish();
  if (members.length === 0) {
    throw new MissingDataError(`Cannot find stage 2 files in ${outputDir}: run stage 2 first`);
  }
  if (combine) await work.writeCombined();
  const absent = wanted.filter((member) => !members.includes(member));
  if (absent.length > 0) reporter.warn(`no stage 2 file of ${describeMembers(absent)}`);
  const isSound = work.reportProblems();
  const owners = [...members, ...(combine ? ["combined" as const] : [])];
  const zipPath = options.zip ? await writeZip(run, outputDir, owners, format, context) : undefined;
  reporter.info(`stage 3: ${members.length} stores of ${describeRun(run)} in ${outputDir}`);
  const published = uploadRoot === undefined
    ? undefined
    : await publishStores(run, outputDir, owners, format, uploadRoot, context);
  return {
    folder: outputDir,
    members,
    strayReferences: work.strayReferences,
    zipPath,
    published,
    complete: isSound && absent.length === 0,
  };
}

/** Puts the files of all stages into one zip beside their folder; equal files give equal bytes. */
async function writeZip(
  run: Run,
  folder: string,
  owners: readonly StoreOwner[],
  format: StoreFormat,
  { storage, reporter }: StageContext,
): Promise<string> {
  const name = folder.split("/").filter((part) => part !== "").at(-1)!;
  const files: Record<string, Uint8Array> = {};
  const members = owners.filter((owner) => owner !== "combined");
  const names = [
    ...members.map((member) => stageFileName(1, member)),
    ...members.map((member) => stageFileName(2, member)),
    ...owners.map((owner) => finalFileName(format, owner)),
  ];
  const bar = reporter.progress("zip", names.length);
  for (const file of names) {
    const bytes = await readIfThere(storage, `${folder}/${file}`);
    if (bytes) files[`${name}/${file}`] = bytes;
    bar.advance(1);
  }
  bar.finish();
  const path = `${folder.replace(/\/+$/, "")}.zip`;
  // The pages inside are compressed already.
  await storage.put(path, [zipSync(files, { level: 0, mtime: referenceTime(run) })]);
  reporter.info(`zip: ${Object.keys(files).length} files in ${path}`);
  return path;
}

/** Publishes final stores. */
async function publishStores(
  run: Run,
  folder: string,
  owners: readonly StoreOwner[],
  format: StoreFormat,
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
