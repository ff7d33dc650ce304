/**
 * Local files while they are written: under a temporary name beside the final one, and locked, so
 * that a file whose writer was killed can be distinguished from one that still grows.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { isRemote } from "../protocol/address.ts";

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

/** Locks a partial file until it is closed, where the file system has locks. */
export async function lockPartialFile(file: Deno.FsFile): Promise<void> {
  await file.lock(true).catch(() => {});
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
    if (final !== undefined && isOurs(basename(final)) && await isAbandoned(path)) {
      await unlessGone(Deno.remove(path));
    }
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  using file = await unlessGone(Deno.open(path, { write: true }));
  return await file?.tryLock(true).catch(() => false) ?? false;
}

async function listNames(folder: string): Promise<string[]> {
  const entries = await unlessGone(Array.fromAsync(Deno.readDir(folder)));
  return (entries ?? []).map(({ name }) => name);
}

async function unlessGone<T>(done: Promise<T>): Promise<T | undefined> {
  try {
    return await done;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
