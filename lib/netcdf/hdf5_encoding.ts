/**
 * Numbers, text and checksums as HDF5 files hold them: little-endian, with Jenkins' hash over the
 * parts that the format protects.
 *
 * Source: HDF5 File Format Specification Version 3.0 (The HDF Group); of the checksum, Bob Jenkins,
 * lookup3.c (2006, public domain), function `hashlittle` with the initial value 0.
 *
 * @module
 */

/** An address that is not there: all bits set. */
export const NO_ADDRESS: readonly number[] = new Array(8).fill(0xff);

/** An unsigned integer below 2^53 in `size` bytes. */
export function littleEndian(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256);
}

/** UTF-8. */
export function utf8(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

/** Adds zeros up to a multiple of 8 bytes. */
export function alignEight(bytes: readonly number[]): number[] {
  return [...bytes, ...new Array(-bytes.length & 7).fill(0)];
}

/** The bytes, and after them their checksum in four bytes. */
export function withChecksum(bytes: readonly number[]): number[] {
  return [...bytes, ...littleEndian(hashBytes(bytes), 4)];
}

/** Three 32-bit words that mix the bytes. */
type State = [a: number, b: number, c: number];

/** Jenkins' lookup3 of bytes, 0 to 2^32 − 1. */
export function hashBytes(bytes: readonly number[]): number {
  const start = (0xdeadbeef + bytes.length) | 0;
  const state: State = [start, start, start];
  if (bytes.length === 0) return start >>> 0;
  let offset = 0;
  for (; bytes.length - offset > 12; offset += 12) {
    addWords(state, bytes, offset);
    mix(state);
  }
  addWords(state, bytes, offset);
  finish(state);
  return state[2] >>> 0;
}

/** Adds twelve bytes, or as many as there are. */
function addWords(state: State, bytes: readonly number[], offset: number): void {
  for (let i = 0; i < 12; i++) {
    const word = Math.floor(i / 4);
    state[word] = (state[word]! + ((bytes[offset + i] ?? 0) << (8 * (i % 4)))) | 0;
  }
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function mix(state: State): void {
  let [a, b, c] = state;
  for (const [first, second, third] of [[4, 6, 8], [16, 19, 4]] as const) {
    a = ((a - c) | 0) ^ rotate(c, first);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotate(a, second);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotate(b, third);
    b = (b + a) | 0;
  }
  state.splice(0, 3, a, b, c);
}

function finish(state: State): void {
  let [a, b, c] = state;
  const subtract = (x: number, y: number, bits: number) => ((x ^ y) - rotate(y, bits)) | 0;
  c = subtract(c, b, 14);
  a = subtract(a, c, 11);
  b = subtract(b, a, 25);
  c = subtract(c, b, 16);
  a = subtract(a, c, 4);
  b = subtract(b, a, 14);
  c = subtract(c, b, 24);
  state.splice(0, 3, a, b, c);
}
