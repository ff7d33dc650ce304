/**
 * From packed integers to values: `value = (R + X·2^E)·10^-D`.
 *
 * @module
 */

/** The parameters that every packing has: `value = (R + X·2^E)·10^-D` for packed integers X. */
export interface Scaling {
  /** Packed values; points that the bitmap excludes have none. */
  readonly valueCount: number;
  /** R. */
  readonly referenceValue: number;
  /** E. */
  readonly binaryScaleFactor: number;
  /** D. */
  readonly decimalScaleFactor: number;
  /** Width of X; in complex packing, of the reference value of each group. */
  readonly bitsPerValue: number;
}

/**
 * Writes `count` values, from the one at `start` among the packed values, to `out` from `outStart`.
 * Missing values of complex packing are NaN.
 */
export type ValueReader = (
  start: number,
  count: number,
  out: Float64Array,
  outStart: number,
) => void;

/** Packed data, open for reading. */
export interface OpenData {
  readValues: ValueReader;
  /**
   * Reads as `readValues` does, but the integers. Absent where they are of more than 16 bits, or it would
   * not be cheaper than making them of the values again.
   */
  readIntegers?: (start: number, count: number, out: Uint16Array, outStart: number) => void;
  /**
   * Bytes from the beginning of the data that the values up to the last one need; final at the
   * latest when that has been read.
   */
  readonly dataBytes: number;
}

/**
 * `base` to an integer power, by one multiplication or division a step.
 *
 * The steps matter: 10^-D is not exact in binary, and dividing by 10 D times rounds differently
 * from `Math.pow`. ecCodes takes these steps, so decoded values equal its own to the last bit.
 */
export function powerOf(base: number, exponent: number): number {
  let power = 1;
  for (let step = 0; step < exponent; step++) power *= base;
  for (let step = 0; step > exponent; step--) power /= base;
  return power;
}

/** Turns the integers `packed[start, start + count)` into values in `out`; may be the same array. */
export function scaleIntegers(
  scaling: Scaling,
  packed: Float64Array | Uint32Array | Int32Array | Uint16Array,
  start: number,
  count: number,
  out: Float64Array,
  outStart: number,
): void {
  const reference = scaling.referenceValue;
  const binaryScale = powerOf(2, scaling.binaryScaleFactor);
  const decimalScale = powerOf(10, -scaling.decimalScaleFactor);
  for (let i = 0; i < count; i++) {
    out[outStart + i] = (packed[start + i]! * binaryScale + reference) * decimalScale;
  }
}

/**
 * Opens a field of 0-bit values, which all equal the reference value.
 *
 * They are not divided by 10^D: ecCodes neither reads nor writes such fields so.
 */
export function openConstant(scaling: Scaling): OpenData {
  return {
    readValues: (_start, count, out, outStart) =>
      void out.fill(scaling.referenceValue, outStart, outStart + count),
    dataBytes: 0,
  };
}
