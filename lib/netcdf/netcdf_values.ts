/**
 * Values as NetCDF classic files hold them: big-endian, padded to a multiple of 4 bytes.
 *
 * Source: NetCDF Users Guide, appendix "File Format Specifications", the classic format.
 *
 * @module
 */

/** Numbers that the format can hold: NC_BYTE (signed), NC_SHORT, NC_INT, NC_FLOAT, NC_DOUBLE. */
export type NetcdfNumbers =
  | Int8Array<ArrayBufferLike>
  | Int16Array<ArrayBufferLike>
  | Int32Array<ArrayBufferLike>
  | Float32Array<ArrayBufferLike>
  | Float64Array<ArrayBufferLike>;

/** By kind of typed array: nc_type, and default fill value where padding can follow the values. */
export const TYPES = {
  Int8Array: { code: 1, fill: -127 },
  Int16Array: { code: 3, fill: -32767 },
  Int32Array: { code: 4, fill: 0 },
  Float32Array: { code: 5, fill: 0 },
  Float64Array: { code: 6, fill: 0 },
};

/** Arrays by nc_type: what a value takes in a file, and what holds values in memory. */
const ARRAYS = [Int8Array, Uint8Array, Int16Array, Int32Array, Float32Array, Float64Array] as const;

/** What a value of an nc_type takes; `undefined` for types that the classic format does not have. */
export function findType(type: number): { bytes: number } | undefined {
  const array = ARRAYS[type - 1];
  return array && { bytes: array.BYTES_PER_ELEMENT };
}

/** An array of zeros for values of a numeric nc_type, which `findType` knows. */
export function makeNumbers(type: number, length: number): NetcdfNumbers {
  return new (ARRAYS[type - 1] as Float32ArrayConstructor)(length);
}

/** The length in bytes, then UTF-8 padded with zeros to a multiple of 4 bytes. */
export function encodeText(text: string): Uint8Array {
  const utf8 = new TextEncoder().encode(text);
  const padding = new Uint8Array(padLength(utf8.length) - utf8.length);
  return concatenate([encodeUint32(utf8.length), utf8, padding]);
}

/** Unsigned 32-bit integers. */
export function encodeUint32(...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => view.setUint32(4 * i, value));
  return new Uint8Array(view.buffer);
}

/** Numbers in big-endian order, padded with `fill` to a multiple of 4 bytes. */
export function encodeNumbers(values: NetcdfNumbers, fill: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(padLength(values.byteLength)));
  if (values instanceof Float32Array) putFloat32(view, values);
  else if (values instanceof Float64Array) putFloat64(view, values);
  else if (values instanceof Int32Array) putInt32(view, values);
  else if (values instanceof Int16Array) putInt16(view, values, fill);
  else putInt8(view, values, fill);
  return new Uint8Array(view.buffer);
}

/** The bytes of float32 numbers in big-endian order, where the numbers are: they are no longer numbers. */
export function turnBytes(values: Float32Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = values as Float32Array<ArrayBuffer>;
  const words = new Uint32Array(buffer, byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    // A NaN of any bits becomes the one that files have.
    words[i] = (word & 0x7fffffff) > 0x7f800000 ? QUIET_NAN : turnWord(word);
  }
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function turnWord(word: number): number {
  return word << 24 | (word & 0xff00) << 8 | word >>> 8 & 0xff00 | word >>> 24;
}

/** 0x7fc00000 in big-endian order, as a machine of little-endian order reads it. */
const QUIET_NAN = turnWord(0x7fc00000);

/** Fills `out` with big-endian numbers of its type, and gives it back. */
export function decodeNumbers<Numbers extends NetcdfNumbers>(
  view: DataView,
  offset: number,
  out: Numbers,
): Numbers {
  if (out instanceof Float32Array) {
    for (let i = 0; i < out.length; i++) out[i] = view.getFloat32(offset + 4 * i);
  } else if (out instanceof Float64Array) {
    for (let i = 0; i < out.length; i++) out[i] = view.getFloat64(offset + 8 * i);
  } else if (out instanceof Int32Array) {
    for (let i = 0; i < out.length; i++) out[i] = view.getInt32(offset + 4 * i);
  } else if (out instanceof Int16Array) {
    for (let i = 0; i < out.length; i++) out[i] = view.getInt16(offset + 2 * i);
  } else {
    for (let i = 0; i < out.length; i++) out[i] = view.getInt8(offset + i);
  }
  return out;
}

// JavaScript does not define the bits of a NaN (x86 makes negative ones), so they are set here.
function putFloat32(view: DataView, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) view.setUint32(4 * i, 0x7fc00000);
    else view.setFloat32(4 * i, value);
  }
}

function putFloat64(view: DataView, values: Float64Array): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) view.setUint32(8 * i, 0x7ff80000); // the low half stays 0
    else view.setFloat64(8 * i, value);
  }
}

function putInt32(view: DataView, values: Int32Array): void {
  for (let i = 0; i < values.length; i++) view.setInt32(4 * i, values[i]!);
}

function putInt16(view: DataView, values: Int16Array, fill: number): void {
  for (let i = 0; i < values.length; i++) view.setInt16(2 * i, values[i]!);
  for (let at = values.byteLength; at < view.byteLength; at += 2) view.setInt16(at, fill);
}

function putInt8(view: DataView, values: Int8Array, fill: number): void {
  for (let i = 0; i < values.length; i++) view.setInt8(i, values[i]!);
  for (let at = values.byteLength; at < view.byteLength; at++) view.setInt8(at, fill);
}

/** The next multiple of 4, in bytes. */
export function padLength(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

/** The parts one after the other, as a copy. */
export function concatenate(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}
