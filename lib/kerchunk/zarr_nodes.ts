/**
 * Zarr version 2 arrays and groups as keys of a reference store.
 *
 * @module
 */
import { type Store, StoreError } from "../references/store.ts";
import { encodeInline } from "../references/skeleton.ts";
import { quoteValue } from "../util/text.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Attributes of an array or a group. */
export type ZarrAttributes = Record<string, unknown>;

/** An array without its chunks. */
export interface ArraySpec {
  /** Little-endian 64-bit floats or integers. */
  dtype: "<f8" | "<i8";
  /** Name and length of each dimension, the slowest first. */
  dimensions: readonly (readonly [name: string, length: number])[];
  /** @default one chunk, the whole array */
  chunks?: readonly number[];
  /** Decoder of the chunks. @default none */
  filter?: ZarrAttributes;
  /** Value of missing chunks. @default null: they may hold anything */
  fillValue?: "NaN";
  attributes: ZarrAttributes;
}

/** Adds a group. */
export function addGroup(store: Store, path: string, attributes?: ZarrAttributes): void {
  const prefix = path === "" ? "" : `${path}/`;
  store.set(`${prefix}.zgroup`, encodeJson({ zarr_format: 2 }));
  if (attributes) store.set(`${prefix}.zattrs`, encodeJson(attributes));
}

/** Adds the metadata of an array. */
export function addArray(store: Store, path: string, spec: ArraySpec): void {
  const shape = spec.dimensions.map(([, length]) => length);
  const metadata = {
    chunks: spec.chunks ?? shape,
    compressor: null,
    dtype: spec.dtype,
    fill_value: spec.fillValue ?? null,
    filters: spec.filter ? [spec.filter] : null,
    order: "C",
    shape,
    zarr_format: 2,
  };
  const names = spec.dimensions.map(([name]) => name);
  store.set(`${path}/.zarray`, encodeJson(metadata));
  store.set(`${path}/.zattrs`, encodeJson({ _ARRAY_DIMENSIONS: names, ...spec.attributes }));
}

/** Adds a coordinate with its values in one chunk; a single number is an array without dimensions. */
export function addCoordinate(
  store: Store,
  path: string,
  spec: Pick<ArraySpec, "dimensions" | "attributes">,
  values: Float64Array | BigInt64Array,
): void {
  const dtype = values instanceof Float64Array ? "<f8" : "<i8";
  addArray(store, path, { ...spec, dtype });
  const chunk = spec.dimensions.map(() => 0).join(".") || "0";
  store.set(`${path}/${chunk}`, encodeValues(values));
}

/** Numbers as an inline chunk. */
export function encodeValues(values: Float64Array | BigInt64Array): Uint8Array {
  // Zarr wants little-endian, as every machine is that runs Deno.
  return encodeInline(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

/** Whole numbers as the values of an int64 array. */
export function toInt64(numbers: readonly number[]): BigInt64Array {
  return BigInt64Array.from(numbers, (number) => BigInt(number));
}

function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/**
 * Reads metadata of an array or a group.
 *
 * @throws {StoreError} when they are not an object of JSON.
 */
export function parseMetadata(key: string, bytes: Uint8Array): ZarrAttributes {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw metadataError(key, "it is not JSON", cause);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as ZarrAttributes;
  }
  throw metadataError(key, `it is ${quoteValue(value)}, expected an object`);
}

/**
 * The lengths along the dimensions of an array, or of its chunks.
 *
 * @param least that a length may be.
 * @throws {StoreError} when they are no list of whole numbers.
 */
export function parseLengths(
  key: string,
  metadata: ZarrAttributes,
  name: "shape" | "chunks",
  least: number,
): number[] {
  const value = metadata[name];
  const isLength = (it: unknown) => Number.isSafeInteger(it) && (it as number) >= least;
  if (Array.isArray(value) && value.every(isLength)) return value;
  const expected = `expected a list of whole numbers, ${least} or more`;
  throw metadataError(key, `\`${name}\` is ${quoteValue(value)}, ${expected}`);
}

/** An error about metadata: `state` is what is wrong with them. */
export function metadataError(key: string, state: string, cause?: unknown): StoreError {
  const message = `Cannot read the metadata "${key}": ${state}; use another template`;
  return new StoreError(message, key, cause);
}
