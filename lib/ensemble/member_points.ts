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
/** Points that are compared at a time, in whole blocks. */
const COMPARED = 32 * BLOCK;
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
export function openPoints(
  { pointCount, members, packed }: FieldPoints,
  member: Member,
): OpenPoints | undefined {
  const part = findPart(members, packed, member);
  if (!part) return undefined;
  const steps = new Uint16Array(Math.ceil(pointCount / BLOCK) * BLOCK);
  new StepReader(part.bytes, pointCount).read(steps);
  return { ...part.points, steps: steps.subarray(0, pointCount) };
}

/** A member of a field, and its packed values. */
function findPart(
  members: readonly MemberPoints[],
  packed: Uint8Array<ArrayBuffer>,
  member: Member,
): { points: MemberPoints; bytes: Uint8Array<ArrayBuffer> } | undefined {
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
  const { length } = earlier.steps;
  if (length !== later.steps.length) return [];
  const shrunk: number[] = [];
  const find = (from: number) =>
    findShrunk(earlier, later, earlier.steps, later.steps, from, length);
  for (let i = find(0); i < length; i = find(i + 1)) shrunk.push(i);
  return shrunk;
}

/** @returns the first point from some one on that is smaller at the later step; `end` where none is. */
function findShrunk(
  earlier: Pick<MemberPoints, "least" | "step">,
  later: Pick<MemberPoints, "least" | "step">,
  a: Uint16Array,
  b: Uint16Array,
  from: number,
  end: number,
): number {
  const [stepA, stepB] = [earlier.step, later.step];
  const room = ROUNDED_STEPS * (stepA + stepB) + later.least - earlier.least;
  for (let i = from; i < end; i++) {
    if (stepA * a[i]! - stepB * b[i]! <= room) continue;
    if (a[i] !== MISSING && b[i] !== MISSING) return i;
  }
  return end;
}

/** The members that two fields share, and that shrink from the one to the other. */
export function findContradictions(earlier: FieldPoints, later: FieldPoints): Member[] {
  const { pointCount } = later;
  if (earlier.pointCount !== pointCount) return [];
  const [a, b] = [new Uint16Array(COMPARED), new Uint16Array(COMPARED)];
  return later.members.map(({ member }) => member).filter((member) => {
    const before = findPart(earlier.members, earlier.packed, member);
    const after = findPart(later.members, later.packed, member);
    if (!before || !after) return false;
    const readBefore = new StepReader(before.bytes, pointCount);
    const readAfter = new StepReader(after.bytes, pointCount);
    for (let start = 0; start < pointCount; start += COMPARED) {
      readBefore.read(a);
      readAfter.read(b);
      const end = Math.min(COMPARED, pointCount - start);
      if (findShrunk(before.points, after.points, a, b, 0, end) < end) return true;
    }
    return false;
  });
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
/** The differences of one block while it is packed or unpacked. */
const differences = new Int32Array(BLOCK);

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

/** Unpacks the steps of one member, some blocks at a time. */
class StepReader {
  readonly #view: DataView;
  readonly #blocks: number;
  /** The next block, and where its words begin. */
  #block = 0;
  #offset: number;
  #previous = 0;

  constructor(packed: Uint8Array<ArrayBuffer>, pointCount: number) {
    this.#view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
    this.#blocks = Math.ceil(pointCount / BLOCK);
    this.#offset = this.#blocks;
  }

  /** Reads as many blocks as `out` has room for; beyond the last one it stays as it is. */
  read(out: Uint16Array): void {
    const end = Math.min(this.#blocks, this.#block + out.length / BLOCK);
    for (let at = 0; this.#block < end; this.#block++, at += BLOCK) {
      const width = this.#view.getUint8(this.#block);
      if (width === 0) out.fill(this.#previous, at, at + BLOCK);
      else {
        if (width > 8) unpackPairs(this.#view, this.#offset, width);
        else unpackFours(this.#view, this.#offset, width);
        this.#previous = addDifferences(this.#previous, out, at);
        this.#offset += 4 * width;
      }
    }
  }
}

/** Reads the differences of a block, of up to 8 bits each. */
function unpackFours(view: DataView, offset: number, width: number): void {
  const bits = 4 * width;
  const mask = (1 << width) - 1;
  for (let i = 0, bit = 0; i < BLOCK; i += 4, bit += bits) {
    const group = readGroup(view, offset, bit, bits);
    differences[i] = group & mask;
    differences[i + 1] = group >>> width & mask;
    differences[i + 2] = group >>> 2 * width & mask;
    differences[i + 3] = group >>> 3 * width & mask;
  }
}

/** The same of up to 16 bits. */
function unpackPairs(view: DataView, offset: number, width: number): void {
  const bits = 2 * width;
  const mask = (1 << width) - 1;
  for (let i = 0, bit = 0; i < BLOCK; i += 2, bit += bits) {
    const group = readGroup(view, offset, bit, bits);
    differences[i] = group & mask;
    differences[i + 1] = group >>> width & mask;
  }
}

/** Up to 32 bits of the words from `offset` on; the bits above them are any. */
function readGroup(view: DataView, offset: number, bit: number, bits: number): number {
  const at = offset + 4 * (bit >>> 5);
  const shift = bit & 31;
  const low = view.getInt32(at, true) >>> shift;
  return shift + bits > 32 ? low | view.getInt32(at + 4, true) << (32 - shift) : low;
}

/** Adds the differences of a block up. @returns the last sum. */
function addDifferences(previous: number, out: Uint16Array, at: number): number {
  let step = previous;
  for (let i = 0; i < BLOCK; i++) {
    const unsigned = differences[i]!;
    step = (step + (unsigned >>> 1 ^ -(unsigned & 1))) & 0xffff;
    out[at + i] = step;
  }
  return step;
}
