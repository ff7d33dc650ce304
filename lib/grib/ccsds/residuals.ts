/**
 * The residuals of one block: reading them from each code option, turning them into samples.
 *
 * @module
 */
import {
  type BitCursor,
  blockDamaged,
  loadWord,
  MAX_NARROW_BITS,
  readBits,
  skipBits,
  streamEnds,
} from "./bit_cursor.ts";
import type { Coding } from "./coding.ts";
import { countOnes, tabulateCodes } from "./unary.ts";

// Loops run a tenth faster over constant arrays of their own module than over imported ones or
// parameters, so both are here. Every block overwrites them.

/**
 * Where the unary codes of the block end: from index 1 on the offset of the one that ends each,
 * index 0 the offset before the first. Code i is `codeEnds[i + 1] - codeEnds[i] - 1`. Room for 64
 * codes, and for those after the last one in its word.
 */
const codeEnds = new Int32Array(1 + 64 + 32 + 4);

/** A word has two remainders of this width after the bits before a byte boundary. */
const MAX_PAIRED_BITS = 12;

/** Quotient i belongs to sample i of the block. Room for 64, and for those of the last byte. */
const quotients = new Uint8Array(64 + 16);
const quotientsView = new DataView(quotients.buffer);

/** Zeros before a byte that, with those at its beginning, still fit a byte. */
const MOST_ZEROS = 255 - 7;

/** Residual i belongs to sample i of the block: an unsigned 32-bit integer in a signed one. */
const residuals = new Int32Array(64);

/**
 * Reads the samples from `start` to the end of a block that is split: all quotients in unary, then
 * all k-bit remainders. A shortcut for {@link readSplit} and {@link addResiduals}: most blocks of a
 * stream are split, and their quotients are small.
 *
 * @throws {GribError} past the end of the stream, or when a residual has too many bits.
 */
export function readSplitSamples(
  cursor: BitCursor,
  coding: Coding,
  k: number,
  start: number,
  target: Int32Array,
  at: number,
): void {
  const { blockSize } = coding;
  const unaryStart = cursor.bit;
  const isShort = k <= MAX_NARROW_BITS && readQuotients(cursor, start, blockSize);
  const unaryBits = cursor.bit - unaryStart;
  if (!isShort || unaryBits >>> 1 >>> (31 - k) !== 0) {
    cursor.bit = unaryStart;
    readSplit(cursor, k, start, blockSize);
    addResiduals(cursor, coding, start, target, at);
    return;
  }
  let bit = cursor.bit;
  skipBits(cursor, k * (blockSize - start));
  let view = cursor.view;
  // Remainders are read from words, which may reach beyond the end of the stream.
  if (cursor.bit >>> 3 > cursor.lastWordByte) {
    view = cursor.tail;
    bit -= cursor.tailByte * 8;
  }
  if (k <= MAX_PAIRED_BITS && start === 0 && canAddPairs(coding, target[at - 1]!, unaryBits << k)) {
    addPairs(view, bit, k, blockSize, target, at);
  } else addRemainders(cursor, view, bit, coding, k, start, target, at);
}

/**
 * Whether no residual of a block can be more than twice the room above its prediction, so that only the
 * room below it matters.
 *
 * @param first the sample before the block.
 * @param sum of the residuals, at least. A sample is at most that far above the first one, and at most half
 *   as far where there is room for it below, too.
 */
function canAddPairs(coding: Coding, first: number, sum: number): boolean {
  const { signedMaximum, bitsPerSample, isSigned } = coding;
  if (isSigned || bitsPerSample > MAX_NARROW_BITS) return false;
  const room = 2 * signedMaximum + 1 - first;
  const half = sum >>> 1;
  return sum <= room || half <= room && half <= first;
}

/**
 * Reads the codes `start` to `end` (exclusive) to {@link quotients}, a byte of the stream at a time.
 *
 * @returns `false` when one of them may not fit; the cursor is then anywhere.
 * @throws {GribError} past the end of the stream.
 */
function readQuotients(cursor: BitCursor, start: number, end: number): boolean {
  const { bytes } = cursor;
  const { length } = bytes;
  let byte = cursor.bit >>> 3;
  let zeros = -(cursor.bit & 7);
  let found = start;
  let bits = byte < length ? bytes[byte]! & (0xff >> (cursor.bit & 7)) : 0;
  for (;;) {
    if (bits === 0) {
      zeros += 8;
      if (zeros > MOST_ZEROS) return false;
    } else {
      const next = found + CODE_COUNTS[bits]!;
      quotientsView.setFloat64(found, QUOTIENTS[bits]!, true);
      quotients[found] = zeros + LEADING_ZEROS[bits]!;
      if (next >= end) break;
      found = next;
      zeros = TRAILING_ZEROS[bits]!;
    }
    byte++;
    if (byte >= length) throw streamEnds(cursor);
    bits = bytes[byte]!;
  }
  cursor.bit = byte * 8 + CODE_ENDS[bits * 8 + end - found - 1]!;
  return true;
}

/**
 * Adds the residuals of a whole block to the sample before it where {@link canAddPairs}: two remainders come
 * from one word, and a residual is compared with the room below the sample alone.
 */
function addPairs(
  view: DataView,
  firstBit: number,
  k: number,
  blockSize: number,
  target: Int32Array,
  at: number,
): void {
  const shift = 32 - k;
  const mask = (1 << k) - 1;
  let bit = firstBit;
  let sample = target[at - 1]!;
  for (let i = 0; i < blockSize; i += 2) {
    const word = view.getInt32(bit >>> 3) << (bit & 7);
    bit = (bit + 2 * k) | 0;
    let residual = (quotients[i]! << k) | ((word >>> shift) & mask);
    sample = residual > sample << 1
      ? residual
      : (sample + ((residual >>> 1) ^ -(residual & 1))) | 0;
    target[at + i] = sample;
    residual = (quotients[i + 1]! << k) | (((word << k) >>> shift) & mask);
    sample = residual > sample << 1
      ? residual
      : (sample + ((residual >>> 1) ^ -(residual & 1))) | 0;
    target[at + i + 1] = sample;
  }
}

/** Adds residuals, each with its remainder, to the sample before them as {@link addResiduals} does. */
function addRemainders(
  cursor: BitCursor,
  view: DataView,
  firstBit: number,
  coding: Coding,
  k: number,
  start: number,
  target: Int32Array,
  at: number,
): void {
  const { signedMaximum, bias, blockSize } = coding;
  const lowestShift = 32 - k;
  const mask = (1 << k) - 1;
  let bit = firstBit;
  let sample = (target[at + start - 1]! - bias) | 0;
  let largeHalves = 0;
  for (let i = start; i < blockSize; i++) {
    const remainder = (view.getInt32(bit >>> 3) >>> (lowestShift - (bit & 7))) & mask;
    const residual = (quotients[i]! << k) | remainder;
    bit = (bit + k) | 0;
    // From here on as in addResiduals().
    const half = residual >>> 1;
    const odd = residual & 1;
    const sign = sample >> 31;
    const room = signedMaximum - (sample ^ sign);
    if (half <= room - odd) sample = (sample + (half ^ -odd)) | 0;
    else {
      sample = (signedMaximum - residual) ^ sign;
      largeHalves |= half;
    }
    target[at + i] = sample + bias;
  }
  if (largeHalves > signedMaximum) throw residualTooLarge(cursor, coding);
}

/**
 * Reads the residuals from `start` to the end of a block that is split.
 *
 * @throws {GribError} past the end of the stream, or when a residual has more than 32 bits.
 */
export function readSplit(cursor: BitCursor, k: number, start: number, blockSize: number): void {
  readUnary(cursor, start, blockSize);
  joinRemainders(cursor, k, start, blockSize);
}

/** Reads the codes `start` to `end` (exclusive) to {@link codeEnds}. */
function readUnary(cursor: BitCursor, start: number, end: number): void {
  const { endBit } = cursor;
  let byte = cursor.bit >>> 3;
  let word = loadWord(cursor, byte) & (-1 >>> (cursor.bit & 7));
  let found = start;
  codeEnds[start] = cursor.bit - 1;
  for (;;) {
    const ones = countOnes(word);
    writeOnes(word, byte * 8 - 1, found + 1, Math.min(found + ones, end) + 1);
    found += ones;
    if (found >= end) break;
    byte += 4;
    if (byte * 8 >= endBit) throw streamEnds(cursor);
    word = loadWord(cursor, byte);
  }
  cursor.bit = codeEnds[end]! + 1;
}

/**
 * Writes the offsets of the ones of a word, whose highest bit is the one after `before`. Four at a
 * time, as unpredictable branches are slow; the next word overwrites those from `end` on.
 */
function writeOnes(word: number, before: number, start: number, end: number): void {
  let ones = word;
  let at = before;
  for (let i = start; i < end; i += 4) {
    // Two shifts, as a single shift by 32 does nothing.
    let zeros = Math.clz32(ones);
    ones = ones << zeros << 1;
    codeEnds[i] = at = (at + zeros + 1) | 0;
    zeros = Math.clz32(ones);
    ones = ones << zeros << 1;
    codeEnds[i + 1] = at = (at + zeros + 1) | 0;
    zeros = Math.clz32(ones);
    ones = ones << zeros << 1;
    codeEnds[i + 2] = at = (at + zeros + 1) | 0;
    zeros = Math.clz32(ones);
    ones = ones << zeros << 1;
    codeEnds[i + 3] = at = (at + zeros + 1) | 0;
  }
}

/** Appends to each quotient its remainder of k bits, which may make up to 32 in all. */
function joinRemainders(cursor: BitCursor, k: number, start: number, end: number): void {
  const endQuotient = 2 ** (32 - k);
  for (let i = start; i < end; i++) {
    const quotient = codeEnds[i + 1]! - codeEnds[i]! - 1;
    if (quotient >= endQuotient) throw blockDamaged(cursor, "holds a residual above 32 bits");
    residuals[i] = (quotient << k) | readBits(cursor, k);
  }
}

/**
 * Reads the residuals of a whole block from codes of pairs: (a, b) has number
 * (a + b)(a + b + 1) / 2 + b. Where the block begins with a reference sample, residual 0 is unused.
 *
 * @throws {GribError} past the end of the stream.
 */
export function readSecondExtension(cursor: BitCursor, blockSize: number): void {
  const pairs = blockSize / 2;
  const start = cursor.bit;
  if (readQuotients(cursor, 0, pairs)) {
    for (let i = 0; i < pairs; i++) {
      const code = quotients[i]!;
      residuals[2 * i] = FIRST_OF_PAIR[code]!;
      residuals[2 * i + 1] = SECOND_OF_PAIR[code]!;
    }
    return;
  }
  cursor.bit = start;
  readUnary(cursor, 0, pairs);
  for (let i = 0; i < pairs; i++) {
    const code = codeEnds[i + 1]! - codeEnds[i]! - 1;
    const sum = (Math.sqrt(8 * code + 1) - 1) >>> 1;
    const second = code - ((sum * (sum + 1)) >>> 1);
    residuals[2 * i] = sum - second;
    residuals[2 * i + 1] = second;
  }
}

/**
 * Reads the residuals from `start` to the end of the block, which have no code.
 *
 * @throws {GribError} past the end of the stream.
 */
export function readUncompressed(
  cursor: BitCursor,
  bitsPerSample: number,
  start: number,
  blockSize: number,
): void {
  for (let i = start; i < blockSize; i++) residuals[i] = readBits(cursor, bitsPerSample);
}

/**
 * Turns residuals into samples: each is predicted to equal the one before it, `target[at - 1]` to
 * begin with. A residual interleaves the differences that lie in range on both sides of the
 * prediction (0, -1, 1, -2, …), then counts up those on the side with more room (CCSDS 121.0-B,
 * unit-delay predictor and prediction error mapper).
 *
 * Computed in the signed range, where 32-bit arithmetic never overflows.
 */
export function addResiduals(
  cursor: BitCursor,
  coding: Coding,
  start: number,
  target: Int32Array,
  at: number,
): void {
  const { signedMaximum, bias, blockSize } = coding;
  let sample = (target[at + start - 1]! - bias) | 0;
  let largeHalves = 0;
  for (let i = start; i < blockSize; i++) {
    const residual = residuals[i]!;
    const half = residual >>> 1;
    const odd = residual & 1;
    const sign = sample >> 31;
    const room = signedMaximum - (sample ^ sign);
    if (half <= room - odd) sample = (sample + (half ^ -odd)) | 0;
    else {
      sample = (signedMaximum - residual) ^ sign;
      // Only a residual on this path can have more bits than a sample.
      largeHalves |= half;
    }
    target[at + i] = sample + bias;
  }
  // The maximum is all ones, so the bitwise OR of numbers up to it does not exceed it either.
  if (largeHalves > signedMaximum) throw residualTooLarge(cursor, coding);
}

/** Without preprocessing, residuals are the samples. */
export function copyResiduals(
  cursor: BitCursor,
  coding: Coding,
  target: Int32Array,
  at: number,
): void {
  const { signedMaximum, signShift, blockSize } = coding;
  for (let i = 0; i < blockSize; i++) {
    const residual = residuals[i]!;
    if (residual >>> 1 > signedMaximum) throw residualTooLarge(cursor, coding);
    target[at + i] = (residual << signShift) >> signShift;
  }
}

function residualTooLarge(cursor: BitCursor, coding: Coding): Error {
  return blockDamaged(cursor, `holds a residual of more than ${coding.bitsPerSample} bits`);
}

/** The residuals of a pair, by its code: those with the same sum have neighbouring codes. */
const FIRST_OF_PAIR = new Uint8Array(256);
const SECOND_OF_PAIR = new Uint8Array(256);
for (let code = 0, sum = 0; code < 256; sum++) {
  for (let second = 0; second <= sum && code < 256; second++) {
    FIRST_OF_PAIR[code] = sum - second;
    SECOND_OF_PAIR[code++] = second;
  }
}

// What the codes in a byte of the stream are, by the byte.
const { counts: CODE_COUNTS, ends: CODE_ENDS } = tabulateCodes();
const LEADING_ZEROS = new Uint8Array(256);
const TRAILING_ZEROS = new Uint8Array(256);
/**
 * The zeros before each one, 8 numbers of a byte that are written at once. As float64, a number that
 * is not NaN: all of its bytes are below 8.
 */
const QUOTIENTS = new Float64Array(256);
for (let byte = 0; byte < 256; byte++) {
  const zeros = new Uint8Array(8);
  let [code, previousEnd] = [0, 0];
  for (let bit = 0; bit < 8; bit++) {
    if (((byte << bit) & 0x80) === 0) continue;
    zeros[code++] = bit - previousEnd;
    previousEnd = bit + 1;
  }
  QUOTIENTS[byte] = new DataView(zeros.buffer).getFloat64(0, true);
  LEADING_ZEROS[byte] = zeros[0]!;
  TRAILING_ZEROS[byte] = 8 - previousEnd;
}
