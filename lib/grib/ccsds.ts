/**
 * Lossless data compression CCSDS 121.0-B (Rice coding in blocks), as in GRIB2 template 7.42.
 *
 * @module
 */
import { openBits } from "./ccsds/bit_cursor.ts";
import { type CcsdsParameters, type Coding, planCoding } from "./ccsds/coding.ts";
import { skipInterval } from "./ccsds/interval.ts";
import {
  openSamples,
  readInterval,
  readSamples,
  type SampleReader,
} from "./ccsds/sample_reader.ts";
import { GribError } from "./grib_error.ts";

export type { CcsdsParameters } from "./ccsds/coding.ts";

/** Part of a stream, counted in samples. */
export interface SampleRange {
  /** First sample, from 0. */
  start: number;
  /** Sample after the last (exclusive). */
  end: number;
}

/** Decoded samples. */
export interface CcsdsResult {
  /** In the order of the stream; an `Int32Array` exactly when flag 1 (signed) is set. */
  samples: Uint32Array | Int32Array;
  /**
   * Bytes from the beginning of the stream to the end of the block that holds the last sample: with
   * these alone the same call gives the same samples, with one less it throws.
   */
  bytesConsumed: number;
}

/** Above this (64 MiB) a stream is walked before memory is taken for its samples. */
const MAX_TRUSTED_SAMPLES = 2 ** 24;

/**
 * Decodes a range of samples. Reference intervals before the range are skipped, at about a sixth of
 * the cost of decoding them; nothing after the block with its last sample is looked at.
 *
 * @param stream The coded data, section 7 of the message from octet 6 on. Not copied.
 * @param parameters Section 5 of the message.
 * @param sampleCount How many samples are coded in all.
 * @param range Which of them to decode. @default all
 * @param out Where to put them, from index 0; `samples` is then a view of it. @default allocated
 * @throws {GribError} when a parameter is not defined by the standard, the range is not within the
 *   samples or `out` is shorter, and when the stream is damaged or ends before the end of the range.
 */
export function decodeCcsds(
  stream: Uint8Array,
  parameters: CcsdsParameters,
  sampleCount: number,
  range: SampleRange = { start: 0, end: sampleCount },
  out?: Uint32Array,
): CcsdsResult {
  const coding = planCoding(parameters);
  checkRange(range, sampleCount);
  const samples = out ? takeOut(out, range) : allocateSamples(stream, coding, range);
  const reader = openSamples(stream, coding);
  const { buffer, byteOffset, length } = samples;
  const target = new Int32Array(buffer, byteOffset, length);
  readRange(reader, range, target);
  return {
    samples: coding.isSigned ? target : samples,
    bytesConsumed: Math.ceil(reader.cursor.bit / 8),
  };
}

/** Decodes whole intervals straight to `out`, by way of the reader's memory what is left of others. */
function readRange(reader: SampleReader, { start, end }: SampleRange, out: Int32Array): void {
  const { samplesPerInterval } = reader.coding;
  for (let at = start; at < end;) {
    const from = at % samplesPerInterval;
    let pieceEnd = at + samplesPerInterval;
    if (from === 0 && pieceEnd <= end) {
      readInterval(reader, at / samplesPerInterval, out.subarray(at - start, pieceEnd - start));
    } else {
      pieceEnd = readSamples(reader, at, end);
      out.set(reader.target.subarray(from, from + pieceEnd - at), at - start);
    }
    at = pieceEnd;
  }
}

function takeOut(out: Uint32Array, range: SampleRange): Uint32Array {
  const count = range.end - range.start;
  if (out.length < count) {
    throw new GribError(
      `Cannot decode ${count} CCSDS samples: \`out\` has room for ${out.length}, make it larger`,
    );
  }
  return out.subarray(0, count);
}

/**
 * Allocates room for the samples of a range. Some hundred bytes of zero blocks can stand for a
 * million samples, so the count cannot be judged by the length of the stream.
 */
function allocateSamples(stream: Uint8Array, coding: Coding, range: SampleRange): Uint32Array {
  const count = range.end - range.start;
  if (count > MAX_TRUSTED_SAMPLES) {
    const cursor = openBits(stream);
    const wholeIntervals = Math.floor(range.end / coding.samplesPerInterval);
    for (let i = 0; i < wholeIntervals; i++) skipInterval(cursor, coding);
  }
  try {
    return new Uint32Array(count);
  } catch (cause) {
    throw new GribError(
      `Cannot decode ${count} CCSDS samples: there is no memory for them, decode smaller ranges`,
      { cause },
    );
  }
}

function checkRange({ start, end }: SampleRange, sampleCount: number): void {
  const isValid = [start, end, sampleCount].every(Number.isSafeInteger) &&
    0 <= start && start <= end && end <= sampleCount;
  if (isValid) return;
  throw new GribError(
    `Cannot decode CCSDS samples ${start} to ${end}: the message says it has ${sampleCount}`,
    { section: 5 },
  );
}
