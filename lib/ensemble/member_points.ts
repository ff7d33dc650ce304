/**
 * The points of an accumulation, member by member, packed: enough to see it shrink from one step to the
 * next, in a tenth of the memory of its values.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { release } from "../util/numbers.ts";

/** One member's values: `least + step · q`, where `q` are whole numbers below `MISSING`. */
export interface MemberPoints {
  member: Member;
  least: number;
  /** Distance between neighbouring values; they are rounded by at most half of it. */
  step: number;
  /** Length of its part of `FieldPoints.packed`. */
  packedBytes: number;
}

/** The values of the members of one field. */
export interface FieldPoints {
  /** Points of a member, row-major, north first. */
  pointCount: number;
  /** In the order of their parts. */
  members: MemberPoints[];
  packed: Uint8Array<ArrayBuffer>;
}

/** `q` of a value that is missing. */
const MISSING = 0xffff;
/** Differences that are packed at the same width. As many as bits of a word: no word is shared. */
const BLOCK = 32;
/**
 * A value shrinks when it does so by more steps than this. Values were rounded twice, on the model's own
 * grid and on this one, at each of two steps, and the two roundings of a step may differ by a factor of 2.
 */
const ROUNDED_STEPS = 2;

/**
 * Packs the values of one member.
 *
 * @param precision distance between neighbouring values; that of the result is larger where 65,534
 *   steps of it do not reach.
 */
export function packPoints(
  values: Float64Array,
  precision: number,
): Omit<MemberPoints, "member" | "packedBytes"> & { packed: Uint8Array<ArrayBuffer> } {
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  // Values that cannot be true may be infinite: they are findings without this comparison.
  if (!Number.isFinite(most - least)) [least, most] = [0, 0];
  const step = Math.max(precision, (most - least) / (MISSING - 1)) || 1;
  return { least, step, packed: packSteps(values, least, 1 / step) };
}

/** Joins the packed values of members. */
export function joinPoints(
  pointCount: number,
  parts: readonly (Omit<MemberPoints, "packedBytes"> & { packed: Uint8Array })[],
): FieldPoints {
  const packed = new Uint8Array(parts.reduce((sum, part) => sum + part.packed.length, 0));
  let offset = 0;
  for (const part of parts) {
    packed.set(part.packed, offset);
    offset += part.packed.length;
  }
  const members = parts.map(({ member, least, step, packed: { length } }) => ({
    member,
    least,
    step,
    packedBytes: length,
  }));
  return { pointCount, members, packed };
}

/** One member's values at one step, open for comparison. */
export interface OpenPoints extends MemberPoints {
  steps: Uint16Array<ArrayBuffer>;
}

/** Unpacks the values of one member; `undefined` when the field has none of it. */
export function openPoints(
  { pointCount, members, packed }: FieldPoints,
  member: Member,
): OpenPoints | undefined {
  let offset = 0;
  for (const points of members) {
    if (points.member === member) {
      const part = packed.subarray(offset, offset + points.packedBytes);
      return { ...points, steps: unpackSteps(part, pointCount) };
    }
    offset += points.packedBytes;
  }
  return undefined;
}

/** A value; NaN when it is missing. */
export function valueAt({ least, step, steps }: OpenPoints, point: number): number {
  const count = steps[point]!;
  return count === MISSING ? NaN : least + step * count;
}

/**
 * The points at which an accumulation is smaller at the later of two steps, by more than packing
 * explains; none where the grids differ, as then nothing can be said.
 */
export function findShrunkPoints(earlier: OpenPoints, later: OpenPoints): number[] {
  const [a, b] = [earlier.steps, later.steps];
  if (a.length !== b.length) return [];
  const shrunk: number[] = [];
  const room = ROUNDED_STEPS * (earlier.step + later.step) + later.least - earlier.least;
  for (let i = 0; i < a.length; i++) {
    if (earlier.step * a[i]! - later.step * b[i]! <= room) continue;
    if (a[i] !== MISSING && b[i] !== MISSING) shrunk.push(i);
  }
  return shrunk;
}

/** The members that two fields share, and that shrink from the one to the other. */
export function findContradictions(earlier: FieldPoints, later: FieldPoints): Member[] {
  return later.members.map(({ member }) => member).filter((member) => {
    const [before, after] = [openPoints(earlier, member), openPoints(later, member)];
    if (!before || !after) return false;
    const shrinks = findShrunkPoints(before, after).length > 0;
    release(before.steps, after.steps);
    return shrinks;
  });
}

/**
 * The whole steps from `least` to each value: differences between neighbours, in blocks: a byte with
 * their width, then as many words of 32 bits, little-endian.
 */
function packSteps(
  values: Float64Array,
  least: number,
  stepsPerUnit: number,
): Uint8Array<ArrayBuffer> {
  const blocks = Math.ceil(values.length / BLOCK);
  const words = new Int32Array(blocks * 16);
  const widths = new Uint8Array(blocks);
  const differences = new Int32Array(BLOCK);
  let used = 0;
  let previous = 0;
  for (let block = 0; block < blocks; block++) {
    const start = block * BLOCK;
    const count = Math.min(BLOCK, values.length - start);
    differences.fill(0, count);
    let all = 0;
    for (let i = 0; i < count; i++) {
      const exact = (values[start + i]! - least) * stepsPerUnit + 0.5;
      const next = exact >= 0 && exact < MISSING ? exact | 0 : MISSING;
      const difference = (next - previous) << 16 >> 16;
      const unsigned = (difference << 1 ^ difference >> 15) & 0xffff; // sign in the lowest bit
      differences[i] = unsigned;
      all |= unsigned;
      previous = next;
    }
    const width = 32 - Math.clz32(all);
    widths[block] = width;
    if (width === 0) continue;
    let word = 0;
    let shift = 0;
    for (let i = 0; i < BLOCK; i++) {
      const difference = differences[i]!;
      word |= difference << shift;
      shift += width;
      if (shift < 32) continue;
      words[used++] = word;
      shift -= 32;
      word = shift === 0 ? 0 : difference >> (width - shift);
    }
  }
  const packed = new Uint8Array(blocks + 4 * used);
  packed.set(widths);
  packed.set(new Uint8Array(words.buffer, 0, 4 * used), blocks);
  release(words);
  return packed;
}

function unpackSteps(packed: Uint8Array, count: number): Uint16Array<ArrayBuffer> {
  const blocks = Math.ceil(count / BLOCK);
  // One more word than there are: the loop reads the next one before it knows whether it needs it.
  const words = new Int32Array((packed.length - blocks) / 4 + 1);
  new Uint8Array(words.buffer).set(packed.subarray(blocks));
  const steps = new Uint16Array(blocks * BLOCK);
  let next = 0;
  let previous = 0;
  for (let block = 0; block < blocks; block++) {
    const width = packed[block]!;
    const start = block * BLOCK;
    if (width === 0) {
      steps.fill(previous, start, start + BLOCK);
      continue;
    }
    const mask = (1 << width) - 1;
    let word = words[next++]!;
    let shift = 0;
    for (let i = start; i < start + BLOCK; i++) {
      let unsigned = (word >>> shift) & mask;
      shift += width;
      if (shift >= 32) {
        shift -= 32;
        word = words[next++]!;
        if (shift > 0) unsigned |= (word << (width - shift)) & mask;
      }
      previous = (previous + (unsigned >>> 1 ^ -(unsigned & 1))) & 0xffff;
      steps[i] = previous;
    }
    next--;
  }
  release(words);
  return steps.subarray(0, count);
}
