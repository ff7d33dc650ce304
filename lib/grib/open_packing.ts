/**
 * Packed data to values: chooses the packing, and has simple packing itself (templates 5.0 and 7.0,
 * integers of equal width side by side).
 *
 * @module
 */
import { unpackBits } from "./bits.ts";
import { openCcsds } from "./packing_ccsds.ts";
import { openComplex } from "./packing_complex.ts";
import type { Representation, SimpleRepresentation } from "./representation.ts";
import { openConstant, type OpenData, scaleIntegers } from "./scaling.ts";

/**
 * Opens packed data for reading values in ascending order, up to `end` (exclusive, counted among the
 * packed values). Complex packing decodes all values up to `end` at once; the others decode a value
 * when it is read.
 *
 * @returns a reader that throws {@link GribError} when the data are damaged.
 * @throws {GribError} when the data are damaged, or end before those values do.
 */
export function openPacking(
  representation: Representation,
  data: Uint8Array,
  end: number,
): OpenData {
  switch (representation.template) {
    case 0:
      return openSimple(representation, data, end);
    case 2:
    case 3:
      return openComplex(representation, data, end);
    case 42:
      return openCcsds(representation, data);
  }
}

/** Opens simply packed data. Reading touches only the bits of the values asked for. */
function openSimple(
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
