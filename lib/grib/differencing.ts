/**
 * Spatial differencing of GRIB2 complex packing (templates 5.3 and 7.3).
 *
 * @module
 */
import { unpackBits } from "./bits.ts";
import { toSigned } from "./cursor.ts";
import { GribError } from "./grib_error.ts";
import type { ComplexRepresentation } from "./representation.ts";

/** Beyond it sums are no longer exact; real fields stay below 2^33. */
const LARGEST_EXACT = 2 ** 53;

/** Octets at the head of the data: a descriptor for each order and one for the least difference. */
export function countDescriptorBytes(representation: ComplexRepresentation): number {
  const { differencingOrder, descriptorBytes } = representation;
  return differencingOrder === 0 ? 0 : (differencingOrder + 1) * descriptorBytes;
}

/**
 * Sums first or second differences back to integers, in the same array; skips missing values (NaN).
 *
 * @param data section 7 from octet 6 on, which begins with the descriptors.
 * @param packed differences minus the least one, from the first value of the field.
 * @throws {GribError} when the sums leave the range of exact integers.
 */
export function undoDifferencing(
  representation: ComplexRepresentation,
  data: Uint8Array,
  packed: Float64Array,
): void {
  const { firstValues, leastDifference } = unpackDescriptors(representation, data);
  const isSecondOrder = firstValues.length === 2;
  let seen = 0;
  let last = 0;
  let difference = 0;
  for (let i = 0; i < packed.length; i++) {
    const value = packed[i]!;
    if (value !== value) continue;
    if (seen < firstValues.length) {
      difference = firstValues[seen]! - last;
      last = firstValues[seen++]!;
    } else {
      difference = value + leastDifference + (isSecondOrder ? difference : 0);
      last += difference;
    }
    packed[i] = last;
    if (Math.abs(last) > LARGEST_EXACT) failOverflow(i);
  }
}

/** Reads the first values, unsigned, and the least difference, sign and magnitude. */
function unpackDescriptors(representation: ComplexRepresentation, data: Uint8Array) {
  const { differencingOrder, descriptorBytes } = representation;
  const bits = descriptorBytes * 8;
  const descriptors = new Float64Array(differencingOrder + 1);
  unpackBits(data, 0, bits, descriptors.length, descriptors, 0);
  return {
    firstValues: descriptors.subarray(0, differencingOrder),
    leastDifference: toSigned(descriptors[differencingOrder]!, 2 ** (bits - 1)),
  };
}

function failOverflow(index: number): never {
  throw new GribError(
    `Cannot decode complex packing: spatial differences add up to more than 2^53 at value ` +
      `${index}; the message is damaged`,
    { section: 7 },
  );
}
