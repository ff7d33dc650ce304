/**
 * The head of a block: which code option its samples are in (CCSDS 121.0-B, table of identifiers).
 *
 * @module
 */
import { type BitCursor, blockDamaged, readBits } from "./bit_cursor.ts";
import type { Coding } from "./coding.ts";
import { skipUnary } from "./unary.ts";

/** One or more blocks whose residuals are all zero. */
export const ZERO_BLOCKS = -1;
/** Residuals in pairs, each pair as one unary code. */
export const SECOND_EXTENSION = -2;
/** Residuals without a code. */
export const UNCOMPRESSED = -3;

/** A run of zero blocks extends at most to the end of a segment of this many blocks. */
const BLOCKS_PER_SEGMENT = 64;
/** Length of the code that means "all blocks to the end of the segment" (ROS). */
const REST_OF_SEGMENT_BITS = 5;

/**
 * Reads the option of a block: one of the constants above, or k (0 or more) for sample splitting:
 * residuals divided by 2^k, quotients in unary, then the k-bit remainders.
 *
 * @throws {GribError} past the end of the stream.
 */
export function readOption(cursor: BitCursor, coding: Coding): number {
  const { optionBits } = coding;
  const identifier = readBits(cursor, optionBits);
  if (identifier === 0) return readBits(cursor, 1) === 0 ? ZERO_BLOCKS : SECOND_EXTENSION;
  return identifier === (1 << optionBits) - 1 ? UNCOMPRESSED : identifier - 1;
}

/**
 * Reads how many blocks, from number `block` of the interval on, have only zero residuals.
 *
 * @throws {GribError} past the end of the stream, or when the interval has fewer blocks left.
 */
export function readZeroRun(cursor: BitCursor, coding: Coding, block: number): number {
  const left = coding.blocksPerInterval - block;
  const start = cursor.bit;
  skipUnary(cursor, 1);
  const length = cursor.bit - start;
  if (length === REST_OF_SEGMENT_BITS) {
    return Math.min(left, BLOCKS_PER_SEGMENT - block % BLOCKS_PER_SEGMENT);
  }
  const count = length < REST_OF_SEGMENT_BITS ? length : length - 1;
  if (count > left) {
    throw blockDamaged(cursor, `starts ${count} zero blocks where the interval has ${left} left`);
  }
  return count;
}
