/**
 * Reference sample intervals: the parts of a stream whose samples depend on nothing before them.
 *
 * @module
 */
import { type BitCursor, readBits, skipBits, skipToByte } from "./bit_cursor.ts";
import type { Coding } from "./coding.ts";
import {
  readOption,
  readZeroRun,
  SECOND_EXTENSION,
  UNCOMPRESSED,
  ZERO_BLOCKS,
} from "./coding_options.ts";
import {
  addResiduals,
  copyResiduals,
  readSecondExtension,
  readSplit,
  readSplitSamples,
  readUncompressed,
} from "./residuals.ts";
import { skipSplitBlocks, skipUnary } from "./unary.ts";

/**
 * Advances to the end of an interval from its block number `block` without producing samples.
 *
 * @throws {GribError} past the end of the stream, or when the interval is not validly coded.
 */
export function skipInterval(cursor: BitCursor, coding: Coding, block = 0): void {
  const { blocksPerInterval } = coding;
  while (block < blocksPerInterval) {
    if (block > 0) block = skipSplitBlocks(cursor, coding, block);
    if (block < blocksPerInterval) block += skipBlock(cursor, coding, block);
  }
  if (coding.isPadded) skipToByte(cursor);
}

/**
 * Advances over block number `block` of an interval; returns how many blocks that were.
 *
 * @throws {GribError} as {@link skipInterval} does.
 */
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
 * Decodes block number `block` of an interval to `target` at the offset of that block. `target` has
 * room for the whole interval and contains the blocks before.
 *
 * @returns how many blocks that were.
 * @throws {GribError} past the end of the stream, or when the block is not validly coded.
 */
export function readBlock(
  cursor: BitCursor,
  coding: Coding,
  block: number,
  target: Int32Array,
): number {
  const { blockSize, bitsPerSample, referenceCount } = coding;
  const at = block * blockSize;
  const option = readOption(cursor, coding);
  const start = block === 0 ? referenceCount : 0;
  if (start === 1) {
    target[at] = (readBits(cursor, bitsPerSample) << coding.signShift) >> coding.signShift;
  }
  if (option === ZERO_BLOCKS) {
    const run = readZeroRun(cursor, coding, block);
    const value = referenceCount === 1 ? target[at + start - 1]! : 0;
    target.fill(value, at + start, at + run * blockSize);
    return run;
  }
  if (option >= 0 && referenceCount === 1) {
    readSplitSamples(cursor, coding, option, start, target, at);
    return 1;
  }
  if (option === SECOND_EXTENSION) readSecondExtension(cursor, blockSize);
  else if (option === UNCOMPRESSED) readUncompressed(cursor, bitsPerSample, start, blockSize);
  else readSplit(cursor, option, start, blockSize);
  if (referenceCount === 1) addResiduals(cursor, coding, start, target, at);
  else copyResiduals(cursor, coding, target, at);
  return 1;
}
