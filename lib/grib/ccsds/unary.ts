/**
 * Fundamental sequences: the integer m as m zeros and a one (CCSDS 121.0-B).
 *
 * A stream is mostly these codes and the remainders between them. Only the offsets of the ones
 * matter, so a byte or a word of 32 bits is processed at a time.
 *
 * @module
 */
import type { Coding } from "./coding.ts";
import { type BitCursor, streamEnds } from "./bit_cursor.ts";

/** The codes in one byte of a stream, by the byte. */
interface ByteCodes {
  /** `[byte]`: how many end in it. */
  counts: Uint8Array;
  /** `[byte * 8 + i]`: offset in the byte after the code that is number i. */
  ends: Uint8Array;
}

/** Tables of the codes in a byte. Loops are faster over constants of their own module than of another. */
export function tabulateCodes(): ByteCodes {
  const counts = new Uint8Array(256);
  const ends = new Uint8Array(256 * 8);
  for (let byte = 0; byte < 256; byte++) {
    for (let bit = 0; bit < 8; bit++) {
      if ((byte << bit) & 0x80) ends[byte * 8 + counts[byte]!++] = bit + 1;
    }
  }
  return { counts, ends };
}

const { counts: CODE_COUNTS, ends: CODE_ENDS } = tabulateCodes();

/** Advances over `count` codes, one or more. @throws {GribError} past the end of the stream. */
export function skipUnary(cursor: BitCursor, count: number): void {
  const end = findCodesEnd(cursor.bytes, cursor.bytes.length, cursor.bit, count);
  if (end === 0) throw streamEnds(cursor);
  cursor.bit = end;
}

/**
 * Advances over blocks that are split, from number `block` on, which is not the first of its interval, to
 * the first that is not, or that is near the end of the stream or beyond it. A shortcut: most blocks are
 * split, and a position in a local variable takes less time than the cursor's.
 *
 * @returns the number of that block.
 */
export function skipSplitBlocks(cursor: BitCursor, coding: Coding, block: number): number {
  const { bytes, view, lastWordByte, endBit } = cursor;
  const { length } = bytes;
  const { blockSize, optionBits, blocksPerInterval } = coding;
  const uncompressed = (1 << optionBits) - 1;
  let next = block;
  let { bit } = cursor;
  for (; next < blocksPerInterval; next++) {
    const byte = bit >>> 3;
    if (byte > lastWordByte) break;
    const identifier = (view.getInt32(byte) << (bit & 7)) >>> (32 - optionBits);
    if (identifier === 0 || identifier === uncompressed) break;
    const codesEnd = findCodesEnd(bytes, length, (bit + optionBits) | 0, blockSize);
    const end = codesEnd + blockSize * (identifier - 1);
    if (codesEnd === 0 || end > endBit) break;
    bit = end;
  }
  cursor.bit = bit;
  return next;
}

/** The offset in bits after `count` codes, one or more, that begin at a bit; 0 past the end. */
function findCodesEnd(bytes: Uint8Array, length: number, start: number, count: number): number {
  let byte = start >>> 3;
  if (byte >= length) return 0;
  let bits = bytes[byte]! & (0xff >>> (start & 7));
  let left = count;
  let codes = CODE_COUNTS[bits]!;
  while (codes < left) {
    left -= codes;
    byte++;
    if (byte >= length) return 0;
    bits = bytes[byte]!;
    codes = CODE_COUNTS[bits]!;
  }
  return byte * 8 + CODE_ENDS[bits * 8 + left - 1]!;
}

/** Population count of a 32-bit word. */
export function countOnes(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
