/**
 * The format of an output, and where it is: a NetCDF, a Zarr store, or a run in an archive of runs.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { basename, dirname } from "node:path";
import { workFolderOf } from "../checkpoint/work_folder.ts";
import { describeRun, type Run, runLabel } from "../ecmwf/run.ts";
import { type FileDataset, streamNetcdf } from "../netcdf/encode_netcdf.ts";
import { locateOutput, type OutputPlace } from "../output/profile.ts";
import { outputPath, type RunOutput } from "../runs/run_output.ts";
import { removePartialFiles, type StageContext, type Storage } from "../storage/mod.ts";
import type { FieldsCount } from "./stream_result.ts";

/** How an output is written. */
export interface OutputFormat {
  /** @default {"netcdf"} (classic) */
  format?: "netcdf" | "netcdf4" | "zarr";
  /** Version of Zarr. @default that of the archive that is there; else 3 */
  zarrFormat?: 2 | 3;
  /** Folder of the Zarr archive to append the run to. @default {undefined} (a file of its own) */
  append?: string;
  /** Whether a run that the archive has is written again. @default {false} (it is left as it is) */
  replace?: boolean;
}

/** What decides where an output is, and how it is written. */
type FormatPlace = OutputFormat & OutputPlace;

/** Where the output of a run is. */
export interface RunPlace {
  /** For the ledger. */
  output: RunOutput;
  /** The file, the store or the archive. */
  path: string;
  /** The work folder, unless another one is named. */
  work: string;
}

/** Where the output of a run is. In an archive, the work folder is of the run. */
export function locateRun(run: Run, place: FormatPlace): RunPlace {
  const { append } = place;
  if (append !== undefined) {
    const label = runLabel(run);
    const digest = async (storage: Storage) => {
      const line = await findInArchive(append, run, storage);
      return line && await digestText(line);
    };
    const output = { folder: dirname(append), name: `${basename(append)}/${label}`, digest };
    return { output, path: append, work: workFolderOf(`${append}.${label}`) };
  }
  const output = locateOutput(run, place);
  const path = outputPath(output);
  return { output, path, work: workFolderOf(path) };
}

async function digestText(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** What an archive says of a run; `undefined` when it does not have it. */
async function findInArchive(
  path: string,
  run: Run,
  storage: Storage,
): Promise<string | undefined> {
  const { findRunLine } = await import("../zarr/open_archive.ts");
  const { localFiles } = await import("../zarr/store_files.ts");
  return await findRunLine(path, runLabel(run), localFiles(storage));
}

/**
 * The counts of a run that is in the archive already and is to be left there, so that nothing need be
 * fetched; `undefined` when it is to be made.
 */
export async function findAppended(
  run: Run,
  { append, replace }: OutputFormat,
  { storage, reporter }: StageContext,
): Promise<FieldsCount | undefined> {
  if (append === undefined || replace) return undefined;
  const line = await findInArchive(append, run, storage);
  if (line === undefined) return undefined;
  const { readMessages } = await import("../zarr/archive_layout.ts");
  const { used, wanted } = readMessages(line) ?? { used: 0, wanted: 0 };
  const complete = used === wanted;
  const state = complete ? "" : `, with ${used} of ${wanted} messages`;
  const report = complete ? reporter.info : reporter.warn;
  report(
    `${describeRun(run)} is in ${append} already${state}: it is left as it is without --replace`,
  );
  return { fields: [], membersUsed: [], messagesUsed: used, messagesWanted: wanted, complete };
}

/**
 * Writes a dataset to its place, or appends it to its archive. What is written appears whole or not at
 * all.
 *
 * @returns the SHA-256 of a file in hexadecimal digits; `undefined` for a store or an archive.
 */
export async function writeDataset(
  dataset: FileDataset,
  run: Run,
  { messagesUsed: used, messagesWanted: wanted }: FieldsCount,
  place: FormatPlace,
  { storage, reporter }: StageContext,
): Promise<string | undefined> {
  const { format, zarrFormat, append, replace } = place;
  const { path } = locateRun(run, place);
  if (append === undefined && format !== "zarr") {
    await removePartialFiles(dirname(path), (name) => name === basename(path));
    const hash = createHash("sha256");
    await storage.put(path, hashPieces(await encodeFile(dataset, format), hash));
    return hash.digest("hex");
  }
  const { appendRun, writeZarr } = await import("../zarr/append_run.ts");
  const { localFiles } = await import("../zarr/store_files.ts");
  const onWait = () => reporter.info(`waiting for another command that writes ${path}`);
  const options = { path, onWait, ...(zarrFormat && { format: zarrFormat }) };
  if (append === undefined) {
    await writeZarr(dataset, options, localFiles(storage));
    return undefined;
  }
  const given = { ...options, label: runLabel(run), replace, messages: { used, wanted } };
  const result = await appendRun(dataset, given, localFiles(storage));
  reporter.info(`${describeRun(run)}: ${DONE[result]} ${path}`);
  return undefined;
}

/** Hashes what is written, so that a file of all members is not read once more for its digest. */
async function* hashPieces(
  pieces: AsyncIterable<Uint8Array>,
  hash: Hash,
): AsyncGenerator<Uint8Array, void> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

const DONE = {
  created: "the first run of",
  appended: "appended to",
  replaced: "replaced in",
  left: "another command has put it into",
};

/** Loads the compressing writer only where it is asked for. */
async function encodeFile(
  dataset: FileDataset,
  format: OutputFormat["format"],
): Promise<AsyncIterable<Uint8Array>> {
  if (format !== "netcdf4") return streamNetcdf(dataset);
  const { encodeNetcdf4 } = await import("../netcdf/encode_netcdf4.ts");
  return encodeNetcdf4(dataset);
}
