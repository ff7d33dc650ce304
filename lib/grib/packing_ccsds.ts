/**
 * GRIB2 CCSDS packing, templates 5.42 and 7.42.
 *
 * @module
 */
import { decodeCcsds } from "./ccsds.ts";
import { GribError } from "./error.ts";
import type { CcsdsRepresentation } from "./representation.ts";
import { openConstant, type OpenData, scaleIntegers } from "./scaling.ts";

/** Bit of octet 22: the samples are signed. */
const SIGNED = 1;

/**
 * Decodes the samples from `start` to `end` (exclusive), skipping what lies before them.
 *
 * @throws {GribError} when the stream is damaged, or holds signed samples: packed values count up
 *   from the reference value, and what a negative one stands for is not specified.
 */
export function openCcsds(
  representation: CcsdsRepresentation,
  data: Uint8Array,
  start: number,
  end: number,
): OpenData {
  if (representation.bitsPerValue === 0) return openConstant(representation);
  if ((representation.flags & SIGNED) !== 0) {
    throw new GribError(
      `Cannot decode CCSDS data: flags ${representation.flags} (template 5.42, octet 22) say that ` +
        `samples are signed, only unsigned ones are read`,
      { section: 5 },
    );
  }
  const { samples, bytesConsumed } = decodeCcsds(
    data,
    {
      bitsPerSample: representation.bitsPerValue,
      blockSize: representation.blockSize,
      referenceSampleInterval: representation.referenceSampleInterval,
      flags: representation.flags,
    },
    representation.valueCount,
    { start, end },
  );
  return {
    readValues: (from, count, out, outStart) =>
      scaleIntegers(representation, samples, from - start, count, out, outStart),
    dataBytes: bytesConsumed,
  };
}
