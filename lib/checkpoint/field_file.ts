/**
 * A reduced field ⇄ the bytes of a file, with a checksum.
 *
 * Layout: SHA-256 of everything after it (32 bytes), length of the description (4 bytes,
 * little-endian), the description as JSON in UTF-8, then the numbers that it lists, in the byte order
 * of this machine.
 *
 * @module
 */
import type { ArrayTask } from "./array_task.ts";
import type { ObjectVersion } from "../storage/mod.ts";
import type { ReducedField } from "../ensemble/field_reducer.ts";

/** Raise it when equal messages may give another field, or when this layout changes. */
export const FIELD_VERSION = 2;

const CHECKSUM_BYTES = 32;
const HEAD_BYTES = CHECKSUM_BYTES + 4;

type Numbers = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** A finished field, and where it comes from. */
export interface SavedField {
  reduced: ReducedField;
  /** Of the files of its messages, by address, as far as servers named them. */
  versions: Readonly<Record<string, ObjectVersion>>;
  /** The task that made it. @default {undefined} (a command that makes all fields) */
  task?: ArrayTask;
}

/** What a file says besides its numbers. */
interface Description extends Omit<SavedField, "reduced"> {
  /** As given to {@linkcode encodeFieldFile}. */
  key: string;
  /** The field without its numbers. */
  field: Omit<ReducedField, "axes" | "mean" | "deviation">;
  /** Counts of the numbers that follow; a field without members has no axes. */
  lengths: { latitudes: number; longitudes: number; values: number };
}

/**
 * Encodes a field.
 *
 * @param key names everything that shaped the field.
 */
export async function encodeFieldFile(
  key: string,
  { reduced, ...origin }: SavedField,
): Promise<Uint8Array<ArrayBuffer>> {
  const { axes, mean, deviation, ...rest } = reduced;
  const description: Description = {
    key,
    ...origin,
    field: rest,
    lengths: {
      latitudes: axes?.latitudes.length ?? 0,
      longitudes: axes?.longitudes.length ?? 0,
      values: mean.length,
    },
  };
  const json = new TextEncoder().encode(JSON.stringify(description));
  const numbers = [...(axes ? [axes.latitudes, axes.longitudes] : []), mean, deviation];
  const body = await new Blob([
    Uint32Array.of(json.length),
    json,
    ...numbers as Numbers[],
  ]).bytes();
  return new Uint8Array(await new Blob([await checksum(body), body]).arrayBuffer());
}

/**
 * Decodes a field.
 *
 * @returns `undefined` when the file is damaged, or has another `key`.
 */
export async function decodeFieldFile(
  key: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<SavedField | undefined> {
  if (bytes.length < HEAD_BYTES) return undefined;
  const expected = await checksum(bytes.subarray(CHECKSUM_BYTES));
  if (expected.some((byte, i) => byte !== bytes[i])) return undefined;
  const [jsonBytes] = new Uint32Array(bytes.slice(CHECKSUM_BYTES, HEAD_BYTES).buffer);
  const numbersStart = HEAD_BYTES + jsonBytes!;
  const text = new TextDecoder().decode(bytes.subarray(HEAD_BYTES, numbersStart));
  const { key: own, field, lengths, ...origin }: Description = JSON.parse(text);
  if (own !== key) return undefined;
  const { buffer } = bytes.slice(numbersStart);
  const axesCount = lengths.latitudes + lengths.longitudes;
  const axes = new Float64Array(buffer, 0, axesCount);
  const values = new Float32Array(buffer, axes.byteLength, 2 * lengths.values);
  const reduced = {
    ...(axesCount > 0 && {
      axes: {
        latitudes: axes.slice(0, lengths.latitudes),
        longitudes: axes.slice(lengths.latitudes),
      },
    }),
    mean: values.slice(0, lengths.values),
    deviation: values.slice(lengths.values),
    ...field,
  };
  return { reduced, ...origin };
}

async function checksum(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
