/**
 * The values of one message over a window, to the last bit, most in 2 bytes each, as they were in their
 * message: what is needed of them is unpacked, a part at a time.
 *
 * @module
 */
import { ENSEMBLE_SIZE } from "../ecmwf/members.ts";
import type { Limits } from "../ecmwf/variables.ts";
import type { DecodeMemory, GribField } from "../grib/mod.ts";
import { powerOf, scaleIntegers } from "../grib/scaling.ts";
import { release } from "../util/numbers.ts";

/** What makes a value of a whole number `q`: `((q + least) · binary + reference) · decimal · factor`. */
export interface Scales {
  least: number;
  binary: number;
  reference: number;
  decimal: number;
  factor: number;
}

/** Numbers, and what makes values of them. */
export interface PackedNumbers {
  /** @default {undefined} (the numbers are the values) */
  scales?: Scales;
  /** With scales `q` of 16 bits, of which {@linkcode MISSING} stands for a value that is missing. */
  numbers: Uint16Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
}

/** The values of one message. */
export interface PackedValues extends PackedNumbers {
  /**
   * Two numbers that no value is below or above. @default {undefined} (a value is missing or is not
   * finite)
   */
  bounds?: Limits;
}

/** What the values of a message are packed in. */
export interface ValuePacking {
  representation: GribField["representation"];
  /** By which the values of the message are multiplied. */
  factor: number;
}

/** Memory for windows, used again for message after message: a new array has to be cleared, page by page. */
export class WindowMemory implements DecodeMemory {
  #values = new Float64Array();
  /** Arrays that were given back, all of this length. */
  #free: Uint16Array<ArrayBuffer>[] = [];
  #length = 0;

  /** An array of some length, with any content, valid until the next call. */
  takeValues(length: number): Float64Array<ArrayBuffer> {
    if (this.#values.length < length) this.#values = new Float64Array(length);
    return this.#values.subarray(0, length);
  }

  /** An array of some length, with any content, which belongs to the caller until it is given back. */
  takeIntegers(length: number): Uint16Array<ArrayBuffer> {
    if (length !== this.#length) release(...this.#free.splice(0));
    this.#length = length;
    return this.#free.pop() ?? new Uint16Array(length);
  }

  /** Takes the numbers of a message back, which nobody may use any more. */
  giveBack({ numbers }: PackedNumbers): void {
    const isUsable = numbers instanceof Uint16Array && numbers.length === this.#length &&
      this.#free.length < MOST_FREE;
    if (isUsable) this.#free.push(numbers);
    else release(numbers);
  }
}

/** Arrays that are kept to be used again: those of one field. */
const MOST_FREE = ENSEMBLE_SIZE;

/** `q` of a value that is missing. */
export const MISSING = 0xffff;

/**
 * The values that the packed integers of a message stand for, each multiplied by a factor. Takes a
 * nanosecond a value.
 *
 * @param integers are a part of the result, where 16 bits hold them and a mark for missing ones.
 */
export function packIntegers(
  integers: Uint16Array<ArrayBuffer>,
  packing: ValuePacking,
): PackedValues {
  const most = findMost(integers);
  if (most === MISSING) {
    const { representation, factor } = packing;
    const values = new Float64Array(integers.length);
    scaleIntegers(representation, integers, 0, integers.length, values, 0);
    for (let i = 0; i < values.length; i++) values[i]! *= factor;
    return packValues(values, packing);
  }
  const scales = { ...findScales(packing), least: 0 };
  return {
    scales,
    numbers: integers,
    ...findBounds(scaleNumber(0, scales), scaleNumber(most, scales)),
  };
}

/**
 * Packs values in 16 bits each where that gives each of them back, else as they are. Takes about two
 * nanoseconds a value.
 *
 * @param values of the message, multiplied by the factor; NaN where missing.
 * @returns numbers of their own, not a view of the values.
 */
export function packValues(values: Float64Array, packing: ValuePacking): PackedValues {
  const bounds = boundValues(values);
  const scales = findScales(packing);
  const found = findNumbers(values, scales);
  if (!found) return { numbers: values.slice() as Float64Array<ArrayBuffer>, ...bounds };
  const { least, numbers } = found;
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = values[i] === values[i] ? numbers[i]! - least : MISSING;
  }
  return { scales: { ...scales, least }, numbers, ...bounds };
}

function findScales({ representation, factor }: ValuePacking): Omit<Scales, "least"> {
  return {
    binary: powerOf(2, representation.binaryScaleFactor),
    reference: representation.referenceValue,
    decimal: powerOf(10, -representation.decimalScaleFactor),
    factor,
  };
}

/** @returns the lowest 16 bits of each; `undefined` where one is none, or they span too much. */
function findNumbers(
  values: Float64Array,
  { binary, reference, decimal, factor }: Omit<Scales, "least">,
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

/** The highest of some integers; 0 of none. Four at a time, which takes half the time. */
function findMost(integers: Uint16Array): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  const end = integers.length & ~3;
  for (let i = 0; i < end; i += 4) {
    const w = integers[i]!;
    const x = integers[i + 1]!;
    const y = integers[i + 2]!;
    const z = integers[i + 3]!;
    if (w > a) a = w;
    if (x > b) b = x;
    if (y > c) c = y;
    if (z > d) d = z;
  }
  for (let i = end; i < integers.length; i++) a = Math.max(a, integers[i]!);
  return Math.max(a, b, c, d);
}

function boundValues(values: Float64Array): Pick<PackedValues, "bounds"> {
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== value) return {}; // NaN
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return findBounds(least, most);
}

function findBounds(least: number, most: number): Pick<PackedValues, "bounds"> {
  return Number.isFinite(least) && Number.isFinite(most) ? { bounds: { least, most } } : {};
}

/** One of the values; NaN where it is missing. */
export function valueOf({ scales, numbers }: PackedNumbers, index: number): number {
  const number = numbers[index]!;
  if (!scales) return number;
  return number === MISSING ? NaN : scaleNumber(number, scales);
}

/** The value that a whole number stands for. */
export function scaleNumber(
  number: number,
  { least, binary, reference, decimal, factor }: Scales,
): number {
  return ((number + least) * binary + reference) * decimal * factor;
}

/**
 * Writes packed values from `start` on to `out`, as many as it takes: as they were before, or rounded to
 * float32, as files have them. NaN where missing.
 */
export function unpackValues(
  { scales, numbers, bounds }: PackedValues,
  out: Float64Array | Float32Array,
  start: number = 0,
): void {
  if (!scales) return out.set(numbers.subarray(start, start + out.length));
  const integers = numbers as Uint16Array;
  scaleNumbers(integers, start, scales, out);
  if (!bounds) markMissing(integers, start, out);
}

/** Four values at a time take half the time. */
function scaleNumbers(
  numbers: Uint16Array,
  start: number,
  { least, binary, reference, decimal, factor }: Scales,
  out: Float64Array | Float32Array,
): void {
  const end = out.length & ~3;
  for (let i = 0; i < end; i += 4) {
    const at = (start + i) | 0;
    out[i] = ((numbers[at]! + least) * binary + reference) * decimal * factor;
    out[i + 1] = ((numbers[at + 1]! + least) * binary + reference) * decimal * factor;
    out[i + 2] = ((numbers[at + 2]! + least) * binary + reference) * decimal * factor;
    out[i + 3] = ((numbers[at + 3]! + least) * binary + reference) * decimal * factor;
  }
  for (let i = end; i < out.length; i++) {
    out[i] = ((numbers[start + i]! + least) * binary + reference) * decimal * factor;
  }
}

function markMissing(numbers: Uint16Array, start: number, out: Float64Array | Float32Array): void {
  // Most members have all values: the engine sees that in a tenth of the time of the loop.
  if (!numbers.subarray(start, start + out.length).includes(MISSING)) return;
  for (let i = 0; i < out.length; i++) if (numbers[start + i] === MISSING) out[i] = NaN;
}
