/**
 * The skeleton of a store: metadata and coordinates of a template, moved to another run, without
 * references to data ("deflated" in the file names of the Python tools).
 *
 * @module
 */
import { messageOf } from "../util/text.ts";
import { isReference, type Store, StoreError } from "./store.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const BASE64_PREFIX = "base64:";
const CHUNK = /^(.*)\/[\d.]+$/;
const TIME_CHUNK = /(?:^|\/)(time|valid_time)\/[\d.]+$/;
const GRIB_FILTER = /"id"\s*:\s*"grib"/;
const PARAMETER_NAME = /"GRIB_shortName"\s*:\s*"([^"]+)"/;

/** A skeleton, and what was left out of it. */
export interface Skeleton {
  store: Store;
  /** Data chunks of the template that were left out. */
  droppedChunks: number;
}

/**
 * Makes the skeleton of a template store.
 *
 * Data chunks are left out: references, and the short messages that kerchunk stores inline. The
 * coordinates `time` and `valid_time`, int64 seconds since 1970 in the store, move by the time
 * between the two runs.
 *
 * @throws {StoreError} when a time coordinate is not whole little-endian int64 values.
 */
export function deflateStore(template: Store, templateTime: Date, runTime: Date): Skeleton {
  const store: Store = new Map();
  const shiftSeconds = BigInt((runTime.getTime() - templateTime.getTime()) / 1000);
  const dataArrays = findDataArrays(template);
  let droppedChunks = 0;
  for (const [key, value] of template) {
    if (isReference(value) || dataArrays.has(CHUNK.exec(key)?.[1] ?? "")) {
      droppedChunks++;
    } else {
      store.set(key, TIME_CHUNK.test(key) ? shiftTimes(key, value, shiftSeconds) : value);
    }
  }
  return { store, droppedChunks };
}

/** Paths of the arrays whose chunks are GRIB messages. */
export function findDataArrays(store: Store): Set<string> {
  const paths = new Set<string>();
  for (const [key, value] of store) {
    if (!key.endsWith("/.zarray") || isReference(value)) continue;
    if (GRIB_FILTER.test(decoder.decode(value))) paths.add(key.slice(0, -"/.zarray".length));
  }
  return paths;
}

function shiftTimes(key: string, value: Uint8Array, shiftSeconds: bigint): Uint8Array {
  const bytes = decodeInline(key, value).slice();
  if (bytes.length % 8 !== 0) {
    const state = `it has ${bytes.length} bytes, which is not a whole number of int64 values`;
    throw new StoreError(
      `Cannot move time coordinate "${key}": ${state}; use another template`,
      key,
    );
  }
  const view = new DataView(bytes.buffer);
  for (let offset = 0; offset < bytes.length; offset += 8) {
    view.setBigInt64(offset, view.getBigInt64(offset, true) + shiftSeconds, true);
  }
  return encodeInline(bytes);
}

/**
 * The bytes of an inline value, which kerchunk stores as text, or as base64 if they are not ASCII.
 *
 * @throws {StoreError} when its base64 is damaged.
 */
export function decodeInline(key: string, value: Uint8Array): Uint8Array {
  const prefix = decoder.decode(value.subarray(0, BASE64_PREFIX.length));
  if (prefix !== BASE64_PREFIX) return value;
  try {
    return Uint8Array.fromBase64(decoder.decode(value.subarray(BASE64_PREFIX.length)));
  } catch (cause) {
    const state = `its base64 is damaged (${messageOf(cause)})`;
    throw new StoreError(`Cannot read "${key}": ${state}; use another template`, key, cause);
  }
}

/** Bytes as kerchunk stores them inline: as text, or as base64 if they are not ASCII. */
export function encodeInline(bytes: Uint8Array): Uint8Array {
  if (bytes.every((byte) => byte < 0x80)) return bytes;
  return encoder.encode(BASE64_PREFIX + bytes.toBase64());
}

/** MARS short names of the parameters that a store describes. */
export function storeParameters(store: Store): Set<string> {
  const names = new Set<string>();
  for (const [key, value] of store) {
    if (!key.endsWith("/.zattrs") || isReference(value)) continue;
    const match = PARAMETER_NAME.exec(decoder.decode(value));
    if (match) names.add(match[1]!);
  }
  return names;
}

/** Start of the run from which a store was built; `undefined` when it has no time coordinate. */
export function storeTime(store: Store): Date | undefined {
  for (const [key, value] of store) {
    if (TIME_CHUNK.exec(key)?.[1] !== "time" || isReference(value)) continue;
    const bytes = decodeInline(key, value);
    if (bytes.length < 8) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new Date(Number(view.getBigInt64(0, true)) * 1000);
  }
  return undefined;
}
