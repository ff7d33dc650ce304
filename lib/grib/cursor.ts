/**
 * Big-endian reading of GRIB2 header fields, bounded by the section that holds them.
 *
 * @module
 */
import { GribError } from "./grib_error.ts";

/** A position in one GRIB2 section. The `readX` functions advance `offset` and never pass `end`. */
export interface Cursor {
  /** A view of all bytes given to the parser, so that offsets are those of the caller. */
  readonly view: DataView;
  /** Offset of the next byte to read. */
  offset: number;
  /** Offset after the last byte of the section (exclusive). */
  readonly end: number;
  /** Section number (0–8), for error texts. */
  readonly section: number;
}

/** All bits set: "missing" in 4-octet unsigned header fields. */
export const MISSING_UINT32 = 0xffffffff;

/**
 * Advances the cursor over `lengthBytes` bytes and returns the offset where they begin.
 *
 * @throws {GribError} when the section ends before them.
 */
export function skipBytes(cursor: Cursor, lengthBytes: number): number {
  const start = cursor.offset;
  if (start + lengthBytes > cursor.end) {
    throw new GribError(
      `Cannot read section ${cursor.section}: it ends at byte ${cursor.end}, before the ` +
        `${lengthBytes} byte(s) needed at ${start}; the message is damaged`,
      { section: cursor.section, offset: start },
    );
  }
  cursor.offset = start + lengthBytes;
  return start;
}

/** Reads an unsigned 1-octet integer. @throws {GribError} past the end of the section. */
export function readUint8(cursor: Cursor): number {
  return cursor.view.getUint8(skipBytes(cursor, 1));
}

/** Reads an unsigned 2-octet integer. @throws {GribError} past the end of the section. */
export function readUint16(cursor: Cursor): number {
  return cursor.view.getUint16(skipBytes(cursor, 2));
}

/** Reads an unsigned 4-octet integer. @throws {GribError} past the end of the section. */
export function readUint32(cursor: Cursor): number {
  return cursor.view.getUint32(skipBytes(cursor, 4));
}

/**
 * Reads an unsigned 8-octet integer; exact up to 2^53, far beyond any message.
 *
 * @throws {GribError} past the end of the section.
 */
export function readUint64(cursor: Cursor): number {
  return readUint32(cursor) * 0x100000000 + readUint32(cursor);
}

/**
 * Reads a signed 2-octet integer: first bit the sign, the rest the magnitude (regulation 92.1.5;
 * GRIB2 does not use two's complement).
 *
 * @throws {GribError} past the end of the section.
 */
export function readInt16(cursor: Cursor): number {
  return toSigned(readUint16(cursor), 0x8000);
}

/** Reads a signed 4-octet integer, as {@link readInt16}. @throws {GribError} past the end. */
export function readInt32(cursor: Cursor): number {
  return toSigned(readUint32(cursor), 0x80000000);
}

/** Reads an IEEE 754 single-precision number. @throws {GribError} past the end of the section. */
export function readFloat32(cursor: Cursor): number {
  return cursor.view.getFloat32(skipBytes(cursor, 4));
}

/** Turns an unsigned integer into the sign-and-magnitude number that it encodes. */
export function toSigned(unsigned: number, signBit: number): number {
  return unsigned >= signBit ? signBit - unsigned : unsigned;
}
