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
  const { least, bytes } = numbers;
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = values[i] === values[i] ? bytes[i]! - least : MISSING;
  }
  return { scales: { ...scales, least }, bytes };
}

/** @returns the lowest 16 bits of each; `undefined` where one is none, or they span too much. */
function findNumbers(
  values: Float64Array,
  { binary, reference, decimal, factor }: Scales,
): { bytes: Uint16Array; least: number } | undefined {
  // Inexact, which rounding undoes: what counts is that the number gives the value back.
  const [perFactor, perBinary] = [1 / (factor * decimal), 1 / binary];
  const bytes = new Uint16Array(values.length);
  let [least, most] = [2 ** 31, -(2 ** 31)];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== value) continue; // NaN
    const number = (value * perFactor - reference) * perBinary + 0.5 | 0;
    if ((number * binary + reference) * decimal * factor !== value) return undefined;
    bytes[i] = number;
    if (number < least) least = number;
    if (number > most) most = number;
  }
  return most - least < MISSING ? { bytes, least } : undefined;
}

/** The members of a field whose values are kept. */
export function listKept({ members }: KeptMembers): Member[] {
  return members.map(({ member }) => member);
}

/** One member's values, as they were decoded; `undefined` when the field has none of it. */
export function openKept(kept: KeptMembers, member: Member): Float64Array | undefined {
  return fillValues(kept, member, Float64Array);
}

/** The same in float32, as files have them. */
export function openRounded(kept: KeptMembers, member: Member): Float32Array | undefined {
  return fillValues(kept, member, Float32Array);
}

function fillValues<Values extends Float64Array | Float32Array>(
  { pointCount, members, packed }: KeptMembers,
  member: Member,
  Values: { new (length: number): Values; new (values: Float64Array): Values },
): Values | undefined {
  let offset = packed.byteOffset;
  for (const { member: own, scales } of members) {
    if (own !== member) {
      const width = scales ? Uint16Array.BYTES_PER_ELEMENT : Float64Array.BYTES_PER_ELEMENT;
      offset += width * pointCount;
    } else if (scales) {
      const values = new Values(pointCount);
      scaleNumbers(new Uint16Array(packed.buffer, offset, pointCount), scales, values);
      return values;
    } else {
      const start = offset - packed.byteOffset;
      const part = packed.slice(start, start + Float64Array.BYTES_PER_ELEMENT * pointCount);
      return new Values(new Float64Array(part.buffer));
    }
  }
  return undefined;
}

function scaleNumbers(
  numbers: Uint16Array,
  { least, binary, reference, decimal, factor }: NonNullable<KeptPart["scales"]>,
  out: Float64Array | Float32Array,
): void {
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    out[i] = number === MISSING ? NaN : ((number + least) * binary + reference) * decimal * factor;
  }
}
