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
export interface MemberMessage {
  member: Member;
  /** NaN where missing. */
  values: Float64Array;
  representation: GribField["representation"];
  /** By which the values of the message were multiplied. */
  factor: number;
}

/** `q` of a value that is missing. */
const MISSING = 0xffff;

/** Keeps the values of members, to the last bit. */
export function keepMembers(pointCount: number, messages: readonly MemberMessage[]): KeptMembers {
  const parts = messages.map(({ member, ...message }) => ({ member, ...keepValues(message) }));
  const packed = new Uint8Array(parts.reduce((sum, { bytes }) => sum + bytes.byteLength, 0));
  let offset = 0;
  for (const { bytes } of parts) {
    packed.set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset);
    offset += bytes.byteLength;
  }
  const members = parts.map(({ member, scales }) => ({ member, ...(scales && { scales }) }));
  return { pointCount, members, packed };
}

type Packing = { scales?: KeptPart["scales"]; bytes: Uint16Array | Float64Array };

/** In 16 bits a value where that gives each of them back, else as they are. */
function keepValues({ values, representation, factor }: Omit<MemberMessage, "member">): Packing {
  const scales: Scales = {
    binary: powerOf(2, representation.binaryScaleFactor),
    reference: representation.referenceValue,
    decimal: powerOf(10, -representation.decimalScaleFactor),
    factor,
  };
  const numbers = findNumbers(values, scales);
  if (!numbers) return { bytes: values };
  const { least } = numbers;
  const bytes = Uint16Array.from(
    numbers.all,
    (number, i) => Number.isNaN(values[i]) ? MISSING : number - least,
  );
  return { scales: { ...scales, least }, bytes };
}

/** @returns `undefined` where a value is not that of a whole number, or they do not fit into 16 bits. */
function findNumbers(
  values: Float64Array,
  scales: Scales,
): { all: Int32Array; least: number } | undefined {
  const { binary, reference, decimal, factor } = scales;
  const all = new Int32Array(values.length);
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== value) continue; // NaN
    const number = Math.round((value / factor / decimal - reference) / binary);
    if (toValue(number, scales) !== value) return undefined;
    all[i] = number;
    if (number < least) least = number;
    if (number > most) most = number;
  }
  return most - least < MISSING ? { all, least } : undefined;
}

function toValue(number: number, { binary, reference, decimal, factor }: Scales): number {
  return (number * binary + reference) * decimal * factor;
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
      return scales ? scaleNumbers(new Uint16Array(buffer), scales) : new Float64Array(buffer);
    }
    offset = end;
  }
  return undefined;
}

function scaleNumbers(numbers: Uint16Array, scales: NonNullable<KeptPart["scales"]>): Float64Array {
  const { least, binary, reference, decimal, factor } = scales;
  const values = new Float64Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    values[i] = number === MISSING
      ? NaN
      : ((number + least) * binary + reference) * decimal * factor;
  }
  return values;
}
