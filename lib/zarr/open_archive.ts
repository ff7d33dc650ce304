/**
 * The archive in a folder: its runs, and whether another run belongs to them.
 *
 * @module
 */
import { UserError } from "../errors.ts";
import type { NetcdfNumbers } from "../netcdf/netcdf_values.ts";
import { messageOf, quoteValue } from "../util/text.ts";
import type { StoreFiles } from "./store_files.ts";
import {
  decodeFileValues,
  encodeFiles,
  GROWING,
  growingAxis,
  nameFile,
  type ZarrArray,
  type ZarrFormat,
} from "./zarr_arrays.ts";
import {
  describeArray,
  type Json,
  type JsonObject,
  parseStoreMetadata,
  ROOT_FILE,
  type StoreMetadata,
} from "./zarr_metadata.ts";

/** An archive as it is on disk. */
export interface Archive {
  path: string;
  format: ZarrFormat;
  metadata: StoreMetadata;
  /** Runs in it. */
  count: number;
}

/** Attributes that may differ from run to run; an archive keeps every text of them. */
export const JOINED: readonly string[] = ["comment"];

/**
 * What the `history` of an archive says of a run; `undefined` when the run is not in it. Reads one file.
 *
 * @param label of the run: `20260206_00z`.
 * @throws {UserError} when something else than an archive is there.
 */
export async function findRunLine(
  path: string,
  label: string,
  files: StoreFiles,
): Promise<string | undefined> {
  const { history } = (await openArchive(path, undefined, files))?.metadata.attributes ?? {};
  if (typeof history !== "string") return undefined;
  return history.split("\n").find((line) => line.startsWith(`${label}: `));
}

/**
 * Opens the archive in a folder; `undefined` when there is none, and nothing else.
 *
 * @param format that it must have. @default {undefined} (any)
 * @throws {UserError} when it is of another version, or something else is there.
 */
export async function openArchive(
  path: string,
  format: ZarrFormat | undefined,
  files: StoreFiles,
): Promise<Archive | undefined> {
  const archive = await readArchive(path, files);
  if (!archive) {
    const names = await files.list(path) ?? [];
    if (names.length === 0) return undefined;
    throw refuse(path, "it holds files and is no Zarr store", "give --append another folder");
  }
  if (format !== undefined && format !== archive.format) {
    const state = `it is Zarr version ${archive.format}, and --zarr-format is ${format}`;
    throw refuse(path, state, "leave that out");
  }
  return archive;
}

async function readArchive(path: string, files: StoreFiles): Promise<Archive | undefined> {
  for (const format of [3, 2] as const) {
    const name = `${path}/${ROOT_FILE[format]}`;
    const bytes = await files.read(name);
    if (!bytes) continue;
    const metadata = parseStoreMetadata(bytes, format);
    const [count] = toList(metadata?.arrays.get(GROWING)?.layout.shape);
    if (metadata && typeof count === "number" && Number.isInteger(count) && count > 0) {
      return { path, format, metadata, count };
    }
    throw refuse(path, `its ${ROOT_FILE[format]} names no runs along "${GROWING}"`);
  }
  return undefined;
}

function toList(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function refuse(path: string, state: string, remedy = "append to another archive"): UserError {
  return new UserError("usage", `Cannot append to "${path}": ${state}; ${remedy}`);
}

/**
 * Checks that the arrays of a run are those of an archive, and that the two have the same title: that of
 * another model differs.
 *
 * @throws {UserError} naming the first difference.
 */
export function checkFit(
  arrays: readonly ZarrArray[],
  title: Json | undefined,
  archive: Archive,
  label: string,
): void {
  const { path, format, metadata, count } = archive;
  const fail = (state: string) =>
    refuse(
      path,
      `${state}, unlike run ${label}`,
      "append runs of the same variables, steps and grid, or name another archive",
    );
  const names = arrays.map(({ name }) => name);
  const lacking = names.filter((name) => !metadata.arrays.has(name));
  if (lacking.length > 0) throw fail(`it has no ${listFirst(lacking)}`);
  const more = [...metadata.arrays.keys()].filter((name) => !names.includes(name));
  if (more.length > 0) throw fail(`it has ${listFirst(more)}`);
  if (metadata.attributes.title !== title) {
    throw fail(`its title is ${quoteValue(metadata.attributes.title)}`);
  }
  for (const array of arrays) {
    const expected = describeArray(array, format, count);
    const found = metadata.arrays.get(array.name)!;
    const difference = findDifference(found.layout, expected.layout) ??
      findDifference(withoutJoined(found.attributes), withoutJoined(expected.attributes));
    if (difference !== undefined) throw fail(`its ${array.name} has ${difference}`);
  }
}

/** `a, b and 3 more`. */
function listFirst(names: readonly string[]): string {
  const rest = names.length - 2;
  return names.slice(0, 2).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

function withoutJoined(attributes: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !JOINED.includes(name)));
}

/** `units "K", not "degC"`: the first field of the one that is not the other's. */
function findDifference(found: JsonObject, expected: JsonObject): string | undefined {
  const names = [...new Set(["shape", ...Object.keys(expected), ...Object.keys(found)])];
  const name = names.find((it) => canonical(found[it]) !== canonical(expected[it]));
  if (name === undefined) return undefined;
  return `${name} ${canonical(found[name])}, not ${canonical(expected[name])}`;
}

/** JSON that does not depend on the order of names. */
function canonical(value: Json | undefined): string {
  return value === undefined ? "none" : JSON.stringify(value, (_, item) => {
    const isObject = typeof item === "object" && item !== null && !Array.isArray(item);
    return isObject ? Object.fromEntries(Object.entries(item).toSorted()) : item;
  });
}

/**
 * Checks that the points of all axes, and what else holds for all runs, are those of an archive.
 *
 * @throws {UserError} naming the array whose values are others.
 */
export async function checkCoordinates(
  arrays: readonly ZarrArray[],
  { path, format }: Archive,
  label: string,
  files: StoreFiles,
): Promise<void> {
  for (const array of arrays) {
    if (growingAxis(array) >= 0) continue;
    for (const { name, bytes } of encodeFiles(array, format)) {
      const found = await files.read(`${path}/${name}`);
      if (!found) throw refuse(path, `its file ${name} is missing`);
      if (isSame(readValues(array, found, format, `${path}/${name}`), array, bytes, format)) {
        continue;
      }
      throw refusePoints(path, array.name, label);
    }
  }
}

/** The error for an archive that lies on other points than a run. */
export function refusePoints(path: string, name: string, label: string): UserError {
  return refuse(
    path,
    `the values of its ${name} are not those of run ${label}`,
    "append runs of the same steps and grid, or name another archive",
  );
}

/** How many points an axis of an archive has; 1 where it has none, or not this axis. */
export function countPoints({ metadata }: Archive, axis: string): number {
  const [count] = toList(metadata.arrays.get(axis)?.layout.shape);
  return typeof count === "number" && count > 0 ? count : 1;
}

/** The points of an axis, which is the same for all runs. */
export async function readPoints(
  array: ZarrArray,
  { path, format }: Archive,
  files: StoreFiles,
): Promise<number[]> {
  const name = nameFile(array, [0], format);
  const bytes = await files.read(`${path}/${name}`);
  if (!bytes) throw refuse(path, `its file ${name} is missing`);
  return [...readValues(array, bytes, format, `${path}/${name}`)];
}

function isSame(found: NetcdfNumbers, array: ZarrArray, bytes: Uint8Array, format: ZarrFormat) {
  const expected = decodeFileValues(array, bytes, format);
  return found.every((value, i) => Object.is(value, expected[i]));
}

/** The starts of the runs, in the order of their places. */
export async function readTimes(
  arrays: readonly ZarrArray[],
  { path, format, count }: Archive,
  files: StoreFiles,
): Promise<number[]> {
  const array = arrays.find(({ name }) => name === GROWING)!;
  const [runsPerFile] = array.fileShape;
  const times: number[] = [];
  for (let start = 0; start < count; start += runsPerFile!) {
    const name = nameFile(array, [start], format);
    const bytes = await files.read(`${path}/${name}`);
    if (!bytes) throw refuse(path, `its file ${name} is missing`);
    times.push(...readValues(array, bytes, format, `${path}/${name}`));
  }
  return times.slice(0, count);
}

/** The values of a file. @throws {UserError} when it is damaged. */
export function readValues(
  array: ZarrArray,
  bytes: Uint8Array,
  format: ZarrFormat,
  path: string,
): NetcdfNumbers {
  try {
    return decodeFileValues(array, bytes, format);
  } catch (cause) {
    throw new UserError(
      "damaged",
      `Cannot read ${quoteValue(path)}: ${messageOf(cause)}; restore the archive from a copy`,
      { cause },
    );
  }
}
