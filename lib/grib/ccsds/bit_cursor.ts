/**
 * A position in a string of bits, most significant bit first, that is never read beyond its end.
 *
 * @module
 */
import { GribError } from "../grib_error.ts";

/** A position in a stream. `readX` and `skipX` functions advance `bit` and never pass `endBit`. */
export interface BitCursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Offset of the next bit. */
  bit: number;
  /** Offset after the last bit (exclusive). */
  readonly endBit: number;
  /** Last byte offset at which `view` holds a whole 32-bit word; negative in a tiny stream. */
  readonly lastWordByte: number;
  /** Copy of the last bytes of the stream, followed by zeros: words may reach beyond the end. */
  readonly tail: DataView;
  /** Offset in the stream of the first byte of `tail`. */
  readonly tailByte: number;
}

/** The bits before a byte boundary (at most 7) and these fit one 32-bit word. */
export const MAX_NARROW_BITS = 25;

/** Room for the longest run of narrow fields, a block of 64, and for its last word. */
const TAIL_BYTES = 64 * MAX_NARROW_BITS / 8 + 8;
const PADDING_BYTES = 8;

/** Bit offsets fit 31 bits: small integers to the engine, and no message comes near. */
const MAX_STREAM_BYTES = 2 ** 28 - 1;

/**
 * Opens a stream at its first bit, without copying it.
 *
 * @throws {GribError} when it has 2^28 bytes or more.
 */
export function openBits(stream: Uint8Array): BitCursor {
  const { byteLength } = stream;
  if (byteLength > MAX_STREAM_BYTES) {
    throw new GribError(
      `Cannot decode CCSDS data: ${byteLength} bytes; at most ${MAX_STREAM_BYTES} are supported`,
      { section: 7 },
    );
  }
  const tailByte = Math.max(0, byteLength - TAIL_BYTES);
  const tail = new Uint8Array(byteLength - tailByte + PADDING_BYTES);
  tail.set(stream.subarray(tailByte));
  return {
    bytes: stream,
    view: new DataView(stream.buffer, stream.byteOffset, byteLength),
    bit: 0,
    endBit: byteLength * 8,
    lastWordByte: byteLength - 4,
    tail: new DataView(tail.buffer),
    tailByte,
  };
}

/** The 32 bits from a byte at or before the end of the stream; bits beyond the end are zero. */
export function loadWord(cursor: BitCursor, byte: number): number {
  return byte <= cursor.lastWordByte
    ? cursor.view.getInt32(byte)
    : cursor.tail.getInt32(byte - cursor.tailByte);
}

/** Reads an unsigned integer of 0–32 bits. @throws {GribError} past the end of the stream. */
export function readBits(cursor: BitCursor, widthBits: number): number {
  if (widthBits > MAX_NARROW_BITS) {
    return readBits(cursor, widthBits - 16) * 0x10000 + readBits(cursor, 16);
  }
  const start = cursor.bit;
  skipBits(cursor, widthBits);
  return (loadWord(cursor, start >>> 3) << (start & 7)) >>> 1 >>> (31 - widthBits);
}

/** Advances over bits. @throws {GribError} past the end of the stream. */
export function skipBits(cursor: BitCursor, countBits: number): void {
  const end = cursor.bit + countBits;
  if (end > cursor.endBit) throw streamEnds(cursor);
  cursor.bit = end;
}

/** Advances to the next byte boundary, where a padded reference interval begins. */
export function skipToByte(cursor: BitCursor): void {
  cursor.bit = (cursor.bit + 7) & ~7;
}

/** The error of a stream that ends inside a block. */
export function streamEnds(cursor: BitCursor): GribError {
  return new GribError(
    `Cannot decode CCSDS data: the stream ends after ${cursor.endBit / 8} bytes, before the last ` +
      `sample asked for; it is damaged or cut short`,
    { section: 7, offset: cursor.endBit / 8 },
  );
}

/** The error of a block that is not the code of any samples. */
export function blockDamaged(cursor: BitCursor, state: string): GribError {
  const offset = cursor.bit >>> 3;
  return new GribError(
    `Cannot decode CCSDS data: the block that ends near byte ${offset} ${state}; the message is ` +
      `damaged`,
    { section: 7, offset },
  );
}
