/**
 * The values of a message → what about them cannot be true, in words. ECMWF has published corrupt
 * fields before.
 *
 * @module
 */
import type { GribField } from "../grib/mod.ts";
import type { Limits, Variable } from "./variables.ts";

/** The largest share of the limits' distance that packing may explain: that of 8 bits. */
const TOLERANCE = 1 / 256;

/** On the whole globe, the values of a field differ by far more than this share of the usual noise. */
const FLAT_SHARE = 1 / 8;

/** The distance between packed values, in their unit; a value is rounded by at most half of it. */
export function findPrecision({ representation }: Pick<GribField, "representation">): number {
  const { bitsPerValue, binaryScaleFactor, decimalScaleFactor } = representation;
  return bitsPerValue === 0 ? 0 : 2 ** binaryScaleFactor * 10 ** -decimalScaleFactor;
}

/** Of a variable without known limits: any number, but no infinity. */
const NO_LIMITS: Limits = { least: -Number.MAX_VALUE, most: Number.MAX_VALUE };

/** A variable at a step. */
export interface VariableAtStep {
  variable: Pick<Variable, "limits" | "noise" | "accumulated">;
  stepHours: number;
}

/**
 * The limits of values, and the usual difference between members, of a variable at a step; without
 * `noise` where no usual difference is known.
 */
export function scaleLimits(
  { variable: { limits, noise, accumulated }, stepHours }: VariableAtStep,
): Limits & Pick<Variable, "noise"> {
  const hours = accumulated ? stepHours : 1;
  return {
    ...(limits ? { least: limits.least, most: limits.most * hours } : NO_LIMITS),
    ...(noise !== undefined && { noise: noise * hours }),
  };
}

/** Whether values of a field may be missing (NaN). */
export function mayBeMissing(
  { bitmap, representation }: Pick<GribField, "representation" | "bitmap">,
): boolean {
  return bitmap !== undefined || "missingValueManagement" in representation;
}

/**
 * Whether values between two numbers are within the limits of their variable, as
 * {@linkcode findImplausible} has them: where they are, no value has to be looked at.
 *
 * @param range in the units of the variable.
 * @param precision distance between packed values, in the same units.
 */
export function isRangePlausible(range: Limits, precision: number, at: VariableAtStep): boolean {
  const { least, most } = widenLimits(precision, at);
  return range.least >= least && range.most <= most;
}

/** The limits of a variable, to within the precision of the packing. */
function widenLimits(precision: number, at: VariableAtStep): Limits {
  const { least, most } = scaleLimits(at);
  // Coarse packing of a field that cannot be true must not widen what can be.
  const room = Math.min(precision, TOLERANCE * (most - least));
  return { least: least - room, most: most + room };
}

/**
 * Compares decoded values with the limits of their variable, to within the precision of the packing.
 *
 * @param values in the units of the variable.
 * @param packing `precision`: the distance between packed values, in the same units.
 * @returns what cannot be true, in words; `undefined` when all values are plausible.
 */
export function findImplausible(
  values: Float64Array,
  packing: { precision: number; mayBeMissing: boolean },
  at: VariableAtStep,
): string | undefined {
  const { least, most } = scaleLimits(at);
  const { least: from, most: to } = widenLimits(packing.precision, at);
  let [low, high, notFinite] = [0, 0, 0];
  let [lowest, highest] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < from) low++;
    else if (value > to) high++;
    if (!Number.isFinite(value) && !(packing.mayBeMissing && Number.isNaN(value))) notFinite++;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  const [first, ...others] = [
    { count: notFinite, state: "not finite" },
    { count: low, state: `below ${round(least)} (lowest ${lowest})` },
    { count: high, state: `above ${round(most)} (highest ${highest})` },
  ].filter(({ count }) => count > 0);
  if (!first) return undefined;
  return [
    `${first.count} of ${values.length} values ${first.state}`,
    ...others.map(({ count, state }) => `${count} ${state}`),
  ].join(", ");
}

/**
 * Compares the packing of a field with the least difference of values on the globe: a damaged scale
 * factor makes a field flat, which shows without other members.
 *
 * @param factor converts packed values to the units of the variable.
 * @returns what cannot be true, in words; `undefined` for a packing that is wide enough, a constant
 *   field, a variable of which no usual difference is known, and packings that do not say how far values
 *   can be apart.
 */
export function findFlatPacking(
  { representation }: Pick<GribField, "representation">,
  factor: number,
  at: VariableAtStep,
): string | undefined {
  const { template, bitsPerValue } = representation;
  const { noise } = scaleLimits(at);
  if (noise === undefined || bitsPerValue === 0 || template === 2 || template === 3) {
    return undefined;
  }
  const range = factor * findPrecision({ representation }) * 2 ** bitsPerValue;
  const leastRange = FLAT_SHARE * noise;
  if (range >= leastRange) return undefined;
  const held = Number(range.toPrecision(2));
  return `its packing holds no values more than ${held} apart, and on the globe they differ by more ` +
    `than ${round(leastRange)}`;
}

/** Without the noise of a product such as 0.1 · 3. */
function round(limit: number): number {
  return Number(limit.toPrecision(12));
}
