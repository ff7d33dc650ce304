/**
 * Snappy (the format of its raw blocks) → bytes. The decoder of hyparquet trusts every length: one
 * flipped bit makes it run for seconds, or without end.
 *
 * Source: google/snappy, `format_description.txt`.
 *
 * @module
 */

/** An element of 3 bytes gives at most 64: no block expands more than this. */
const MAX_EXPANSION = 22;

/**
 * Decompresses a block.
 *
 * @param sizeBytes of the result, as the header of the page claims.
 * @throws {RangeError} when the block is damaged, or does not have this size.
 */
export function decompressSnappy(input: Uint8Array, sizeBytes: number): Uint8Array {
  if (!(sizeBytes >= 0 && sizeBytes <= input.length * MAX_EXPANSION)) {
    throw blockError(`${input.length} bytes cannot hold ${sizeBytes}`);
  }
  const output = new Uint8Array(sizeBytes);
  let read = skipVarint(input);
  let written = 0;
  while (read < input.length) {
    const tag = input[read++]!;
    const kind = tag & 3;
    let length = (tag >>> 2) + 1;
    if (kind === 0) {
      const lengthBytes = length - 60;
      if (lengthBytes > 0) {
        length = readNumber(input, read, lengthBytes) + 1;
        read += lengthBytes;
      }
      if (read + length > input.length || written + length > sizeBytes) {
        throw blockError(`a text of ${length} bytes reaches past its end`);
      }
      output.set(input.subarray(read, read + length), written);
      read += length;
      written += length;
      continue;
    }
    const offsetBytes = kind === 3 ? 4 : kind;
    let offset = readNumber(input, read, offsetBytes);
    read += offsetBytes;
    if (kind === 1) {
      offset += (tag >>> 5) << 8;
      length = ((tag >>> 2) & 7) + 4;
    }
    if (offset === 0 || offset > written || written + length > sizeBytes) {
      throw blockError(`a copy of ${length} bytes from ${offset} before reaches out of it`);
    }
    if (offset >= length) output.copyWithin(written, written - offset, written - offset + length);
    // A copy that overlaps itself repeats what it has just written.
    else for (let i = written; i < written + length; i++) output[i] = output[i - offset]!;
    written += length;
  }
  if (written !== sizeBytes) throw blockError(`it holds ${written} bytes, not ${sizeBytes}`);
  return output;
}

/** The position after the length at the beginning, which the page header repeats. */
function skipVarint(input: Uint8Array): number {
  let read = 0;
  while (read < input.length && input[read++]! >= 0x80);
  return read;
}

/** A little-endian number without sign. */
function readNumber(input: Uint8Array, start: number, bytes: number): number {
  if (start + bytes > input.length) throw blockError("it ends inside a length");
  let value = 0;
  for (let i = bytes - 1; i >= 0; i--) value = value * 256 + input[start + i]!;
  return value;
}

function blockError(state: string): RangeError {
  return new RangeError(`a Snappy block is damaged: ${state}`);
}
