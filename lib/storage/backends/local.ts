import { fileURLToPath } from "node:url";
import {
  permissionError,
  readError,
  requireRight,
  type StorageAction,
  StorageError,
  type StorageErrorKind,
  unlessMissing,
} from "../protocol/storage_error.ts";
import { splitPath } from "../protocol/address.ts";
import { finalPath, openPartialFile } from "./partial_files.ts";
import type { Backend } from "../protocol/attempt.ts";
import {
  type ByteRange,
  type ListedObject,
  type ObjectAccess,
  type ObjectInfo,
  type Pieces,
  rangeOf,
} from "../protocol/objects.ts";

/** Files, by path or `file:` address. */
export const localAccess: ObjectAccess = {
  async get(url, { check, maxBytes, ...part } = {}) {
    const bytes = await readLocal(url, rangeOf(part), maxBytes);
    requireRight(url, bytes, check);
    return bytes;
  },
  async head(url, { check } = {}) {
    const info = await statLocal(url);
    requireRight(url, info, check);
    return info;
  },
  list: listLocal,
  put: writeLocal,
  remove: removeLocal,
};

/** Files as a server has them, for a mirror that is a folder. */
export const localBackend: Backend = {
  origin: () => "file:",
  get: async (url, range, { maxBytes }) => ({ bytes: await readLocal(url, range, maxBytes) }),
  head: statLocal,
  listPage: async (prefixUrl) => ({
    objects: await Array.fromAsync(listLocal(prefixUrl)),
    next: undefined,
  }),
};

async function readLocal(
  url: string,
  range: ByteRange | undefined,
  maxBytes = Infinity,
): Promise<Uint8Array<ArrayBuffer>> {
  const path = parsePath(url);
  const reading = range ? readSlice(path, range) : readWhole(path, maxBytes);
  return await describeFailure("read", url, reading);
}

async function readWhole(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  if (maxBytes < Infinity && (await Deno.stat(path)).size > maxBytes) {
    throw readError("corrupt", path, `it has more than ${maxBytes} bytes, the most that is read`);
  }
  return await Deno.readFile(path);
}

async function readSlice(path: string, { offset, length }: ByteRange) {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  if (offset + length > size) {
    const state = `bytes ${offset}-${offset + length - 1} were asked for and it has only ${size}`;
    throw readError("range", path, state);
  }
  await file.seek(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await file.read(bytes.subarray(filled));
    if (count === null) throw readError("corrupt", path, "it was cut short while it was read");
    filled += count;
  }
  return bytes;
}

const IS_FOLDER = "it is a folder, not a file";

async function statLocal(url: string): Promise<ObjectInfo> {
  const { isFile, size } = await describeFailure("read", url, Deno.stat(parsePath(url)));
  if (!isFile) throw readError("missing", url, IS_FOLDER);
  return { size };
}

/** As on S3, the prefix may end inside a name, a missing folder is empty, partial files are hidden. */
async function* listLocal(prefixUrl: string): AsyncGenerator<ListedObject> {
  const prefix = parsePath(prefixUrl);
  // As it is written: what is listed begins like the prefix.
  const { folder } = splitPath(prefix);
  const walk = describeFailure("list", prefixUrl, Array.fromAsync(walkFiles(folder)));
  const paths = await unlessMissing(walk) ?? [];
  for (const path of paths.filter((path) => path.startsWith(prefix) && !finalPath(path)).sort()) {
    const info = await unlessMissing(statLocal(path));
    if (info) yield { url: path, ...info };
  }
}

async function* walkFiles(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder || ".")) {
    if (entry.isDirectory) yield* walkFiles(`${folder}${entry.name}/`);
    else yield folder + entry.name;
  }
}

/** Writes to a temporary name in the same folder, then renames: readers see the whole file or none. */
async function writeLocal(url: string, pieces: Pieces): Promise<void> {
  const path = parsePath(url);
  using partial = await describeFailure("write", url, openPartialFile(path));
  try {
    await writePieces(url, partial.file, pieces);
    await describeFailure("write", url, Deno.rename(partial.path, path));
  } catch (error) {
    await Deno.remove(partial.path).catch(() => {});
    throw error;
  }
}

/** Writes a piece while the next one is made. */
async function writePieces(url: string, file: Deno.FsFile, pieces: Pieces): Promise<void> {
  let underWay: Promise<void> = Promise.resolve();
  try {
    for await (const piece of pieces) {
      await underWay;
      underWay = writePiece(url, file, piece);
      underWay.catch(() => {}); // it is awaited below, after the next piece or the failure to make it
    }
  } finally {
    await underWay;
  }
}

async function writePiece(url: string, file: Deno.FsFile, piece: Uint8Array): Promise<void> {
  for (let written = 0; written < piece.length;) {
    written += await describeFailure("write", url, file.write(piece.subarray(written)));
  }
}

async function removeLocal(url: string): Promise<void> {
  await unlessMissing(describeFailure("remove", url, Deno.remove(parsePath(url))));
}

function parsePath(url: string): string {
  return url.startsWith("file:") ? fileURLToPath(url) : url;
}

/** Turns a refusal of the system into a StorageError. */
async function describeFailure<T>(
  action: StorageAction,
  url: string,
  done: Promise<T>,
): Promise<T> {
  try {
    return await done;
  } catch (cause) {
    const fail = (kind: StorageErrorKind, state: string) =>
      new StorageError({ kind, action, url, state, cause });
    // A file stands where a folder of the path would.
    const isBelowFile = action === "read" && cause instanceof Deno.errors.NotADirectory;
    if (cause instanceof Deno.errors.NotFound || isBelowFile) {
      throw fail("missing", "there is no such file");
    }
    // Not "missing": what is looked for may be there, and is not what it should be.
    if (cause instanceof Deno.errors.IsADirectory) throw fail("unsupported", IS_FOLDER);
    if (cause instanceof Deno.errors.PermissionDenied) {
      throw fail("denied", "the file system denies access, check the owner and mode");
    }
    if (cause instanceof Error && cause.message.includes("(os error ")) {
      throw fail("unreachable", cause.message);
    }
    throw permissionError(url, cause) ?? cause;
  }
}
