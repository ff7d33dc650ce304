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
 * Opens packed data for reading the values from `start` to `end` (exclusive, counted among the
 * packed values). CCSDS and complex packing decode here, the range or all that it depends on; simple
 * packing and constant fields decode nothing before they are read.
 *
 * @throws {GribError} when the data are damaged, or end before those values do.
 */
export function openPacking(
  representation: Representation,
  data: Uint8Array,
  start: number,
  end: number,
): OpenData {
  switch (representation.template) {
    case 0:
      return openSimple(representation, data, end);
    case 2:
    case 3:
      return openComplex(representation, data, end);
    case 42:
      return openCcsds(representation, data, start, end);
  }
}
