/**
 * A reduced field as the bytes of a file, checksummed, for those that outlive the process.
 *
 * Layout: SHA-256 of all that follows (32 bytes), length of the description (4 bytes, little-endian),
 * the description as JSON in UTF-8, then the numbers that it lists, in this machine's byte order.
 *
 * @module
 */
import type { ArrayTask } from "./array_task.ts";
import type { ObjectVersion } from "../storage/mod.ts";
import type { ReducedField } from "../ensemble/field_reducer.ts";

/** Raised whenever equal messages may come out as another field, or this layout changes. */
export const FIELD_VERSION = 2;

const CHECKSUM_BYTES = 32;
const HEAD_BYTES = CHECKSUM_BYTES + 4;

type Numbers = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** A field, and where it comes from. */
export interface KeptField {
  reduced: ReducedField;
  /** Of the files that its messages were read from, by their address, as far as servers told them. */
  versions: Readonly<Record<string, ObjectVersion>>;
  /** The task that read them. @default {undefined} (a command that reads all fields) */
  task?: ArrayTask;
}

/** What a file says besides its numbers. */
interface Description extends Omit<KeptField, "reduced"> {
  /** What the field was made from and how, as {@linkcode encodeFieldFile} was told. */
  key: string;
  /** The field without its numbers. */
  field: Omit<ReducedField, "axes" | "mean" | "deviation">;
  /** How many numbers follow of each kind; no axes for a field without members. */
  lengths: { latitudes: number; longitudes: number; values: number };
}

/**
 * Encodes a field.
 *
 * @param key names everything that shaped the field.
 */
export async function encodeFieldFile(
  key: string,
  { reduced, ...origin }: KeptField,
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
 * @returns `undefined` when the file is damaged, or was made from something else than `key`.
 */
export async function decodeFieldFile(
  key: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<KeptField | undefined> {
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
