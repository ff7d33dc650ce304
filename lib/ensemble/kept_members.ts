/**
 * The values of the members of a field, kept exactly: for what is made of several fields, and for files
 * that hold the members.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { type PackedNumbers, type Scales, unpackValues } from "./packed_values.ts";

/** How the values of one member are kept: as whole numbers of 16 bits, or as they are, in float64. */
interface KeptPart {
  member: Member;
  scales?: Scales;
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

/** Joins the packed values of members. */
export function keepMembers(
  pointCount: number,
  parts: readonly (PackedNumbers & { member: Member })[],
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
    const numbers = scales
      ? new Uint16Array(buffer, start, pointCount)
      : new Float64Array(buffer, start, pointCount);
    unpackValues({ ...(scales && { scales }), numbers }, out);
    return true;
  }
  return false;
}
