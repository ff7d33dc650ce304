/**
 * A reduced field ⇄ the bytes of a file, with a checksum.
 *
 * Layout: SHA-256 of everything after it (32 bytes), length of the description (4 bytes,
 * little-endian), the description as JSON in UTF-8, then the numbers that it lists, in the byte order
 * of this machine, the packed points of an accumulation, and the members that are kept.
 *
 * @module
 */
import type { ArrayTask } from "./array_task.ts";
import type { ObjectVersion } from "../storage/mod.ts";
import type { ReducedField, WindowAxes } from "../ensemble/field_reducer.ts";
import type { KeptMembers } from "../ensemble/kept_members.ts";
import type { FieldPoints } from "../ensemble/member_points.ts";
import { countUp } from "../util/numbers.ts";

/** Raise it when equal messages may give another field, or when this layout changes. */
export const FIELD_VERSION = 3;

const CHECKSUM_BYTES = 32;
const HEAD_BYTES = CHECKSUM_BYTES + 4;

type Numbers =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

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
  field: Omit<
    ReducedField,
    "axes" | "mean" | "deviation" | "further" | "counts" | "points" | "kept"
  >;
  grid?: WindowAxes["grid"];
  points?: Omit<FieldPoints, "packed">;
  kept?: Omit<KeptMembers, "packed">;
  /** Counts of the numbers that follow; a field without members has no axes. */
  lengths: {
    latitudes: number;
    longitudes: number;
    values: number;
    counts: number;
    /** Further statistics, of as many values each. @default {0} */
    further?: number;
    /** Bytes of packed points, where kept members follow. @default {all that is left} */
    points?: number;
  };
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
  const { axes, mean, deviation, further, counts, points, kept, ...rest } = reduced;
  const { packed, ...packing } = points ?? {};
  const { packed: keptBytes, ...keptPacking } = kept ?? {};
  const description: Description = {
    key,
    ...origin,
    field: rest,
    ...(axes?.grid && { grid: axes.grid }),
    ...(points && { points: packing as Omit<FieldPoints, "packed"> }),
    ...(kept && { kept: keptPacking as Omit<KeptMembers, "packed"> }),
    lengths: {
      latitudes: axes?.latitudes.length ?? 0,
      longitudes: axes?.longitudes.length ?? 0,
      values: mean.length,
      counts: counts?.length ?? 0,
      ...(further && { further: further.length }),
      ...(kept && { points: packed?.length ?? 0 }),
    },
  };
  const json = new TextEncoder().encode(JSON.stringify(description));
  const numbers: Numbers[] = [
    ...(axes ? [axes.latitudes, axes.longitudes] : []),
    ...[mean, deviation, ...further ?? []],
    ...(counts ? [counts] : []),
    ...(packed ? [packed] : []),
    ...(keptBytes ? [keptBytes] : []),
  ] as Numbers[];
  return await joinParts([Uint32Array.of(json.length), json, ...numbers]);
}

/** The parts one after the other behind their checksum, copied once: they may be megabytes. */
async function joinParts(
  parts: readonly (Numbers | Uint32Array<ArrayBuffer>)[],
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, CHECKSUM_BYTES);
  const file = new Uint8Array(bytes);
  let offset = CHECKSUM_BYTES;
  for (const { buffer, byteOffset, byteLength } of parts) {
    file.set(new Uint8Array(buffer, byteOffset, byteLength), offset);
    offset += byteLength;
  }
  file.set(await checksum(file.subarray(CHECKSUM_BYTES)));
  return file;
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
  const { key: own, field, grid, points, kept, lengths, ...origin }: Description = JSON.parse(text);
  if (own !== key) return undefined;
  const { buffer } = bytes.slice(numbersStart);
  const axesCount = lengths.latitudes + lengths.longitudes;
  const { further: furtherCount = 0 } = lengths;
  const axes = new Float64Array(buffer, 0, axesCount);
  const values = new Float32Array(buffer, axes.byteLength, (2 + furtherCount) * lengths.values);
  const counts = new Uint16Array(buffer, axes.byteLength + values.byteLength, lengths.counts);
  const packed = new Uint8Array(buffer, counts.byteOffset + counts.byteLength);
  const { points: pointsLength = packed.length } = lengths;
  const takeValues = (i: number) => values.slice(i * lengths.values, (i + 1) * lengths.values);
  const reduced = {
    ...(axesCount > 0 && {
      axes: {
        latitudes: axes.slice(0, lengths.latitudes),
        longitudes: axes.slice(lengths.latitudes),
        ...(grid && { grid }),
      },
    }),
    mean: takeValues(0),
    deviation: takeValues(1),
    ...(furtherCount > 0 && { further: countUp(furtherCount).map((i) => takeValues(2 + i)) }),
    ...(lengths.counts > 0 && { counts: counts.slice() }),
    ...field,
    ...(points && { points: { ...points, packed: packed.slice(0, pointsLength) } }),
    ...(kept && { kept: { ...kept, packed: packed.slice(pointsLength) } }),
  };
  return { reduced, ...origin };
}

async function checksum(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
