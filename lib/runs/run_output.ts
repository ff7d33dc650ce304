/**
 * The output of a run on disk or on a server → a digest, which shows whether it is still the one that was made.
 *
 * @module
 */
import { type Storage, unlessMissing } from "../storage/mod.ts";

/** Where the output of a run is. */
export interface RunOutput {
  /** Folder of the ledger: `.` or a path without a slash at its end. */
  folder: string;
  /** Name of the output in it: a file, or a folder of files. */
  name: string;
  /** Beginning of the names of the files that count. @default {undefined} (the output is one file) */
  filePrefix?: string;
  /**
   * Gives the digest of an output that is part of a file or folder; `undefined` when it is not there.
   * @default {undefined} (the output is all of it)
   */
  digest?: (storage: Storage) => Promise<string | undefined>;
}

/** The path of an output. */
export function outputPath({ folder, name }: RunOutput): string {
  return folder === "." ? name : `${folder}/${name}`;
}

/** Bytes that are in memory at once. */
const PIECE_BYTES = 16 * 1024 * 1024;

/**
 * SHA-256 of a file; of a folder that of the names and digests of its files. Reads all of it.
 *
 * @returns hexadecimal digits; `undefined` when there is no output.
 */
export async function digestOutput(
  output: RunOutput,
  storage: Storage,
): Promise<string | undefined> {
  if (output.digest) return await output.digest(storage);
  const path = outputPath(output);
  if (output.filePrefix === undefined) return await digestFile(path, storage);
  const lines: string[] = [];
  for await (const { url } of storage.list(`${path}/${output.filePrefix}`)) {
    lines.push(`${await digestFile(url, storage)}  ${url.slice(path.length + 1)}\n`);
  }
  return lines.length === 0 ? undefined : await digest(new TextEncoder().encode(lines.join("")));
}

/**
 * A file in pieces: with all members it may have gigabytes. Most are one piece, and Node's hash, which
 * takes several, is not loaded for them.
 */
async function digestFile(path: string, storage: Storage): Promise<string | undefined> {
  storage.forget(path);
  const head = await unlessMissing(storage.head(path));
  if (!head) return undefined;
  if (head.size <= PIECE_BYTES) return await digest(await storage.get(path));
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  for (let offset = 0; offset < head.size; offset += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, head.size - offset);
    hash.update(await storage.get(path, { offset, length }));
  }
  return hash.digest("hex");
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
