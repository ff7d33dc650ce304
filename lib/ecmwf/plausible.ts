/**
 * The values of a message → what about them cannot be true, in words. ECMWF has published corrupt
 * fields before.
 *
 * @module
 */
import type { GribField } from "../grib/mod.ts";
import type { Variable } from "./variables.ts";

/** The distance between packed values, in their unit; a value is rounded by at most half of it. */
export function findPrecision({ representation }: Pick<GribField, "representation">): number {
  const { bitsPerValue, binaryScaleFactor, decimalScaleFactor } = representation;
  return bitsPerValue === 0 ? 0 : 2 ** binaryScaleFactor * 10 ** -decimalScaleFactor;
}

/**
 * Compares decoded values with the limits of their variable, to within the precision of the packing.
 *
 * @param field the field that they were decoded from: it says whether values may be missing (NaN).
 * @returns what cannot be true, in words; `undefined` when all values are plausible.
 */
export function findImplausible(
  values: Float64Array,
  field: Pick<GribField, "representation" | "bitmap">,
  { limits = {} }: Pick<Variable, "limits">,
): string | undefined {
  const precision = findPrecision(field);
  const { least = -Infinity, most = Infinity } = limits;
  const mayBeMissing = field.bitmap !== undefined ||
    "missingValueManagement" in field.representation;
  let [low, high, notFinite] = [0, 0, 0];
  let [lowest, highest] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least - precision) low++;
    else if (value > most + precision) high++;
    if (!Number.isFinite(value) && !(mayBeMissing && Number.isNaN(value))) notFinite++;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  const [first, ...others] = [
    { count: notFinite, state: "not finite" },
    { count: low, state: `below ${least} (lowest ${lowest})` },
    { count: high, state: `above ${most} (highest ${highest})` },
  ].filter(({ count }) => count > 0);
  if (!first) return undefined;
  return [
    `${first.count} of ${values.length} values ${first.state}`,
    ...others.map(({ count, state }) => `${count} ${state}`),
  ].join(", ");
}
