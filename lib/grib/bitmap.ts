/**
 * GRIB2 section 6: which grid points have a value.
 *
 * @module
 */
import { type Cursor, readUint8 } from "./cursor.ts";
import { GribError } from "./grib_error.ts";

/** One bit a grid point in file order, most significant bit first; 1: the point has a value. */
export type Bitmap = Uint8Array;

/** Code table 6.0. */
const PRESENT = 0;
const REUSE = 254;
const NONE = 255;

/**
 * Reads section 6.
 *
 * @param pointCount points of the grid.
 * @param previous the bitmap last defined in this message, for fields that use it again.
 * @returns a view of the bits, or `undefined` when every point has a value.
 * @throws {GribError} for a bitmap that only the centre has (code table 6.0), is shorter than the
 *   grid, or is to be reused and was not defined.
 */
export function readBitmap(
  cursor: Cursor,
  pointCount: number,
  previous: Bitmap | undefined,
): Bitmap | undefined {
  const indicator = readUint8(cursor);
  if (indicator === NONE) return undefined;
  if (indicator !== PRESENT && indicator !== REUSE) {
    fail(
      cursor,
      `code table 6.0 (bitmap indicator) is ${indicator}; ` +
        `only ${PRESENT}, ${REUSE}, ${NONE} are supported`,
    );
  }
  const bitmap = indicator === PRESENT ? viewRest(cursor) : previous;
  if (bitmap === undefined) {
    fail(cursor, "it reuses the previous bitmap of the message, which has none");
  }
  if (bitmap.length * 8 < pointCount) {
    fail(cursor, `${bitmap.length} bytes for ${pointCount} points; the message is damaged`);
  }
  return bitmap;
}

/** How many of the points from `startBit` to `endBit` (exclusive) have a value. */
export function countValues(bitmap: Bitmap, startBit: number, endBit: number): number {
  if (startBit >= endBit) return 0;
  const firstByte = startBit >>> 3;
  const lastByte = (endBit - 1) >>> 3;
  let ones = 0;
  for (let byte = firstByte; byte <= lastByte; byte++) ones += ONES_IN_BYTE[bitmap[byte]!]!;
  const before = bitmap[firstByte]! & ~(0xff >>> (startBit & 7));
  const after = bitmap[lastByte]! & (0x7f >>> ((endBit - 1) & 7));
  return ones - ONES_IN_BYTE[before & 0xff]! - ONES_IN_BYTE[after]!;
}

/**
 * Moves the values at the head of `out[outStart, outStart + count)` to the points of `bitmap` from
 * `startBit`, in the same array; points without a value become NaN.
 */
export function spreadOverBitmap(
  bitmap: Bitmap,
  startBit: number,
  count: number,
  valueCount: number,
  out: Float64Array,
  outStart: number,
): void {
  // From the end: a value is never after its point, so none is overwritten before it is moved.
  let value = outStart + valueCount - 1;
  for (let i = count - 1; i >= 0; i--) {
    const bit = startBit + i;
    const hasValue = (bitmap[bit >>> 3]! >>> (7 - (bit & 7))) & 1;
    out[outStart + i] = hasValue ? out[value--]! : NaN;
  }
}

const ONES_IN_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let bits = byte; bits > 0; bits &= bits - 1) ones++;
  return ones;
});

function viewRest(cursor: Cursor): Bitmap {
  const { view, offset, end } = cursor;
  return new Uint8Array(view.buffer, view.byteOffset + offset, end - offset);
}

function fail(cursor: Cursor, state: string): never {
  throw new GribError(`Cannot read bitmap: ${state}`, { section: 6, offset: cursor.offset });
}
