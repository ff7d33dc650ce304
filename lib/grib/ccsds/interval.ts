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
import { countOnes, findOne, skipUnary } from "./unary.ts";

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
 * Advances over blocks that are split, from number `block` on, which is not the first of its interval, to
 * the first that is not, or that is near the end of the stream or beyond it. A shortcut for
 * {@link skipBlock}: most blocks are split, and a position in locals takes less time than the cursor's.
 *
 * @returns the number of that block.
 */
function skipSplitBlocks(cursor: BitCursor, coding: Coding, block: number): number {
  const { view, lastWordByte, endBit } = cursor;
  const { blockSize, optionBits, blocksPerInterval } = coding;
  const uncompressed = (1 << optionBits) - 1;
  let next = block;
  let { bit } = cursor;
  for (; next < blocksPerInterval; next++) {
    let byte = bit >>> 3;
    if (byte > lastWordByte) break;
    const identifier = (view.getInt32(byte) << (bit & 7)) >>> (32 - optionBits);
    if (identifier === 0 || identifier === uncompressed) break;
    const start = (bit + optionBits) | 0;
    byte = start >>> 3;
    if (byte > lastWordByte) break;
    // From here on as in skipUnary().
    let word = view.getInt32(byte) & (-1 >>> (start & 7));
    let left = blockSize;
    let ones = countOnes(word);
    while (ones < left && byte + 4 <= lastWordByte) {
      left -= ones;
      byte += 4;
      word = view.getInt32(byte);
      ones = countOnes(word);
    }
    if (ones < left) break;
    const end = byte * 8 + 32 - findOne(word, ones - left) + blockSize * (identifier - 1);
    if (end > endBit) break;
    bit = end;
  }
  cursor.bit = bit;
  return next;
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
