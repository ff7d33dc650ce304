/**
 * Runs → a Zarr store in a local folder, of one run or of many along `time`.
 *
 * A run that is appended gets the next place along `time`, whenever it was: places are names of files,
 * so that sorting would rename the files of other runs. Readers sort: `ds.sortby("time")`.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { checkDataset, type FileDataset } from "../netcdf/encode_netcdf.ts";
import { addToHistory, type ArchiveRun, layOutRun, type UsedMessages } from "./archive_layout.ts";
import {
  type Archive,
  checkCoordinates,
  checkFit,
  countPoints,
  JOINED,
  openArchive,
  readPoints,
  readTimes,
  readValues,
  refusePoints,
} from "./open_archive.ts";
import { finishFiles, lockStore, replaceFiles, type StoreFiles } from "./store_files.ts";
import {
  encodeFiles,
  encodeFileValues,
  fillOf,
  growingAxis,
  loadArray,
  nameFile,
  planArrays,
  type StoreFile,
  type ZarrArray,
  type ZarrFormat,
} from "./zarr_arrays.ts";
import {
  describeArray,
  encodeMetadata,
  type Json,
  type JsonObject,
  type StoreMetadata,
  toJsonAttributes,
} from "./zarr_metadata.ts";

/** Where a store is written, and how. */
export interface ZarrOptions {
  /** Its folder. */
  path: string;
  /** Version of Zarr. @default that of the archive that is there; else 3 */
  format?: ZarrFormat;
  /** Called once when another command writes the same store. @default nothing */
  onWait?: () => void;
}

/** Which run is appended. */
export interface AppendOptions extends ZarrOptions {
  /** `20260206_00z`. */
  label: string;
  /** Whether a run that is there is written again. @default {false} (it is left as it is) */
  replace?: boolean;
  /** For its line in `history`. @default {undefined} (they are not told) */
  messages?: UsedMessages;
}

/** What became of a run. */
export type AppendResult = "created" | "appended" | "replaced" | "left";

/**
 * Writes a dataset as a store of its own, in place of one that is there. It is written aside and then
 * renamed, so that a killed command leaves nothing under the store's name.
 *
 * @throws {UserError} as `checkDataset` does, and for what the system refuses.
 */
export async function writeZarr(
  dataset: FileDataset,
  options: ZarrOptions,
  files: StoreFiles,
): Promise<void> {
  checkDataset(dataset);
  const format = options.format ?? 3;
  using _lock = await lockStore(options.path, options.onWait ?? (() => {}));
  await recoverStore(options.path, files);
  const store = { attributes: toJsonAttributes(dataset.attributes) };
  await createStore(options.path, planArrays(dataset, format, false), store, format, files);
}

/**
 * Appends a run to an archive, which it creates where there is none. All files are written aside, then
 * they get their names, the metadata that readers open last: a killed command leaves the archive as it
 * was, or completes with the next command that appends to it. Other commands wait meanwhile.
 *
 * @returns what was done; a run that is there is left as it is unless `replace` says otherwise.
 * @throws {UserError} naming what differs between the run and the archive.
 */
export async function appendRun(
  dataset: FileDataset,
  options: AppendOptions,
  files: StoreFiles,
): Promise<AppendResult> {
  checkDataset(dataset);
  const { path, label, replace = false, messages } = options;
  const run = layOutRun(dataset, label, messages);
  using _lock = await lockStore(path, options.onWait ?? (() => {}));
  await recoverStore(path, files);
  await finishFiles(path, files);
  const archive = await openArchive(path, options.format, files);
  if (!archive) {
    const format = options.format ?? 3;
    const store = { attributes: joinAttributes({}, run) };
    await createStore(path, planArrays(run.dataset, format, true), store, format, files);
    return "created";
  }
  const arrays = planArrays(run.dataset, archive.format, true);
  checkFit(arrays, toJsonAttributes(run.dataset.attributes).title, archive, label);
  await checkCoordinates(arrays, archive, label, files);
  const place = (await readTimes(arrays, archive, files)).indexOf(run.time);
  if (place >= 0 && !replace) return "left";
  const at = place >= 0 ? place : archive.count;
  const count = Math.max(archive.count, at + 1);
  const contents = async function* () {
    for (const array of arrays) yield* listRunFiles(array, archive, at, files);
    yield* encodeMetadata(joinMetadata(arrays, archive, run, count), archive.format);
  };
  await replaceFiles(path, contents(), files);
  return place >= 0 ? "replaced" : "appended";
}

/** What is known of a run before it is made. */
export interface ComingRun {
  /** Its dataset without values, with so many points along each axis, wherever they are. */
  describe(points: { latitude: number; longitude: number }): FileDataset;
  /** Whether its points along an axis may be these, in their order. */
  mayLieAt(axis: "latitude" | "longitude", points: readonly number[]): boolean;
}

/**
 * Checks that an archive will take a run, before the run is made. Reads the metadata and the coordinates
 * of the archive; where there is none, any run fits.
 *
 * @throws {UserError} as `appendRun` does.
 */
export async function requireFit(
  { describe, mayLieAt }: ComingRun,
  { path, label, format }: Pick<AppendOptions, "path" | "label" | "format">,
  files: StoreFiles,
): Promise<void> {
  const archive = await openArchive(path, format, files);
  if (!archive) return;
  const { dataset } = layOutRun(
    describe({
      latitude: countPoints(archive, "latitude"),
      longitude: countPoints(archive, "longitude"),
    }),
    label,
  );
  const arrays = planArrays(dataset, archive.format, true);
  checkFit(arrays, toJsonAttributes(dataset.attributes).title, archive, label);
  const isPlace = ({ name }: ZarrArray) => name === "latitude" || name === "longitude";
  const others = arrays.filter((array) => !isPlace(array));
  await checkCoordinates(others, archive, label, files);
  for (const array of arrays.filter(isPlace)) {
    const points = await readPoints(array, archive, files);
    const axis = array.name as "latitude" | "longitude";
    if (!mayLieAt(axis, points)) throw refusePoints(path, axis, label);
  }
}

// ---- writing ----

async function createStore(
  path: string,
  arrays: readonly ZarrArray[],
  { attributes }: Pick<StoreMetadata, "attributes">,
  format: ZarrFormat,
  files: StoreFiles,
): Promise<void> {
  const { next, former } = namesAside(path);
  const described = arrays.map((array) => [array.name, describeArray(array, format)] as const);
  for (const array of arrays) {
    for (const file of encodeFiles(await loadArray(array), format)) {
      await files.write(`${next}/${file.name}`, file.bytes);
    }
  }
  for (
    const { name, bytes } of encodeMetadata({ attributes, arrays: new Map(described) }, format)
  ) {
    await files.write(`${next}/${name}`, bytes);
  }
  await files.rename(path, former);
  await files.rename(next, path);
  await files.remove(former);
}

/** Where a store is written, and where the one before it is until the new one has its name. */
function namesAside(path: string): { next: string; former: string } {
  const aside = (word: string) => join(dirname(path), `.${basename(path)}.${word}`);
  return { next: aside("new"), former: aside("old") };
}

/** Undoes what a killed command had begun: a store has its name again, and nothing is beside it. */
async function recoverStore(path: string, files: StoreFiles): Promise<void> {
  const { next, former } = namesAside(path);
  if (await files.list(path) === undefined) await files.rename(former, path);
  await files.remove(former);
  await files.remove(next);
}

/** The files of a run: its own, and those of many runs with its values in them. */
async function* listRunFiles(
  array: ZarrArray,
  { path, format }: Archive,
  at: number,
  files: StoreFiles,
): AsyncGenerator<StoreFile, void> {
  const axis = growingAxis(array);
  if (axis < 0) return;
  const runsPerFile = array.fileShape[axis]!;
  if (runsPerFile === 1) return yield* encodeFiles(await loadArray(array), format, at);
  const origin = array.lengths.map((_, i) => i === axis ? at : 0);
  const name = nameFile(array, origin, format);
  const bytes = await files.read(`${path}/${name}`);
  const former = bytes && readValues(array, bytes, format, `${path}/${name}`);
  const size = array.fileShape.reduce((product, length) => product * length, 1);
  const values = former ?? new (array.data.constructor as Float32ArrayConstructor)(size)
    .fill(fillOf(array));
  values.set(array.data, (at % runsPerFile) * array.data.length);
  yield { name, bytes: encodeFileValues(array, values, format) };
}

function joinMetadata(
  arrays: readonly ZarrArray[],
  { metadata, format }: Archive,
  run: ArchiveRun,
  count: number,
): StoreMetadata {
  const described = arrays.map((array) => {
    const { layout, attributes } = describeArray(array, format, count);
    const former = metadata.arrays.get(array.name)!.attributes;
    const joined = JOINED.filter((name) => name in attributes || name in former)
      .map((name) => [name, joinTexts(former[name], attributes[name])] as const);
    return [array.name, {
      layout,
      attributes: { ...attributes, ...Object.fromEntries(joined) },
    }] as const;
  });
  return { attributes: joinAttributes(metadata.attributes, run), arrays: new Map(described) };
}

/** Global attributes of all runs: every text once, and the history. */
function joinAttributes(former: JsonObject, { dataset, line }: ArchiveRun): JsonObject {
  const added = toJsonAttributes(dataset.attributes);
  const names = [...new Set([...Object.keys(former), ...Object.keys(added)])]
    .filter((name) => name !== "history");
  const history = typeof former.history === "string" ? former.history : undefined;
  return {
    ...Object.fromEntries(names.map((name) => [name, joinTexts(former[name], added[name])])),
    history: addToHistory(history, line),
  };
}

function joinTexts(former: Json | undefined, added: Json | undefined): Json {
  if (former === undefined || added === undefined) return (former ?? added)!;
  if (typeof former !== "string" || typeof added !== "string") return added;
  return former.split("; ").includes(added) || former === added ? former : `${former}; ${added}`;
}
