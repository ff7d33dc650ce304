/**
 * Integers of any width from a string of bits, most significant bit first.
 *
 * @module
 */
import { GribError } from "./grib_error.ts";

/**
 * Writes `count` adjacent integers of `widthBits` (0–64) each, from bit `startBit` of `data`, to
 * `out` from `outStart`. Width 0 gives zeros. Integers above 2^53 are rounded to the nearest number.
 *
 * @throws {GribError} when the data end before the last one.
 */
export function unpackBits(
  data: Uint8Array,
  startBit: number,
  widthBits: number,
  count: number,
  out: Float64Array,
  outStart: number,
): void {
  if (startBit + widthBits * count > data.length * 8) {
    throw new GribError(
      `Cannot unpack ${count} integers of ${widthBits} bits: the ${data.length} bytes of data end ` +
        `before the last one; the message is damaged`,
      { section: 7 },
    );
  }
  if (widthBits === 0) out.fill(0, outStart, outStart + count);
  else if (widthBits === 8 && startBit % 8 === 0) {
    out.set(data.subarray(startBit / 8, startBit / 8 + count), outStart);
  } else if (widthBits === 16 && startBit % 8 === 0) {
    unpackUint16(data, startBit / 8, count, out, outStart);
  } else if (widthBits <= 24) unpackNarrow(data, startBit, widthBits, count, out, outStart);
  else unpackWide(data, startBit, widthBits, count, out, outStart);
}

function unpackUint16(
  data: Uint8Array,
  startByte: number,
  count: number,
  out: Float64Array,
  outStart: number,
): void {
  let byte = startByte;
  const outEnd = outStart + count;
  for (let i = outStart; i < outEnd; i++) {
    out[i] = (data[byte]! << 8) | data[byte + 1]!;
    byte += 2;
  }
}

/** Up to 24 bits: the integer and the up to 7 bits before it fit one 32-bit buffer. */
function unpackNarrow(
  data: Uint8Array,
  startBit: number,
  widthBits: number,
  count: number,
  out: Float64Array,
  outStart: number,
): void {
  const mask = (1 << widthBits) - 1;
  let byte = Math.floor(startBit / 8);
  let held = 8 - (startBit - byte * 8);
  let buffer = data[byte++]!;
  const outEnd = outStart + count;
  for (let i = outStart; i < outEnd; i++) {
    while (held < widthBits) {
      buffer = (buffer << 8) | data[byte++]!;
      held += 8;
    }
    held -= widthBits;
    out[i] = (buffer >>> held) & mask;
  }
}

/** 25 to 64 bits: the low 32 bits and those above them, added once so as to round once. */
function unpackWide(
  data: Uint8Array,
  startBit: number,
  widthBits: number,
  count: number,
  out: Float64Array,
  outStart: number,
): void {
  const highBits = Math.max(0, widthBits - 32);
  const lowBits = widthBits - highBits;
  let bit = startBit;
  for (let i = outStart; i < outStart + count; i++) {
    const high = readBits(data, bit, highBits);
    out[i] = high * 0x100000000 + readBits(data, bit + highBits, lowBits);
    bit += widthBits;
  }
}

/** One integer of 0–32 bits. */
function readBits(data: Uint8Array, startBit: number, widthBits: number): number {
  let value = 0;
  let bit = startBit;
  for (let left = widthBits; left > 0;) {
    const byte = Math.floor(bit / 8);
    const taken = Math.min(left, 8 - (bit - byte * 8));
    const shift = 8 - (bit - byte * 8) - taken;
    value = value * 2 ** taken + ((data[byte]! >>> shift) & ((1 << taken) - 1));
    bit += taken;
    left -= taken;
  }
  return value;
}
