/**
 * Whether the values of a message can be true. ECMWF has published corrupt fields before.
 *
 * @module
 */
import type { GribField } from "../grib/mod.ts";
import type { Variable } from "./variables.ts";

/** How far values may be from what was packed, in their unit: half of it either way. */
export function findPrecision({ representation }: Pick<GribField, "representation">): number {
  const { bitsPerValue, binaryScaleFactor, decimalScaleFactor } = representation;
  return bitsPerValue === 0 ? 0 : 2 ** binaryScaleFactor * 10 ** -decimalScaleFactor;
}

/**
 * Compares decoded values with the limits of their variable, to within the precision of the packing.
 *
 * @param field what they were decoded from: it says where a value may be missing (NaN).
 * @returns what cannot be true, in words; `undefined` when everything can.
 */
export function findImplausible(
  values: Float64Array,
  field: Pick<GribField, "representation" | "bitmap">,
  { limits = {} }: Pick<Variable, "limits">,
): string | undefined {
  const precision = findPrecision(field);
  const { least = -Infinity, most = Infinity } = limits;
  const mayLack = field.bitmap !== undefined || "missingValueManagement" in field.representation;
  let [low, high, strange] = [0, 0, 0];
  let [lowest, highest] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least - precision) low++;
    else if (value > most + precision) high++;
    if (!Number.isFinite(value) && !(mayLack && Number.isNaN(value))) strange++;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  const findings = [
    strange > 0 && `${strange} are no finite numbers`,
    low > 0 && `${low} are below ${least}, the lowest ${lowest}`,
    high > 0 && `${high} are above ${most}, the highest ${highest}`,
  ].filter((finding) => finding !== false);
  return findings.length > 0 ? `of ${values.length} values ${findings.join("; ")}` : undefined;
}
