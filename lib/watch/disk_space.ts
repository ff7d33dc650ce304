/**
 * A folder → the free space of its disk, and whether that is enough to make a run.
 *
 * @module
 */
import { describeRun, type Run } from "../ecmwf/run.ts";
import { UserError } from "../errors.ts";
import { formatMegabytes } from "../util/numbers.ts";
import { messageOf } from "../util/text.ts";

/** Reads the free space of the disk of a folder, in bytes; `undefined` where it is not known. */
export type FreeSpace = (folder: string) => Promise<number | undefined>;

/**
 * {@linkcode FreeSpace} by the operating system: what a user that is not root may write. Deno itself
 * has no call for it, Node's does under `--allow-sys=statfs`.
 */
export async function measureFreeSpace(folder: string): Promise<number | undefined> {
  const { statfs } = await import("node:fs/promises");
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    // A share or a system without this call, or without the permission for it.
    return undefined;
  }
}

/** The error where too little is left to start a run; `undefined` where there is enough. */
export function findDiskFault(
  run: Run,
  folder: string,
  free: number | undefined,
  needed: number,
): UserError | undefined {
  if (free === undefined || free >= needed) return undefined;
  return new UserError(
    "failed",
    `Cannot start ${describeRun(run)}: the disk of "${folder}" has ${formatMegabytes(free)} MB ` +
      `free, and ${
        formatMegabytes(needed)
      } MB are needed; free some, or give a smaller --keep-days`,
  );
}

/**
 * Makes the folder of the outputs.
 *
 * @throws {UserError} for a folder that cannot be made, as where a file is.
 */
export async function makeOutputFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new UserError(
      "failed",
      `Cannot make the folder "${folder}": ${messageOf(error)}; give another --output-dir`,
    );
  }
}
