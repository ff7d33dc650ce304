/**
 * Local files on their way: under a temporary name beside the final one, locked while they are
 * written, so that one whose writer was killed can be told from one that grows.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { isRemote } from "../protocol/address.ts";

const HALF = /^\.(.+)\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/;

/** The path under which a file is written until it is whole; another one each time. */
export function nameHalf(path: string): string {
  return join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.part`);
}

/** The path that a half is to get; `undefined` for files that are none. */
export function finalPath(path: string): string | undefined {
  const [, name] = HALF.exec(basename(path)) ?? [];
  return name === undefined ? undefined : join(dirname(path), name);
}

/** Marks a half as being written until it is closed. Where the file system has no locks, it is not. */
export async function lockHalf(file: Deno.FsFile): Promise<void> {
  await file.lock(true).catch(() => {});
}

/**
 * Removes the halves in a folder whose writer is no more. Where that cannot be told they stay, and so
 * does what is being written. On servers there are none.
 *
 * @param isOurs tells from the name that a file was to get whether its half may be removed.
 */
export async function removeHalves(
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
