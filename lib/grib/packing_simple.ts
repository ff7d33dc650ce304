/**
 * GRIB2 simple packing, templates 5.0 and 7.0: integers of equal width side by side.
 *
 * @module
 */
import { unpackBits } from "./bits.ts";
import type { SimpleRepresentation } from "./representation.ts";
import { openConstant, type OpenData, scaleIntegers } from "./scaling.ts";

/**
 * Opens simply packed data. Reading touches only the bits of the values asked for.
 *
 * @returns a reader that throws {@link GribError} when the data end before the values do.
 */
export function openSimple(
  representation: SimpleRepresentation,
  data: Uint8Array,
  end: number,
): OpenData {
  const { bitsPerValue } = representation;
  if (bitsPerValue === 0) return openConstant(representation);
  return {
    readValues: (start, count, out, outStart) => {
      unpackBits(data, start * bitsPerValue, bitsPerValue, count, out, outStart);
      scaleIntegers(representation, out, outStart, count, out, outStart);
    },
    dataBytes: Math.ceil(end * bitsPerValue / 8),
  };
}
