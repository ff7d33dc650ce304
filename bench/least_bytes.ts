/**
 * The lower bound for any client: the bytes that it must receive to fetch the messages of files in
 * a given number of requests.
 *
 * @module
 */
import { type StepFile, stepFiles } from "../lib/ecmwf/files.ts";
import type { Run } from "../lib/ecmwf/run.ts";
import { decodePrefix, parsePrefix, type Region, selectWindow } from "../lib/grib/mod.ts";
import { type IndexEntry, parseIndex } from "../lib/index/entries.ts";

/** The part of a message that is needed, its beginning, as a range of the file. */
export interface NeededPart {
  offset: number;
  length: number;
}

/**
 * The parts of messages that a region needs, by file.
 *
 * @param folder laid out like the bucket, with runs before IFS cycle 50r1.
 * @param isWanted which messages. @default all
 */
export async function readNeeds(
  folder: string,
  run: Run,
  steps: readonly number[],
  region: Region,
  isWanted: (entry: IndexEntry) => boolean = () => true,
): Promise<NeededPart[][]> {
  const files: NeededPart[][] = [];
  for (const step of steps) {
    files.push(await readFileNeeds(folder, stepFiles(run, step)[0]!, region, isWanted));
  }
  return files;
}

async function readFileNeeds(
  folder: string,
  { url, indexUrl }: StepFile,
  region: Region,
  isWanted: (entry: IndexEntry) => boolean,
): Promise<NeededPart[]> {
  const path = (url: string) => folder + new URL(url).pathname;
  const grib = await Deno.readFile(path(url));
  const { entries: index } = parseIndex(await Deno.readTextFile(path(indexUrl)));
  return index.filter(isWanted).map(({ _offset: offset, _length }) => {
    const field = parsePrefix(grib.subarray(offset, offset + _length));
    const { neededBytes } = decodePrefix(field, selectWindow(field.grid, region));
    return { offset, length: neededBytes };
  });
}

/**
 * The fewest bytes with which any client can fetch all parts in a number of requests. Such a client
 * knows the length of every part, joins the neighbours with the shortest gaps, and has no limit for
 * the length of a request. No other order or choice of joins needs fewer bytes.
 *
 * @param files parts in the order of their file.
 * @throws {RangeError} if joining all parts of each file still needs more requests.
 */
export function findLeastBytes(
  files: readonly (readonly NeededPart[])[],
  requests: number,
): number {
  const parts = files.flat();
  const gaps = files.flatMap((parts) =>
    parts.slice(1).map(({ offset }, i) => offset - parts[i]!.offset - parts[i]!.length)
  ).sort((a, b) => a - b);
  const joins = Math.max(0, parts.length - requests);
  if (joins > gaps.length) {
    throw new RangeError(`Cannot fetch ${files.length} files in ${requests} requests`);
  }
  const needed = parts.reduce((sum, { length }) => sum + length, 0);
  return gaps.slice(0, joins).reduce((sum, gap) => sum + gap, needed);
}
