/**
 * Local files while they are written: under a temporary name beside the final one, and locked, so
 * that a file whose writer was killed can be distinguished from one that still grows.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { delay } from "jsr:@std/async@^1.1.0";
import { isRemote } from "../protocol/address.ts";
import { StorageError } from "../protocol/storage_error.ts";

const PARTIAL_NAME = /^\.(.+)\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/;

/** The path under which a file is written until it is whole; another one each time. */
export function namePartialFile(path: string): string {
  return join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.part`);
}

/** The path that a partial file will get; `undefined` for other files. */
export function finalPath(path: string): string | undefined {
  const [, name] = PARTIAL_NAME.exec(basename(path)) ?? [];
  return name === undefined ? undefined : join(dirname(path), name);
}

/** A partial file, open and locked. */
export interface PartialFile extends Disposable {
  /** The path under which it is written. */
  path: string;
  file: Deno.FsFile;
}

/** Attempts to open a partial file that other processes remove, or whose folder they do. */
const MAX_ATTEMPTS = 20;

/**
 * Creates a partial file beside a path, and its folder. Where the file system has locks nobody removes
 * the two from now on, until the file is closed: another process may have done so before.
 */
export async function openPartialFile(finalPath: string): Promise<PartialFile> {
  for (let attempt = 1;; attempt++) {
    try {
      return await tryToOpen(namePartialFile(finalPath));
    } catch (error) {
      const isRemoved = error instanceof Deno.errors.NotFound;
      if (!isRemoved || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

async function tryToOpen(path: string): Promise<PartialFile> {
  await Deno.mkdir(dirname(path), { recursive: true });
  const file = await Deno.open(path, { write: true, createNew: true });
  await file.lock(true).catch(() => {});
  if ((await file.stat()).nlink !== 0) return { path, file, [Symbol.dispose]: () => file.close() };
  file.close();
  throw new Deno.errors.NotFound(`${path} was removed by another process`);
}

/**
 * Removes the partial files in a folder whose writers have ended. Files that are being written stay,
 * and so do all where the file system has no locks. Does nothing on servers, which have none.
 *
 * @param isOurs decides from the final name whether a partial file may be removed.
 */
export async function removePartialFiles(
  folder: string,
  isOurs: (name: string) => boolean,
): Promise<void> {
  if (isRemote(folder)) return;
  for (const name of await listNames(folder)) {
    const path = join(folder, name);
    const final = finalPath(path);
    if (final !== undefined && isOurs(basename(final))) await removeAbandoned(path);
  }
}

/** A folder that this process works in, until it is disposed of. */
export interface FolderUse extends Disposable {
  /** Whether another process had it in use already, as far as the file system has locks. */
  isShared: boolean;
  /** Whether no other process has it in use now; asked once, when this one is done with its files. */
  isAlone(): Promise<boolean>;
}

/**
 * Marks a local folder as in use by a command, and creates it. Disposal removes one that it created and
 * that is empty. It is a lock of the folder itself: it ends with the process, and leaves no file.
 */
export async function useFolder(folder: string): Promise<FolderUse> {
  const alone = () => Promise.resolve(true);
  const unused = { isShared: false, isAlone: alone, [Symbol.dispose]: () => {} };
  if (isRemote(folder)) return unused;
  const existed = await unlessGone(Deno.stat(folder)) !== undefined;
  await Deno.mkdir(folder, { recursive: true });
  // Windows opens no folder, and not every network share has locks.
  const handle = await Deno.open(folder).catch(() => undefined);
  if (!handle) return unused;
  const isFree = await handle.tryLock(true).catch(() => true);
  // So that each of several processes holds the lock, and none can have it for itself.
  await handle.tryLock(false).catch(alone);
  return {
    isShared: !isFree,
    isAlone: () => handle.tryLock(true).catch(alone),
    [Symbol.dispose]() {
      handle.close();
      if (existed) return;
      try {
        Deno.removeSync(folder);
      } catch {
        // It holds files, or is gone.
      }
    },
  };
}

/** How often, and how many milliseconds apart, a lock is asked for that another process holds. */
const LOCK_TRIES = 100;
const LOCK_PAUSE_MS = 10;

/**
 * Holds the lock of a local folder until it is disposed of, for an action of milliseconds. Creates the
 * folder. Waits a second at most for another process: one that holds the folder for long works in it.
 * Locks nothing on servers, and where the file system has no locks.
 */
export async function lockFolder(folder: string): Promise<Disposable> {
  if (isRemote(folder)) return { [Symbol.dispose]: () => {} };
  await Deno.mkdir(folder, { recursive: true });
  const handle = await Deno.open(folder).catch(() => undefined);
  for (let tries = 1; handle && tries < LOCK_TRIES; tries++) {
    if (await handle.tryLock(true).catch(() => true)) break;
    await delay(LOCK_PAUSE_MS);
  }
  return { [Symbol.dispose]: () => handle?.close() };
}

/** Holds the lock meanwhile: a writer that waits for it sees that its file is gone. */
async function removeAbandoned(path: string): Promise<void> {
  using file = await unlessGone(Deno.open(path, { write: true }));
  const isAbandoned = await file?.tryLock(true).catch(() => false) ?? false;
  if (isAbandoned) await unlessGone(Deno.remove(path));
}

/** @throws {StorageError} where a file is in the place of the folder. */
async function listNames(folder: string): Promise<string[]> {
  try {
    const entries = await unlessGone(Array.fromAsync(Deno.readDir(folder)));
    return (entries ?? []).map(({ name }) => name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotADirectory)) throw error;
    const state = "there is a file in the place of the folder; give another folder";
    throw new StorageError({ kind: "denied", action: "use", url: folder, state, cause: error });
  }
}

async function unlessGone<T>(done: Promise<T>): Promise<T | undefined> {
  try {
    return await done;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
