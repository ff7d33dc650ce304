/**
 * The metadata of a Zarr store: of each array, of the group, and all of it once more in one file,
 * which readers open and which therefore decides what the store holds.
 *
 * Source: Zarr core specification version 3.0 and its sharding codec 1.0; Zarr storage specification
 * version 2; consolidated metadata as zarr-python writes it; names of dimensions and fill values as
 * xarray's "Zarr Encoding Specification" has them.
 *
 * @module
 */
import type { NetcdfAttribute } from "../netcdf/encode_netcdf.ts";
import type { NetcdfNumbers } from "../netcdf/netcdf_values.ts";
import {
  fillOf,
  growingAxis,
  isSharded,
  type StoreFile,
  type ZarrArray,
  type ZarrFormat,
  ZSTD_LEVEL,
} from "./zarr_arrays.ts";

/** What JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** An object of JSON. */
export interface JsonObject {
  readonly [name: string]: Json;
}

/** A group and its arrays. */
export interface StoreMetadata {
  attributes: JsonObject;
  /** By the name of the array, as {@linkcode describeArray} gives them. */
  arrays: ReadonlyMap<string, ArrayMetadata>;
}

/** What is kept of an array. */
export interface ArrayMetadata {
  /** `zarr.json` without attributes, or `.zarray`. */
  layout: JsonObject;
  attributes: JsonObject;
}

/** The file with all metadata of a store: written last, it is what makes a folder a store. */
export const ROOT_FILE: Readonly<Record<ZarrFormat, string>> = { 2: ".zmetadata", 3: "zarr.json" };

const DIMENSIONS = "_ARRAY_DIMENSIONS";
const TYPES: Readonly<Record<NetcdfNumbers[typeof Symbol.toStringTag], [v2: string, v3: string]>> =
  {
    Int8Array: ["|i1", "int8"],
    Int16Array: ["<i2", "int16"],
    Int32Array: ["<i4", "int32"],
    Float32Array: ["<f4", "float32"],
    Float64Array: ["<f8", "float64"],
  };

/**
 * The metadata of an array.
 *
 * @param runs its length along `time` in an archive. @default that of its values
 */
export function describeArray(array: ZarrArray, format: ZarrFormat, runs?: number): ArrayMetadata {
  const shape = array.lengths.map((length, i) =>
    i === growingAxis(array) ? runs ?? length : length
  );
  return format === 2 ? describeVersion2(array, shape) : describeVersion3(array, shape);
}

function describeVersion2(array: ZarrArray, shape: readonly number[]): ArrayMetadata {
  const { dimensions, attributes: { _FillValue: fill, ...attributes }, data } = array;
  return {
    layout: {
      chunks: array.fileShape,
      compressor: { id: "zstd", level: ZSTD_LEVEL },
      dtype: TYPES[data[Symbol.toStringTag]][0],
      // Readers take it for a missing value.
      fill_value: fill === undefined ? null : toJsonNumber(fillOf(array)),
      filters: [{ id: "shuffle", elementsize: data.BYTES_PER_ELEMENT }],
      order: "C",
      shape,
      zarr_format: 2,
    },
    attributes: { ...toJsonAttributes(attributes), [DIMENSIONS]: dimensions },
  };
}

function describeVersion3(array: ZarrArray, shape: readonly number[]): ArrayMetadata {
  const { dimensions, attributes: { _FillValue: fill, ...attributes }, data } = array;
  const name = (name: string, configuration: JsonObject) => ({ name, configuration });
  const inner = [
    name("bytes", data.BYTES_PER_ELEMENT > 1 ? { endian: "little" } : {}),
    name("zstd", { level: ZSTD_LEVEL, checksum: false }),
  ];
  const shards = name("sharding_indexed", {
    chunk_shape: array.chunkShape,
    codecs: inner,
    index_codecs: [name("bytes", { endian: "little" }), { name: "crc32c" }],
    index_location: "end",
  });
  return {
    layout: {
      zarr_format: 3,
      node_type: "array",
      shape,
      data_type: TYPES[data[Symbol.toStringTag]][1],
      chunk_grid: name("regular", { chunk_shape: array.fileShape }),
      chunk_key_encoding: name("default", { separator: "/" }),
      fill_value: toJsonNumber(fillOf(array)),
      codecs: isSharded(array) ? [shards] : inner,
      dimension_names: dimensions,
    },
    attributes: {
      ...toJsonAttributes(attributes),
      ...(fill !== undefined && { _FillValue: encodeFill(fillOf(array), data) }),
    },
  };
}

function toJsonNumber(value: number): number | string {
  if (Number.isNaN(value)) return "NaN";
  return Number.isFinite(value) ? value : value > 0 ? "Infinity" : "-Infinity";
}

/** xarray keeps a float as the base64 of its eight bytes, since JSON has no NaN. */
function encodeFill(value: number, data: NetcdfNumbers): number | string {
  const isFloat = data instanceof Float32Array || data instanceof Float64Array;
  if (!isFloat) return value;
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  if (Number.isNaN(value)) view.setUint32(4, 0x7ff80000, true);
  else view.setFloat64(0, value, true);
  return bytes.toBase64();
}

/** Attributes as JSON: a list of one number is that number. */
export function toJsonAttributes(
  attributes: Readonly<Record<string, NetcdfAttribute>>,
): JsonObject {
  const entries = Object.entries(attributes).map(([name, value]) => {
    if (typeof value !== "object") return [name, value];
    const numbers = Array.from(value, toJsonNumber);
    return [name, numbers.length === 1 ? numbers[0]! : numbers];
  });
  return Object.fromEntries(entries);
}

/** The files of the metadata in the order in which they are to appear: {@linkcode ROOT_FILE} last. */
export function encodeMetadata(store: StoreMetadata, format: ZarrFormat): StoreFile[] {
  const documents = format === 2 ? listVersion2(store) : listVersion3(store);
  return documents.map(([name, content]) => {
    return { name, bytes: new TextEncoder().encode(`${JSON.stringify(content, null, 1)}\n`) };
  });
}

type NamedDocument = readonly [name: string, content: JsonObject];

function listVersion2({ attributes, arrays }: StoreMetadata): NamedDocument[] {
  const documents: NamedDocument[] = [
    [".zgroup", { zarr_format: 2 }],
    [".zattrs", attributes],
    ...[...arrays].flatMap(([name, { layout, attributes }]): NamedDocument[] => [
      [`${name}/.zarray`, layout],
      [`${name}/.zattrs`, attributes],
    ]),
  ];
  const metadata = Object.fromEntries(documents);
  return [...documents, [ROOT_FILE[2], { zarr_consolidated_format: 1, metadata }]];
}

function listVersion3({ attributes, arrays }: StoreMetadata): NamedDocument[] {
  const nodes = [...arrays].map(([name, { layout, attributes }]) =>
    [name, { ...layout, attributes }] as const
  );
  const root = {
    zarr_format: 3,
    node_type: "group",
    attributes,
    consolidated_metadata: {
      kind: "inline",
      must_understand: false,
      metadata: Object.fromEntries(nodes),
    },
  };
  return [
    ...nodes.map(([name, node]) => [`${name}/zarr.json`, node] as const),
    [ROOT_FILE[3], root],
  ];
}

/** Reads {@linkcode ROOT_FILE}; `undefined` when it is not such a file. */
export function parseStoreMetadata(
  bytes: Uint8Array,
  format: ZarrFormat,
): StoreMetadata | undefined {
  let root: unknown;
  try {
    root = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (format === 3) {
    const { attributes, consolidated_metadata } = toObject(root);
    const nodes = toObject(toObject(consolidated_metadata).metadata);
    const arrays = Object.entries(nodes).map(([name, node]) => {
      const { attributes, ...layout } = toObject(node);
      return [name, { layout, attributes: toObject(attributes) }] as const;
    });
    return { attributes: toObject(attributes), arrays: new Map(arrays) };
  }
  const metadata = toObject(toObject(root).metadata);
  const names = Object.keys(metadata).filter((name) => name.endsWith("/.zarray"))
    .map((name) => name.slice(0, -"/.zarray".length));
  const arrays = names.map((name) => {
    const layout = toObject(metadata[`${name}/.zarray`]);
    return [name, { layout, attributes: toObject(metadata[`${name}/.zattrs`]) }] as const;
  });
  return { attributes: toObject(metadata[".zattrs"]), arrays: new Map(arrays) };
}

function toObject(value: unknown): JsonObject {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? value as JsonObject : {};
}
