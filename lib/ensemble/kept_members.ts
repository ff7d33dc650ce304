/**
 * The values of the members of a field, kept exactly: for what is made of several fields, and for files
 * that hold the members. Most take 2 bytes a value, as they did in their messages.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import type { GribField } from "../grib/mod.ts";
import { powerOf } from "../grib/scaling.ts";

/**
 * How the values of one member are kept: as whole numbers `q` of 16 bits above `least`, which its
 * message's scales and the factor of its unit make the values of; or as they are, in float64.
 */
interface KeptPart {
  member: Member;
  scales?: Scales & { least: number };
}

/** What makes a value of a whole number: `((q + least) · binary + reference) · decimal · factor`. */
interface Scales {
  binary: number;
  reference: number;
  decimal: number;
  factor: number;
}

/** The values of the members of one field. */
export interface KeptMembers {
  /** Points of a member, row-major, north first. */
  pointCount: number;
  /** In the order of their parts. */
  members: KeptPart[];
  /** In the byte order of this machine. */
  packed: Uint8Array<ArrayBuffer>;
}

/** A decoded message. */
export interface DecodedMessage {
  /** NaN where missing. */
  values: Float64Array;
  /** What `decodePrefix()` gives of them. @default {undefined} (found from the values) */
  integers?: Uint16Array<ArrayBuffer> | undefined;
  representation: GribField["representation"];
  /** By which the values of the message were multiplied. */
  factor: number;
}

/** The values of one message, to the last bit. */
export interface PackedValues {
  /** @default {undefined} (the numbers are the values) */
  scales?: KeptPart["scales"];
  numbers: Uint16Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
}

/** `q` of a value that is missing. */
const MISSING = 0xffff;

/**
 * Packs values in 16 bits each where that gives each of them back, else as they are. Costs about two
 * nanoseconds a value, and next to nothing with their integers.
 *
 * @returns numbers of their own, not a view of the values; the integers where these are given.
 */
export function packValues(
  { values, integers, representation, factor }: DecodedMessage,
): PackedValues {
  const scales: Scales = {
    binary: powerOf(2, representation.binaryScaleFactor),
    reference: representation.referenceValue,
    decimal: powerOf(10, -representation.decimalScaleFactor),
    factor,
  };
  if (integers && !integers.includes(MISSING)) {
    return { scales: { ...scales, least: 0 }, numbers: integers };
  }
  const found = findNumbers(values, scales);
  if (!found) return { numbers: values.slice() };
  const { least, numbers } = found;
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = values[i] === values[i] ? numbers[i]! - least : MISSING;
  }
  return { scales: { ...scales, least }, numbers };
}

/** Writes packed values from `start` on to `out`, as they were before, as many as it takes. */
export function unpackValues(
  { scales, numbers }: PackedValues,
  out: Float64Array,
  start: number = 0,
): void {
  const part = numbers.subarray(start, start + out.length);
  if (scales) scaleNumbers(part, scales, out);
  else out.set(part);
}

/** Joins the packed values of members. */
export function keepMembers(
  pointCount: number,
  parts: readonly (PackedValues & { member: Member })[],
): KeptMembers {
  const packed = new Uint8Array(parts.reduce((sum, { numbers }) => sum + numbers.byteLength, 0));
  let offset = 0;
  for (const { numbers } of parts) {
    packed.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), offset);
    offset += numbers.byteLength;
  }
  const members = parts.map(({ member, scales }) => ({ member, ...(scales && { scales }) }));
  return { pointCount, members, packed };
}

/** @returns the lowest 16 bits of each; `undefined` where one is none, or they span too much. */
function findNumbers(
  values: Float64Array,
  { binary, reference, decimal, factor }: Scales,
): { numbers: Uint16Array<ArrayBuffer>; least: number } | undefined {
  // Inexact, which rounding undoes: what counts is that the number gives the value back.
  const [perFactor, perBinary] = [1 / (factor * decimal), 1 / binary];
  const numbers = new Uint16Array(values.length);
  let [least, most] = [2 ** 31, -(2 ** 31)];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== value) continue; // NaN
    const number = (value * perFactor - reference) * perBinary + 0.5 | 0;
    if ((number * binary + reference) * decimal * factor !== value) return undefined;
    numbers[i] = number;
    if (number < least) least = number;
    if (number > most) most = number;
  }
  return most - least < MISSING ? { numbers, least } : undefined;
}

/** The members of a field whose values are kept. */
export function listKept({ members }: KeptMembers): Member[] {
  return members.map(({ member }) => member);
}

/** One member's values, as they were decoded; `undefined` when the field has none of it. */
export function openKept(kept: KeptMembers, member: Member): Float64Array | undefined {
  const values = new Float64Array(kept.pointCount);
  return fillKept(kept, member, values) ? values : undefined;
}

/**
 * Writes one member's values to `out`: as they were decoded, or rounded to float32, as files have them.
 *
 * @returns whether the field has the member; else `out` is as it was.
 */
export function fillKept(
  { pointCount, members, packed }: KeptMembers,
  member: Member,
  out: Float64Array | Float32Array,
): boolean {
  let offset = packed.byteOffset;
  for (const { member: own, scales } of members) {
    const width = scales ? Uint16Array.BYTES_PER_ELEMENT : Float64Array.BYTES_PER_ELEMENT;
    if (own !== member) {
      offset += width * pointCount;
      continue;
    }
    // These bytes may begin at any byte, and views of numbers may not: else they are copied.
    const isAligned = offset % width === 0;
    const buffer = isAligned
      ? packed.buffer
      : packed.buffer.slice(offset, offset + width * pointCount);
    const start = isAligned ? offset : 0;
    if (scales) scaleNumbers(new Uint16Array(buffer, start, pointCount), scales, out);
    else out.set(new Float64Array(buffer, start, pointCount));
    return true;
  }
  return false;
}

function scaleNumbers(
  numbers: PackedValues["numbers"],
  scales: NonNullable<KeptPart["scales"]>,
  out: Float64Array | Float32Array,
): void {
  if (out instanceof Float32Array) roundNumbers(numbers as Uint16Array, scales, out);
  else scaleExactly(numbers, scales, out);
}

// A loop over arrays of one type each takes half the time; a choice between two numbers would make an
// object of each.

function roundNumbers(
  numbers: Uint16Array,
  { least, binary, reference, decimal, factor }: NonNullable<KeptPart["scales"]>,
  out: Float32Array,
): void {
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    out[i] = ((number + least) * binary + reference) * decimal * factor;
    if (number === MISSING) out[i] = NaN;
  }
}

function scaleExactly(
  numbers: PackedValues["numbers"],
  { least, binary, reference, decimal, factor }: NonNullable<KeptPart["scales"]>,
  out: Float64Array,
): void {
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    out[i] = ((number + least) * binary + reference) * decimal * factor;
    if (number === MISSING) out[i] = NaN;
  }
}
