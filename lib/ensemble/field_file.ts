/**
 * A reduced field as the bytes of a file, checksummed, for those that outlive the process.
 *
 * Layout: SHA-256 of all that follows (32 bytes), length of the description (4 bytes, little-endian),
 * the description as JSON in UTF-8, then the numbers that it lists, in this machine's byte order.
 *
 * @module
 */
import type { ReducedField } from "./field.ts";

/** Raised whenever equal messages may come out as another field, or this layout changes. */
export const FIELD_VERSION = 1;

const CHECKSUM_BYTES = 32;
const HEAD_BYTES = CHECKSUM_BYTES + 4;

type Numbers = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** What a file says besides its numbers. */
interface Description {
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
  field: ReducedField,
): Promise<Uint8Array<ArrayBuffer>> {
  const { axes, mean, deviation, ...rest } = field;
  const description: Description = {
    key,
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
): Promise<ReducedField | undefined> {
  if (bytes.length < HEAD_BYTES) return undefined;
  const expected = await checksum(bytes.subarray(CHECKSUM_BYTES));
  if (expected.some((byte, i) => byte !== bytes[i])) return undefined;
  const [jsonBytes] = new Uint32Array(bytes.slice(CHECKSUM_BYTES, HEAD_BYTES).buffer);
  const numbersStart = HEAD_BYTES + jsonBytes!;
  const text = new TextDecoder().decode(bytes.subarray(HEAD_BYTES, numbersStart));
  const { key: own, field, lengths }: Description = JSON.parse(text);
  if (own !== key) return undefined;
  const { buffer } = bytes.slice(numbersStart);
  const axesCount = lengths.latitudes + lengths.longitudes;
  const axes = new Float64Array(buffer, 0, axesCount);
  const values = new Float32Array(buffer, axes.byteLength, 2 * lengths.values);
  return {
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
}

async function checksum(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
