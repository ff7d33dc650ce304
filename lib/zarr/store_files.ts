/**
 * Files of a store in a local folder: how they appear all at once, and how one command waits for
 * another that writes the same store.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { UserError } from "../errors.ts";
import { type Storage, unlessMissing } from "../storage/mod.ts";
import { messageOf } from "../util/text.ts";
import type { StoreFile } from "./zarr_arrays.ts";

/** What a store does with files and folders, by their paths. */
export interface StoreFiles {
  /** `undefined` when there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Writes a file, whole or not at all, and its folder. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Renames a file or a folder; replaces a file. @returns whether it was there. */
  rename(from: string, to: string): Promise<boolean>;
  /** Removes a folder with all that is in it; does nothing where there is none. */
  remove(folder: string): Promise<void>;
  /** Names in a folder; `undefined` when there is none. */
  list(folder: string): Promise<string[] | undefined>;
}

/** The files of this machine. */
export function localFiles(storage: Storage): StoreFiles {
  return {
    async read(path) {
      storage.forget(path);
      return await unlessMissing(storage.get(path));
    },
    write: (path, bytes) => storage.put(path, [bytes]),
    async rename(from, to) {
      await onDisk("write", to, Deno.mkdir(dirname(to), { recursive: true }));
      return await onDisk("write", to, Deno.rename(from, to).then(() => true)) ?? false;
    },
    async remove(folder) {
      await onDisk("remove", folder, Deno.remove(folder, { recursive: true }));
    },
    async list(folder) {
      const entries = await onDisk("read", folder, Array.fromAsync(Deno.readDir(folder)));
      return entries?.map(({ name }) => name);
    },
  };
}

/** `undefined` for what is not there. @throws {UserError} what the system says. */
async function onDisk<T>(action: string, path: string, done: Promise<T>): Promise<T | undefined> {
  try {
    return await done;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (!messageOf(error).includes("(os error ")) throw error;
    const remedy = "see that there is room and that the folder may be written";
    throw new UserError(
      "unreachable",
      `Cannot ${action} "${path}": ${messageOf(error)}; ${remedy}`,
      { cause: error },
    );
  }
}

/**
 * Waits until no other command writes a store, and keeps others waiting until it is disposed of. The
 * lock is a file beside the store, which ends with the process that holds it, also with a killed one.
 *
 * @param onWait called once when there is someone to wait for.
 * @throws {UserError} where the file system has no locks: two commands could lose a run.
 */
export async function lockStore(path: string, onWait: () => void): Promise<Disposable> {
  const lockPath = join(dirname(path), `.${basename(path)}.lock`);
  await onDisk("write", lockPath, Deno.mkdir(dirname(path), { recursive: true }));
  for (;;) {
    const file = await openLock(lockPath);
    if (!await tryLock(file, lockPath)) {
      onWait();
      await file.lock(true);
    }
    // The one before has removed the file.
    const isOurs = (await file.stat()).nlink !== 0;
    if (isOurs) {
      return {
        [Symbol.dispose]() {
          Deno.removeSync(lockPath);
          file.close();
        },
      };
    }
    file.close();
  }
}

async function openLock(path: string): Promise<Deno.FsFile> {
  return (await onDisk("write", path, Deno.open(path, { write: true, create: true })))!;
}

async function tryLock(file: Deno.FsFile, path: string): Promise<boolean> {
  try {
    return await file.tryLock(true);
  } catch (cause) {
    file.close();
    throw new UserError(
      "failed",
      `Cannot lock "${path}": ${messageOf(cause)}; write the store on a disk of this machine`,
      { cause },
    );
  }
}

/** Where files wait until all of them are there, below the folder of the store. */
const STAGED = ".staged";
const LIST = "files.json";
/** Names that a store has: no step up, no absolute path. */
const SAFE_NAME = /^(?:[A-Za-z_][\w.@+-]*\/)?[\w.]+(?:\/\w+)*$/;

/**
 * Writes files of a store that other commands read. All of them are written aside; then a list of them
 * is, and from there on they get their names one after the other, the last one last. A command that is
 * killed before the list is there has changed nothing; after it, `finishFiles` does the rest.
 */
export async function replaceFiles(
  path: string,
  contents: AsyncIterable<StoreFile>,
  files: StoreFiles,
): Promise<void> {
  const names: string[] = [];
  for await (const { name, bytes } of contents) {
    await files.write(`${path}/${STAGED}/${names.length}`, bytes);
    names.push(name);
  }
  await files.write(`${path}/${STAGED}/${LIST}`, new TextEncoder().encode(JSON.stringify(names)));
  await finishFiles(path, files);
}

/**
 * Completes what an earlier command had begun to rename, and removes what it had only begun to write.
 *
 * @returns whether there was something to complete.
 */
export async function finishFiles(path: string, files: StoreFiles): Promise<boolean> {
  const list = await files.read(`${path}/${STAGED}/${LIST}`);
  if (list) {
    const names = parseNames(list);
    if (!names) {
      throw new UserError(
        "damaged",
        `Cannot read "${path}/${STAGED}/${LIST}": it is no list of files; remove that folder`,
      );
    }
    for (const [i, name] of names.entries()) {
      await files.rename(`${path}/${STAGED}/${i}`, `${path}/${name}`);
    }
  }
  await files.remove(`${path}/${STAGED}`);
  return list !== undefined;
}

function parseNames(bytes: Uint8Array): string[] | undefined {
  let names: unknown;
  try {
    names = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  const isList = Array.isArray(names) &&
    names.every((name) => typeof name === "string" && SAFE_NAME.test(name) && !name.includes(".."));
  return isList ? names as string[] : undefined;
}
