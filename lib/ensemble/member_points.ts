/**
 * The points of an accumulation, member by member, packed: enough to see it shrink from one step to the
 * next, in a tenth of the memory of its values.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { release } from "../util/numbers.ts";
import { MISSING, type PackedValues, scaleNumber, unpackValues } from "./packed_values.ts";

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
  values: PackedValues,
  precision: number,
): Omit<MemberPoints, "member" | "packedBytes"> & { packed: Uint8Array<ArrayBuffer> } {
  const { scales, numbers, bounds } = values;
  if (scales && bounds && precision > 0) {
    // No number is MISSING, as all values are there: the numbers are the steps.
    const packed = packSteps(numbers as Uint16Array);
    return { least: scaleNumber(0, scales), step: precision, packed };
  }
  const exact = new Float64Array(numbers.length);
  unpackValues(values, exact);
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < exact.length; i++) {
    const value = exact[i]!;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  // Values that cannot be true may be infinite: they are findings without this comparison.
  if (!Number.isFinite(most - least)) [least, most] = [0, 0];
  const step = Math.max(precision, (most - least) / (MISSING - 1)) || 1;
  const steps = countSteps(exact, least, 1 / step);
  const packed = packSteps(steps);
  release(exact, steps);
  return { least, step, packed };
}

/** The whole steps from `least` to each value. */
function countSteps(
  values: Float64Array,
  least: number,
  stepsPerUnit: number,
): Uint16Array<ArrayBuffer> {
  const steps = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const exact = (values[i]! - least) * stepsPerUnit + 0.5;
    steps[i] = exact >= 0 && exact < MISSING ? exact | 0 : MISSING;
  }
  return steps;
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
export function openPoints(field: FieldPoints, member: Member): OpenPoints | undefined {
  const part = findPart(field, member);
  if (!part) return undefined;
  const { pointCount } = field;
  const steps = new Uint16Array(pointCount);
  const reader = new BlockReader(part.bytes, pointCount);
  const differences = new Int32Array(BLOCK);
  let count = 0;
  for (let start = 0; start < pointCount; start += BLOCK) {
    reader.read(differences);
    const end = Math.min(start + BLOCK, pointCount);
    for (let i = start; i < end; i++) {
      count = addDifference(count, differences[i - start]!);
      steps[i] = count;
    }
  }
  return { ...part.points, steps };
}

/** A member of a field, and its packed values. */
interface PackedPart {
  points: MemberPoints;
  bytes: Uint8Array<ArrayBuffer>;
}

function findPart({ members, packed }: FieldPoints, member: Member): PackedPart | undefined {
  let offset = 0;
  for (const points of members) {
    const end = offset + points.packedBytes;
    if (points.member === member) return { points, bytes: packed.subarray(offset, end) };
    offset = end;
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
  const room = findRoom(earlier, later);
  for (let i = 0; i < a.length; i++) {
    if (earlier.step * a[i]! - later.step * b[i]! <= room) continue;
    if (a[i] !== MISSING && b[i] !== MISSING) shrunk.push(i);
  }
  return shrunk;
}

/** How much larger `step · q` may be at the earlier of two steps. */
function findRoom(earlier: MemberPoints, later: MemberPoints): number {
  return ROUNDED_STEPS * (earlier.step + later.step) + later.least - earlier.least;
}

/** The members that two fields share, and that shrink from the one to the other. */
export function findContradictions(earlier: FieldPoints, later: FieldPoints): Member[] {
  const { pointCount } = later;
  if (earlier.pointCount !== pointCount) return [];
  return later.members.map(({ member }) => member).filter((member) => {
    const before = findPart(earlier, member);
    const after = findPart(later, member);
    return before && after && shrinks(before, after, pointCount);
  });
}

/** Whether {@linkcode findShrunkPoints} finds one: block by block, which takes no memory. */
function shrinks(before: PackedPart, after: PackedPart, pointCount: number): boolean {
  const [stepA, stepB] = [before.points.step, after.points.step];
  const room = findRoom(before.points, after.points);
  const [a, b] = [
    new BlockReader(before.bytes, pointCount),
    new BlockReader(after.bytes, pointCount),
  ];
  const [differencesA, differencesB] = [new Int32Array(BLOCK), new Int32Array(BLOCK)];
  let [countA, countB] = [0, 0];
  for (let start = 0; start < pointCount; start += BLOCK) {
    a.read(differencesA);
    b.read(differencesB);
    const end = Math.min(BLOCK, pointCount - start);
    for (let i = 0; i < end; i++) {
      countA = addDifference(countA, differencesA[i]!);
      countB = addDifference(countB, differencesB[i]!);
      if (stepA * countA - stepB * countB <= room) continue;
      if (countA !== MISSING && countB !== MISSING) return true;
    }
  }
  return false;
}

/**
 * Differences between neighbours, in blocks: a byte with their width, then as many words of 32 bits,
 * little-endian.
 */
function packSteps(steps: Uint16Array): Uint8Array<ArrayBuffer> {
  const blocks = Math.ceil(steps.length / BLOCK);
  if (words.length < blocks * 16) words = new Int32Array(blocks * 16);
  const widths = new Uint8Array(blocks);
  let used = 0;
  let previous = 0;
  for (let block = 0; block < blocks; block++) {
    const start = block * BLOCK;
    const count = Math.min(BLOCK, steps.length - start);
    if (count < BLOCK) differences.fill(0, count);
    let all = 0;
    for (let i = 0; i < count; i++) {
      const next = steps[start + i]!;
      const difference = (next - previous) << 16 >> 16;
      const unsigned = (difference << 1 ^ difference >> 15) & 0xffff; // sign in the lowest bit
      differences[i] = unsigned;
      all |= unsigned;
      previous = next;
    }
    const width = 32 - Math.clz32(all);
    widths[block] = width;
    if (width > 8) packPairs(width, used);
    else if (width > 0) packFours(width, used);
    used += width;
  }
  const packed = new Uint8Array(blocks + 4 * used);
  packed.set(widths);
  packed.set(new Uint8Array(words.buffer, 0, 4 * used), blocks);
  return packed;
}

/** The words of one member while it is packed; used again. */
let words = new Int32Array();
/** The differences of one block while it is packed. */
const differences = new Int32Array(BLOCK);

// Fours and pairs each have a loop: one for any number of neighbours takes half as long again.

/** Puts the differences of a block, of up to 8 bits each, into as many words from `first` on. */
function packFours(width: number, first: number): void {
  const bits = 4 * width;
  let at = first;
  let word = 0;
  let shift = 0;
  for (let i = 0; i < BLOCK; i += 4) {
    const group = differences[i]! | differences[i + 1]! << width |
      differences[i + 2]! << 2 * width | differences[i + 3]! << 3 * width;
    word |= group << shift;
    shift += bits;
    if (shift < 32) continue;
    words[at++] = word;
    shift -= 32;
    word = shift === 0 ? 0 : group >>> (bits - shift);
  }
}

/** The same for differences of up to 16 bits. */
function packPairs(width: number, first: number): void {
  const bits = 2 * width;
  let at = first;
  let word = 0;
  let shift = 0;
  for (let i = 0; i < BLOCK; i += 2) {
    const group = differences[i]! | differences[i + 1]! << width;
    word |= group << shift;
    shift += bits;
    if (shift < 32) continue;
    words[at++] = word;
    shift -= 32;
    word = shift === 0 ? 0 : group >>> (bits - shift);
  }
}

/** Unpacks the differences of one member, block by block. */
class BlockReader {
  readonly #view: DataView;
  /** The next block, and where its words begin. */
  #block = 0;
  #offset: number;

  constructor(packed: Uint8Array<ArrayBuffer>, pointCount: number) {
    this.#view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
    this.#offset = Math.ceil(pointCount / BLOCK);
  }

  /** Writes the differences of the next block to `out`. */
  read(out: Int32Array): void {
    const width = this.#view.getUint8(this.#block++);
    if (width === 0) out.fill(0);
    else if (width > 8) unpackPairs(this.#view, this.#offset, width, out);
    else unpackFours(this.#view, this.#offset, width, out);
    this.#offset += 4 * width;
  }
}

/** Reads the differences of a block, of up to 8 bits each. */
function unpackFours(view: DataView, offset: number, width: number, out: Int32Array): void {
  const bits = 4 * width;
  const mask = (1 << width) - 1;
  for (let i = 0, bit = 0; i < BLOCK; i += 4, bit += bits) {
    const group = readGroup(view, offset, bit, bits);
    out[i] = group & mask;
    out[i + 1] = group >>> width & mask;
    out[i + 2] = group >>> 2 * width & mask;
    out[i + 3] = group >>> 3 * width & mask;
  }
}

/** The same of up to 16 bits. */
function unpackPairs(view: DataView, offset: number, width: number, out: Int32Array): void {
  const bits = 2 * width;
  const mask = (1 << width) - 1;
  for (let i = 0, bit = 0; i < BLOCK; i += 2, bit += bits) {
    const group = readGroup(view, offset, bit, bits);
    out[i] = group & mask;
    out[i + 1] = group >>> width & mask;
  }
}

/** Up to 32 bits of the words from `offset` on; the bits above them are any. */
function readGroup(view: DataView, offset: number, bit: number, bits: number): number {
  const at = offset + 4 * (bit >>> 5);
  const shift = bit & 31;
  const low = view.getInt32(at, true) >>> shift;
  return shift + bits > 32 ? low | view.getInt32(at + 4, true) << (32 - shift) : low;
}

/** The number of steps after a difference, whose sign is its lowest bit. */
function addDifference(count: number, difference: number): number {
  return (count + (difference >>> 1 ^ -(difference & 1))) & 0xffff;
}
