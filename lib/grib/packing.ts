/**
 * Packed data to values, whatever the packing.
 *
 * @module
 */
import { openCcsds } from "./packing_ccsds.ts";
import { openComplex } from "./packing_complex.ts";
import { openSimple } from "./packing_simple.ts";
import type { Representation } from "./representation.ts";
import type { OpenData } from "./scaling.ts";

/**
 * Opens packed data for reading values in ascending order, up to `end` (exclusive, counted among the
 * packed values). Complex packing decodes all up to there at once; the others decode nothing before
 * it is read.
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
