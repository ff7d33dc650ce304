/**
 * A coded stream → its samples, in ascending order, an interval at a time.
 *
 * @module
 */
import { GribError } from "../grib_error.ts";
import { type BitCursor, openBits } from "./bit_cursor.ts";
import type { Coding } from "./coding.ts";
import { readBlock, skipInterval } from "./interval.ts";

/** A position in a stream, and the samples of its interval. */
interface SampleReader {
  readonly cursor: BitCursor;
  readonly coding: Coding;
  /** Number of the interval that the cursor is in. */
  interval: number;
  /** How many of its blocks have been read; the cursor is after them. */
  blocksRead: number;
  /** Its samples, as far as they have been read; an `Int32Array` exactly when they are signed. */
  readonly samples: Uint32Array | Int32Array;
  /** The memory of `samples`, as the decoder writes it. */
  readonly target: Int32Array;
}

/**
 * Opens a stream before its first sample, without copying it.
 *
 * @throws {GribError} when it has 2^28 bytes or more.
 */
export function openSamples(stream: Uint8Array, coding: Coding): SampleReader {
  const target = new Int32Array(coding.samplesPerInterval);
  const samples = coding.isSigned ? target : new Uint32Array(target.buffer);
  return { cursor: openBits(stream), coding, interval: 0, blocksRead: 0, samples, target };
}

/**
 * Reads the samples from `start` to `end` (exclusive), or to the end of the interval of `start` if
 * that comes first. The sample at `start` is then `samples[start % samplesPerInterval]`, and so on.
 *
 * The rest of the current interval and those before that of `start` are skipped, at about a sixth
 * of the cost of decoding them. Nothing after the block of the last sample is read.
 *
 * @returns the sample after the last that was read (exclusive): `end` or less.
 * @throws {GribError} when the stream is damaged or ends before that, and when the reader has passed
 *   the interval of `start`.
 */
export function readSamples(reader: SampleReader, start: number, end: number): number {
  const { cursor, coding, target } = reader;
  const { samplesPerInterval, blockSize } = coding;
  const interval = Math.floor(start / samplesPerInterval);
  advanceTo(reader, interval);
  const intervalStart = interval * samplesPerInterval;
  const endHere = Math.min(end, intervalStart + samplesPerInterval);
  const endBlock = Math.ceil((endHere - intervalStart) / blockSize);
  let block = reader.blocksRead;
  while (block < endBlock) block += readBlock(cursor, coding, block, target);
  reader.blocksRead = block;
  return endHere;
}

function advanceTo(reader: SampleReader, interval: number): void {
  const { cursor, coding } = reader;
  if (interval < reader.interval) {
    throw new GribError(
      `Cannot read CCSDS interval ${interval}: the reader is at interval ${reader.interval}; read ` +
        `samples in ascending order`,
    );
  }
  for (; reader.interval < interval; reader.interval++) {
    skipInterval(cursor, coding, reader.blocksRead);
    reader.blocksRead = 0;
  }
}
