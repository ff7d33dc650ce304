/**
 * Fundamental sequences: the integer m as m zeros and a one (CCSDS 121.0-B).
 *
 * A stream is mostly these codes and the remainders between them. Only the offsets of the ones
 * matter, so a word of 32 bits is processed at a time.
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
  // The last code ends at the one with `ones - left` ones below it.
  cursor.bit = byte * 8 + 32 - findOne(word, ones - left);
}

/** Population count of a 32-bit word. */
export function countOnes(word: number): number {
  return sumBytes(word) >>> 24;
}

/** Four population counts: byte i, from the lowest, has that of bytes 0 to i of the word. */
function sumBytes(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101);
}

/**
 * Number of the bit, from the lowest, that is the one with `below` ones below it. Without a branch:
 * clearing ones in a loop, whose end is unpredictable, makes skipping a sixth slower.
 */
export function findOne(word: number, below: number): number {
  const sums = sumBytes(word);
  const isReached = ((sums | 0x80808080) - Math.imul(below + 1, 0x01010101)) & 0x80808080;
  const shift = 24 - Math.clz32(isReached & -isReached);
  const belowByte = ((sums << 8) >>> shift) & 0xff;
  const byte = (word >>> shift) & 0xff;
  return shift + ONE_IN_BYTE[byte * 8 + below - belowByte]!;
}

/** `[byte * 8 + i]`: number of the bit that is the one with i ones below it. */
const ONE_IN_BYTE = new Uint8Array(256 * 8);
for (let byte = 0; byte < 256; byte++) {
  let ones = 0;
  for (let bit = 0; bit < 8; bit++) {
    if ((byte >>> bit) & 1) ONE_IN_BYTE[byte * 8 + ones++] = bit;
  }
}
