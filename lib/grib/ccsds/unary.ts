/**
 * Fundamental sequences: the integer m as m zeros and a one (CCSDS 121.0-B).
 *
 * A stream is mostly these codes and the remainders between them. All that matters is where the
 * ones are, so a word of 32 bits is worked on at a time.
 *
 * @module
 */
import { type BitCursor, loadWord, streamEnds } from "./bit_cursor.ts";

/** Advances over `count` codes. @throws {GribError} past the end of the stream. */
export function skipUnary(cursor: BitCursor, count: number): void {
  const { endBit } = cursor;
  let byte = cursor.bit >>> 3;
  let word = loadWord(cursor, byte) & (-1 >>> (cursor.bit & 7));
  let ones = countOnes(word);
  let left = count;
  while (ones < left) {
    left -= ones;
    byte += 4;
    if (byte * 8 >= endBit) throw streamEnds(cursor);
    word = loadWord(cursor, byte);
    ones = countOnes(word);
  }
  for (; ones > left; ones--) word &= word - 1;
  cursor.bit = byte * 8 + Math.clz32(word & -word) + 1;
}

/** Population count of a 32-bit word, by sums of 2, 4 and 8 bits side by side. */
export function countOnes(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
