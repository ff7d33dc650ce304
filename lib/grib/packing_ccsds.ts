/**
 * GRIB2 CCSDS packing, templates 5.42 and 7.42.
 *
 * @module
 */
import { planCoding } from "./ccsds/coding.ts";
import { openSamples, readSamples } from "./ccsds/sample_reader.ts";
import { GribError } from "./grib_error.ts";
import type { CcsdsRepresentation } from "./representation.ts";
import { openConstant, type OpenData, scaleIntegers } from "./scaling.ts";

/** Bit of octet 22: the samples are signed. */
const SIGNED = 1;

/** Wider integers are not handed over as they are. */
const MAX_INTEGER_BITS = 16;

/**
 * Opens CCSDS data. Reading decodes an interval at a time and resumes where it ended; other values
 * are not stored and, as far as possible, not decoded.
 *
 * @returns a reader of ascending ranges that throws {@link GribError} for others, and when the
 *   stream is damaged.
 * @throws {GribError} when samples are signed: packed values count up from the reference value, and
 *   the meaning of a negative one is not specified.
 */
export function openCcsds(representation: CcsdsRepresentation, data: Uint8Array): OpenData {
  if (representation.bitsPerValue === 0) return openConstant(representation);
  if ((representation.flags & SIGNED) !== 0) {
    throw new GribError(
      `Cannot decode CCSDS data: flags ${representation.flags} (template 5.42, octet 22) say that ` +
        `samples are signed; only unsigned ones are supported`,
      { section: 5 },
    );
  }
  const { bitsPerValue, blockSize, referenceSampleInterval, flags } = representation;
  const coding = planCoding({
    bitsPerSample: bitsPerValue,
    blockSize,
    referenceSampleInterval,
    flags,
  });
  const reader = openSamples(data, coding);
  /** Calls `use` with where samples are in `reader.samples`, interval by interval. */
  const readPieces = (
    start: number,
    count: number,
    use: (from: number, count: number, offset: number) => void,
  ) => {
    const end = start + count;
    for (let at = start; at < end;) {
      const pieceEnd = readSamples(reader, at, end);
      use(at % coding.samplesPerInterval, pieceEnd - at, at - start);
      at = pieceEnd;
    }
  };
  return {
    readValues: (start, count, out, outStart) =>
      readPieces(start, count, (from, pieceCount, offset) => {
        scaleIntegers(representation, reader.samples, from, pieceCount, out, outStart + offset);
      }),
    ...(bitsPerValue <= MAX_INTEGER_BITS && {
      readIntegers: (start, count, out, outStart) =>
        readPieces(start, count, (from, pieceCount, offset) => {
          out.set(reader.samples.subarray(from, from + pieceCount), outStart + offset);
        }),
    }),
    get dataBytes() {
      return Math.ceil(reader.cursor.bit / 8);
    },
  };
}
