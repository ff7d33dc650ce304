/**
 * The ledger of a folder and an age → the files of older runs removed, and nothing else.
 *
 * @module
 */
import { removeWorkFolder, workFolderOf } from "../checkpoint/work_folder.ts";
import { ENSEMBLE_SIZE, firstMembers } from "../ecmwf/members.ts";
import { parseRunLabel, referenceTime, type Run } from "../ecmwf/run.ts";
import { stageFileName } from "../references/stage_files.ts";
import { stageFolder } from "../references/stage_folders.ts";
import type { Ledger, LedgerEntry } from "../runs/ledger.ts";
import { digestOutput, type RunOutput } from "../runs/run_output.ts";
import { removePartialFiles, type StageContext, type Storage } from "../storage/mod.ts";

const DAY_MS = 86_400_000;

/** What is removed, and what is not. */
export interface RemovalOptions {
  /** Local folder of the outputs and the ledger. */
  folder: string;
  /** Runs older than this are removed. */
  keepDays: number;
  /** The command whose runs are removed; those that others made stay. */
  command: string;
  /** Name of the output of a run. */
  fileName(run: Run): string;
  /** Folder with a folder of references for each run. @default {undefined} (there is none) */
  keepReferences?: string;
}

/**
 * Removes the files of runs of a command that are older than some days: the output and what was made of
 * it, as the ledger names them, saved fields, partial files, and references. A file that has another
 * name, that is a link, or whose bytes are not those that were written, stays, as does a folder that
 * holds one. The ledger keeps its entries, with the time of the removal.
 *
 * Costs a digest of each output that is removed.
 *
 * @returns the names of the outputs of these runs.
 */
export async function removeOldRuns(
  options: RemovalOptions,
  ledger: Ledger,
  context: StageContext,
  now: Date,
): Promise<string[]> {
  const { keepDays, command, fileName } = options;
  const oldest = now.getTime() - keepDays * DAY_MS;
  const removed: string[] = [];
  for (const entry of ledger.entries) {
    const run = parseRunLabel(entry.run);
    const isOurs = run && entry.command === command && entry.output === fileName(run);
    if (!isOurs || entry.removed !== undefined || referenceTime(run).getTime() >= oldest) continue;
    await removeRun(run, entry, options, context);
    await ledger.amend(entry.output, { removed: now.toISOString() });
    removed.push(entry.output);
  }
  return removed;
}

async function removeRun(
  run: Run,
  entry: LedgerEntry,
  { folder, keepReferences }: RemovalOptions,
  context: StageContext,
): Promise<void> {
  const { storage, reporter } = context;
  const path = `${folder}/${entry.output}`;
  const isStore = await isFolder(path);
  const output = { folder, name: entry.output, ...(isStore && { filePrefix: "" }) };
  const isThere = isStore || await isRegularFile(path);
  if (!isThere || await isAsWritten(entry, output, storage)) {
    if (isStore) await Deno.remove(path, { recursive: true });
    for (const name of [entry.output, ...listFiles(entry)]) await removeFile(`${folder}/${name}`);
  } else reporter.warn(`${path} is not as it was written: it stays`);
  await removePartialFiles(folder, (name) => name === entry.output);
  const work = workFolderOf(path);
  if (await isFolder(work)) await removeWorkFolder(work, storage);
  if (keepReferences !== undefined) {
    await removeReferences(`${keepReferences}/${stageFolder(run)}`);
  }
}

/** Whether an output has the bytes that were noted; where none were, it is of someone else. */
async function isAsWritten(
  { sha256 }: LedgerEntry,
  output: RunOutput,
  storage: Storage,
): Promise<boolean> {
  return sha256 !== undefined && await digestOutput(output, storage) === sha256;
}

/**
 * The files that were made of an output, beside it: those with its name and another ending, whatever
 * else a ledger says that someone changed.
 */
export function listFiles({ output, files = [] }: Pick<LedgerEntry, "output" | "files">): string[] {
  const stem = output.replace(/\.nc$/, "");
  return files.filter((name) => name.startsWith(stem) && /^[\w.-]+\.(?:png|html)$/.test(name));
}

/** The files of stages 2 and 3 of every member, and the folder if that is all that it holds. */
async function removeReferences(folder: string): Promise<void> {
  if (!await isFolder(folder)) return;
  for (const member of firstMembers(ENSEMBLE_SIZE)) {
    for (const stage of [2, 3] as const) {
      await removeFile(`${folder}/${stageFileName(stage, member)}`);
    }
  }
  await Deno.remove(folder).catch(() => {});
}

async function removeFile(path: string): Promise<void> {
  if (await isRegularFile(path)) await Deno.remove(path);
}

/** Whether there is a file of its own: no link, which may lead anywhere. */
async function isRegularFile(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(({ isFile }) => isFile, () => false);
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(({ isDirectory }) => isDirectory, () => false);
}
