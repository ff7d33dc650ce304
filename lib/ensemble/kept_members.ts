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
  representation: GribField["representation"];
  /** By which the values of the message were multiplied. */
  factor: number;
}

/** The values of a message, to the last bit: in 16 bits each where its scales give them back. */
export interface PackedValues {
  /** @default {undefined} (they are as they were) */
  scales?: KeptPart["scales"];
  numbers: Uint16Array | Float64Array;
}

/** `q` of a value that is missing. */
const MISSING = 0xffff;

/** Packs values, to the last bit. Costs about two nanoseconds a value. */
export function packValues({ values, representation, factor }: DecodedMessage): PackedValues {
  const scales: Scales = {
    binary: powerOf(2, representation.binaryScaleFactor),
    reference: representation.referenceValue,
    decimal: powerOf(10, -representation.decimalScaleFactor),
    factor,
  };
  const found = findNumbers(values, scales);
  if (!found) return { numbers: values.slice() };
  const { least, all } = found;
  const numbers = new Uint16Array(values.length);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = all[i] === NOT_A_NUMBER ? MISSING : all[i]! - least;
  }
  return { scales: { ...scales, least }, numbers };
}

/** Stands for a value that is missing, among whole numbers; packed ones are not negative. */
const NOT_A_NUMBER = -1;

/** Of the values that were packed last. */
let wholeNumbers = new Int32Array();

/**
 * @returns a view that the next call overwrites; `undefined` where a value is not that of a whole number,
 *   or they do not fit into 16 bits.
 */
function findNumbers(
  values: Float64Array,
  scales: Scales,
): { all: Int32Array; least: number } | undefined {
  const { binary, reference, decimal, factor } = scales;
  if (wholeNumbers.length < values.length) wholeNumbers = new Int32Array(values.length);
  const all = wholeNumbers;
  // Rounded more often than a division: what comes out is checked.
  const [scale, numbersPerUnit] = [1 / (decimal * factor), 1 / binary];
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== value) { // NaN
      all[i] = NOT_A_NUMBER;
      continue;
    }
    const number = ((value * scale - reference) * numbersPerUnit + 0.5) | 0;
    if ((number * binary + reference) * decimal * factor !== value) return undefined;
    all[i] = number;
    if (number < least) least = number;
    if (number > most) most = number;
  }
  return least >= 0 && !(most - least >= MISSING) ? { all, least } : undefined;
}

/** Writes packed values to `out`, as they were before. */
export function unpackValues({ scales, numbers }: PackedValues, out: Float64Array): void {
  if (!scales) return out.set(numbers);
  const { least, binary, reference, decimal, factor } = scales;
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    out[i] = number === MISSING ? NaN : ((number + least) * binary + reference) * decimal * factor;
  }
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

/** The members of a field whose values are kept. */
export function listKept({ members }: KeptMembers): Member[] {
  return members.map(({ member }) => member);
}

/** One member's values, as they were decoded; `undefined` when the field has none of it. */
export function openKept(
  { pointCount, members, packed }: KeptMembers,
  member: Member,
): Float64Array | undefined {
  let offset = 0;
  for (const { member: own, scales } of members) {
    const width = scales ? Uint16Array.BYTES_PER_ELEMENT : Float64Array.BYTES_PER_ELEMENT;
    const end = offset + width * pointCount;
    if (own === member) {
      const { buffer } = packed.slice(offset, end);
      const values = new Float64Array(pointCount);
      const numbers = scales ? new Uint16Array(buffer) : new Float64Array(buffer);
      unpackValues({ scales, numbers }, values);
      return values;
    }
    offset = end;
  }
  return undefined;
}
