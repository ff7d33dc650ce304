/**
 * Reference sample intervals: the parts of a stream whose samples depend on nothing before them.
 *
 * @module
 */
import { type BitCursor, readBits, skipBits, skipToByte } from "./bit_cursor.ts";
import type { Coding } from "./coding.ts";
import { readOption, readZeroRun, SECOND_EXTENSION, UNCOMPRESSED, ZERO_BLOCKS } from "./options.ts";
import {
  addResiduals,
  copyResiduals,
  readSecondExtension,
  readSplit,
  readUncompressed,
} from "./residuals.ts";
import { skipUnary } from "./unary.ts";

/**
 * Advances over an interval without producing its samples.
 *
 * @throws {GribError} past the end of the stream, or when an interval cannot be what is coded.
 */
export function skipInterval(cursor: BitCursor, coding: Coding): void {
  for (let block = 0; block < coding.blocksPerInterval;) {
    block += skipBlock(cursor, coding, block);
  }
  if (coding.isPadded) skipToByte(cursor);
}

/** Advances over block number `block` of an interval; returns how many blocks that were. */
function skipBlock(cursor: BitCursor, coding: Coding, block: number): number {
  const { blockSize, bitsPerSample } = coding;
  const option = readOption(cursor, coding);
  const start = block === 0 ? coding.referenceCount : 0;
  skipBits(cursor, start * bitsPerSample);
  if (option === ZERO_BLOCKS) return readZeroRun(cursor, coding, block);
  if (option === SECOND_EXTENSION) skipUnary(cursor, blockSize / 2);
  else if (option === UNCOMPRESSED) skipBits(cursor, (blockSize - start) * bitsPerSample);
  else {
    skipUnary(cursor, blockSize - start);
    skipBits(cursor, (blockSize - start) * option);
  }
  return 1;
}

/**
 * Decodes the first `blockCount` blocks of an interval to `target` from `targetStart` on, which
 * must have room for them all.
 *
 * @throws {GribError} past the end of the stream, or when a block cannot be what is coded.
 */
export function readInterval(
  cursor: BitCursor,
  coding: Coding,
  blockCount: number,
  target: Int32Array,
  targetStart: number,
): void {
  for (let block = 0; block < blockCount;) {
    const at = targetStart + block * coding.blockSize;
    block += readBlock(cursor, coding, block, blockCount, target, at);
  }
  if (coding.isPadded) skipToByte(cursor);
}

/** Decodes block number `block` to `target[at]` and on; returns how many blocks that were. */
function readBlock(
  cursor: BitCursor,
  coding: Coding,
  block: number,
  blockCount: number,
  target: Int32Array,
  at: number,
): number {
  const { blockSize, bitsPerSample } = coding;
  const option = readOption(cursor, coding);
  const start = block === 0 ? coding.referenceCount : 0;
  if (start === 1) {
    target[at] = (readBits(cursor, bitsPerSample) << coding.signShift) >> coding.signShift;
  }
  if (option === ZERO_BLOCKS) {
    const run = Math.min(readZeroRun(cursor, coding, block), blockCount - block);
    const value = coding.referenceCount === 1 ? target[at + start - 1]! : 0;
    target.fill(value, at + start, at + run * blockSize);
    return run;
  }
  if (option === SECOND_EXTENSION) readSecondExtension(cursor, blockSize);
  else if (option === UNCOMPRESSED) readUncompressed(cursor, bitsPerSample, start, blockSize);
  else readSplit(cursor, option, start, blockSize);
  if (coding.referenceCount === 1) addResiduals(cursor, coding, start, target, at);
  else copyResiduals(cursor, coding, target, at);
  return 1;
}
