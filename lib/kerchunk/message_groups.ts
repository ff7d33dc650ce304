/**
 * The groups of a skeleton that hold messages: their names, and what is the same in every run.
 *
 * @module
 */
import { isReference, type Store, type StoreValue } from "../references/store.ts";
import { levtypeOf } from "./vertical_level.ts";
import { metadataError, parseLengths, parseMetadata, type ZarrAttributes } from "./zarr_nodes.ts";
import { decodeInline, findDataArrays } from "../references/skeleton.ts";
import { quoteValue } from "../util/text.ts";

/** A variable at one type of level, as kerchunk groups messages. */
export interface MessageGroup {
  /** `<variable>/<step type>/<type of level>` */
  path: string;
  /** Name of the array of messages in it. */
  name: string;
  /** MARS short name of its messages, as the index has it. */
  param: string;
  /** MARS `levtype`: `sfc`, `pl` or `sol`. */
  levtype: string;
  /** Name of the vertical coordinate. */
  typeOfLevel: string;
  /** Steps in hours of the messages from which the group was made. */
  steps: readonly number[];
  /** Ascending; none for a layer without coordinate. */
  levels: readonly number[];
  /** Of the array, without the names of its dimensions. */
  attributes: ZarrAttributes;
  gridShape: readonly [rows: number, columns: number];
  /** Entries that stay the same: the groups on the path, latitude and longitude. */
  fixedEntries: ReadonlyMap<string, StoreValue>;
}

const GRID_DIMENSIONS = ["latitude", "longitude"];

/**
 * Reads the groups of a skeleton. Groups that are not on latitudes and longitudes are left out, and
 * surface fields on several levels, which an index does not tell apart.
 *
 * @throws {StoreError} when metadata are not those of an array.
 */
export function readGroups(skeleton: Store): MessageGroup[] {
  return [...findDataArrays(skeleton)].flatMap((path) => readGroup(skeleton, path) ?? []);
}

/** Entries of a skeleton that belong to no array of messages. */
export function entriesOutsideGroups(skeleton: Store): [string, StoreValue][] {
  const names = new Set(Array.from(findDataArrays(skeleton), (path) => path.split("/")[0]));
  return [...skeleton].filter(([key]) => !key.includes("/") || !names.has(key.split("/")[0]));
}

function readGroup(skeleton: Store, arrayPath: string): MessageGroup | undefined {
  const path = arrayPath.slice(0, arrayPath.lastIndexOf("/"));
  const name = arrayPath.slice(path.length + 1);
  const { names, attributes } = readAttributes(skeleton, `${arrayPath}/.zattrs`);
  const gridShape = readGridShape(skeleton, `${arrayPath}/.zarray`);
  const { GRIB_shortName: param, GRIB_typeOfLevel: typeOfLevel } = attributes;
  const isOnGrid = names.slice(-2).join() === GRID_DIMENSIONS.join();
  if (!isOnGrid || typeof param !== "string" || typeof typeOfLevel !== "string") return undefined;
  const levels = readNumbers(skeleton, `${path}/${typeOfLevel}`);
  const levtype = levtypeOf({ typeOfLevel });
  // The index has no level of such a field, so any of several levels could be its own.
  if (levtype === "sfc" && levels.length > 1) return undefined;
  return {
    path,
    name,
    param,
    levtype,
    typeOfLevel,
    steps: readNumbers(skeleton, `${path}/step`),
    levels,
    attributes,
    gridShape,
    fixedEntries: findFixedEntries(skeleton, path),
  };
}

/** The attributes of an array, and the names of its dimensions. */
function readAttributes(skeleton: Store, key: string) {
  const { _ARRAY_DIMENSIONS: names = [], ...attributes } = readJson(skeleton, key);
  if (Array.isArray(names)) return { names: names as unknown[], attributes };
  throw metadataError(key, `\`_ARRAY_DIMENSIONS\` is ${quoteValue(names)}, expected a list`);
}

function readGridShape(skeleton: Store, key: string): [rows: number, columns: number] {
  const shape = parseLengths(key, readJson(skeleton, key), "shape", 0);
  const [columns, rows] = shape.toReversed();
  if (rows !== undefined) return [rows, columns!];
  throw metadataError(key, `\`shape\` is ${quoteValue(shape)}, expected 2 numbers or more`);
}

/** Metadata of the groups on a path, and the coordinates of the grid. */
function findFixedEntries(skeleton: Store, path: string): Map<string, StoreValue> {
  const parts = path.split("/");
  const groups = parts.map((_, i) => parts.slice(0, i + 1).join("/"));
  const keys = [
    ...groups.flatMap((group) => [`${group}/.zgroup`, `${group}/.zattrs`]),
    ...GRID_DIMENSIONS.flatMap((name) =>
      [".zarray", ".zattrs", "0"].map((last) => `${path}/${name}/${last}`)
    ),
  ];
  return new Map(keys.flatMap((key) => skeleton.has(key) ? [[key, skeleton.get(key)!]] : []));
}

function readJson(skeleton: Store, key: string): ZarrAttributes {
  const value = skeleton.get(key);
  return value && !isReference(value) ? parseMetadata(key, value) : {};
}

/** The numbers of a coordinate, ascending; none when the coordinate is missing. */
function readNumbers(skeleton: Store, path: string): number[] {
  const value = skeleton.get(`${path}/0`);
  if (!value || isReference(value)) return [];
  const { dtype } = readJson(skeleton, `${path}/.zarray`);
  const { buffer, length } = decodeInline(`${path}/0`, value).slice();
  if (length % 8 !== 0) return [];
  const numbers = dtype === "<i8"
    ? Array.from(new BigInt64Array(buffer), Number)
    : [...new Float64Array(buffer)];
  return numbers.sort((a, b) => a - b);
}
