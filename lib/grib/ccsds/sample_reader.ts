/**
 * Samples of a stream, from the first asked for to the last, an interval at a time.
 *
 * @module
 */
import { GribError } from "../grib_error.ts";
import { type BitCursor, openBits } from "./bit_cursor.ts";
import type { Coding } from "./coding.ts";
import { readBlock, skipInterval } from "./interval.ts";

/** A place in a stream, and the interval of samples around it. */
export interface SampleReader {
  readonly cursor: BitCursor;
  readonly coding: Coding;
  /** Number of the interval that the cursor is in. */
  interval: number;
  /** How many of its blocks have been read; the cursor is after them. */
  blocksRead: number;
  /** Its samples, as far as they have been read; an `Int32Array` exactly when they are signed. */
  readonly samples: Uint32Array | Int32Array;
  /** The same memory. */
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
 * Reads on to `start` and from there up to `end` (exclusive), but not beyond the interval of
 * `start`. The sample at `start` is then `samples[start % samplesPerInterval]`, and so on.
 *
 * Blocks between the samples asked for are skipped where no sample that follows depends on them, at
 * about a sixth of the cost of decoding them; nothing after the block of the last one is looked at.
 *
 * @returns the sample after the last that was read (exclusive): `end` or less.
 * @throws {GribError} when the stream is damaged or ends before that, and when `start` is in an
 *   interval that has been left behind.
 */
export function readSamples(reader: SampleReader, start: number, end: number): number {
  const { cursor, coding, target } = reader;
  const { samplesPerInterval, blockSize } = coding;
  const interval = Math.floor(start / samplesPerInterval);
  goToInterval(reader, interval);
  const intervalStart = interval * samplesPerInterval;
  const endHere = Math.min(end, intervalStart + samplesPerInterval);
  const endBlock = Math.ceil((endHere - intervalStart) / blockSize);
  let block = reader.blocksRead;
  while (block < endBlock) block += readBlock(cursor, coding, block, target);
  reader.blocksRead = block;
  return endHere;
}

/**
 * Reads on to an interval and decodes the whole of it to `target`, not to `samples`.
 *
 * @throws {GribError} as {@link readSamples} does.
 */
export function readInterval(reader: SampleReader, interval: number, target: Int32Array): void {
  const { cursor, coding } = reader;
  goToInterval(reader, interval);
  for (let block = 0; block < coding.blocksPerInterval;) {
    block += readBlock(cursor, coding, block, target);
  }
  reader.blocksRead = coding.blocksPerInterval;
}

function goToInterval(reader: SampleReader, interval: number): void {
  const { cursor, coding } = reader;
  if (interval < reader.interval) {
    throw new GribError(
      `Cannot read CCSDS interval ${interval}: the reader has come to interval ` +
        `${reader.interval}, read samples in their order`,
    );
  }
  for (; reader.interval < interval; reader.interval++) {
    skipInterval(cursor, coding, reader.blocksRead);
    reader.blocksRead = 0;
  }
}
