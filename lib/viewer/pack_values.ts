/**
 * Packs the values of a variable: rounds them to multiples of a quantum, predicts them from their
 * neighbours and deflates the remainders. `page/unpack.ts` unpacks them.
 *
 * @module
 */
import { findExtent } from "../maps/color_scale.ts";
import type { PackedSteps } from "./page/data.ts";
import { predictNumber } from "./page/predict.ts";

/** Code of a missing value. */
const MISSING = 0xffff;
/** Relative precision of the values in the file. */
const FLOAT32_EPSILON = 2 ** -24;

/** The fields of a variable, one for each step and statistic: row-major, NaN where there is no value. */
export interface StatisticFields {
  /** Of every statistic in the unit of the variable. */
  values: readonly Float32Array[];
  /** Deviations, or an estimate of them. */
  deviation: readonly Float32Array[];
}

/** The values of all steps of a statistic as whole numbers of quanta. */
export interface Codes {
  /** Quanta at code 0. */
  base: number;
  /** One array for each step; {@linkcode MISSING} where there is no value. */
  steps: Uint16Array[];
  /** Largest difference between a value and its quanta. */
  largestError: number;
}

/**
 * The step to which values are rounded: 1, 2 or 5 times a power of ten, at most `share` of the
 * typical spread (the root mean square of the deviations). It is coarser where 16 bits could not
 * count the steps, and as fine as 16 bits and float32 allow where there is no spread.
 *
 * @param factor from the unit of the fields to that of the quantum.
 */
export function chooseQuantum(
  { values, deviation }: StatisticFields,
  factor: number,
  share: number,
): number {
  const spread = findMagnitude(deviation) * factor * share;
  const extents = [values, deviation].map((fields) => findExtent(fields, factor));
  const finest = Math.max(
    ...extents.map(([least, most] = [0, 0]) =>
      Math.max((most - least) / (MISSING - 2), Math.max(-least, most) * FLOAT32_EPSILON)
    ),
  );
  if (finest === 0) return 1;
  return spread > finest ? Math.max(roundDown(spread), roundUp(finest)) : roundUp(finest);
}

/** Decimals that show any multiple of a quantum in full. */
export function countDigits(quantum: number): number {
  return Math.max(0, -Math.floor(Math.log10(quantum) + 1e-9));
}

/** The largest of 1, 2 and 5 times a power of ten that is not above a number. */
function roundDown(value: number): number {
  const power = Math.floor(Math.log10(value));
  const digit = [5, 2].find((it) => Number(`${it}e${power}`) <= value) ?? 1;
  return Number(`${digit}e${power}`);
}

/** The smallest of 1, 2 and 5 times a power of ten that is not below a number. */
function roundUp(value: number): number {
  const power = Math.floor(Math.log10(value));
  const digit = [1, 2, 5].find((it) => Number(`${it}e${power}`) >= value) ?? 10;
  return Number(`${digit}e${power}`);
}

/** The root mean square of all finite values. */
function findMagnitude(fields: readonly Float32Array[]): number {
  let [sum, count] = [0, 0];
  for (const field of fields) {
    for (const value of field) {
      if (!Number.isFinite(value)) continue;
      sum += value * value;
      count++;
    }
  }
  return count === 0 ? 0 : Math.sqrt(sum / count);
}

/** Rounds values, times a factor, to a quantum that {@linkcode chooseQuantum} chose for them. */
export function quantize(
  fields: readonly Float32Array[],
  factor: number,
  quantum: number,
): Codes {
  const [least] = findExtent(fields, factor) ?? [0];
  const base = Math.round(least / quantum);
  let largestError = 0;
  const steps = fields.map((field) => {
    const codes = new Uint16Array(field.length).fill(MISSING);
    for (let i = 0; i < field.length; i++) {
      const value = field[i]! * factor;
      if (!Number.isFinite(value)) continue;
      const quanta = Math.round(value / quantum);
      codes[i] = quanta - base;
      largestError = Math.max(largestError, Math.abs(quanta * quantum - value));
    }
    return codes;
  });
  return { base, steps, largestError };
}

/** Packs codes; each step uses the predictor with the smallest remainders. */
export async function packCodes({ base, steps }: Codes, columns: number): Promise<PackedSteps> {
  const plans = steps.map((codes, step) =>
    [0, 1, 2, 3]
      .filter((predictor) => predictor < 2 || step > 0)
      .map((predictor) => planRemainders(codes, predictor, steps[step - 1], columns))
      .reduce((best, plan) => plan.total < best.total ? plan : best)
  );
  const planes = new Blob(plans.flatMap(({ low, high }) => [low, high]));
  const deflated = planes.stream().pipeThrough(new CompressionStream("deflate-raw"));
  return {
    base,
    predictors: plans.map(({ predictor }) => predictor).join(""),
    bytes: new Uint8Array(await new Response(deflated).arrayBuffer()).toBase64(),
  };
}

/** The remainders of the predictions of a step as bytes, and the sum of their magnitudes. */
function planRemainders(
  codes: Uint16Array,
  predictor: number,
  before: Uint16Array | undefined,
  columns: number,
) {
  const isPlane = predictor % 2 === 1;
  const numbers = predictor < 2 ? codes : codes.map((code, i) => code - before![i]!);
  const low = new Uint8Array(codes.length);
  const high = new Uint8Array(codes.length);
  let total = 0;
  for (let i = 0; i < codes.length; i++) {
    const remainder = (numbers[i]! - predictNumber(numbers, i, columns, isPlane)) << 16 >> 16;
    const zigzag = remainder << 1 ^ remainder >> 31;
    low[i] = zigzag;
    high[i] = zigzag >> 8;
    total += Math.abs(remainder);
  }
  return { predictor, low, high, total };
}
