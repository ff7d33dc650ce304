/**
 * The results of clients, however they are stored: of each step and variable mean and deviation over a
 * region, and how much those of two clients differ.
 *
 * @module
 */
import { type DecodedNetcdf, decodeNetcdf } from "../../lib/netcdf/decode_netcdf.ts";
import type { Variable } from "../../lib/ecmwf/variables.ts";
import type { Region } from "../../lib/grib/mod.ts";

/** Values on the points of the region, north first. */
export type FieldValues = Float64Array | Float32Array;

/** A pair of each step and variable, in the order in which they were asked for. */
export interface FieldPair {
  mean: FieldValues;
  deviation: FieldValues;
}

/** Reads float64: step, variable, mean and deviation, points. */
export async function readRawPairs(path: string, count: number): Promise<FieldPair[]> {
  const values = new Float64Array((await Deno.readFile(path)).buffer);
  const points = values.length / count / 2;
  if (!Number.isInteger(points)) throw new Error(`${path}: ${values.length} values`);
  return Array.from({ length: count }, (_, i) => ({
    mean: values.subarray(2 * i * points, (2 * i + 1) * points),
    deviation: values.subarray((2 * i + 1) * points, (2 * i + 2) * points),
  }));
}

/** Reads the NetCDF of this project. */
export async function readForecastPairs(
  path: string,
  stepCount: number,
  variables: readonly Pick<Variable, "name">[],
): Promise<FieldPair[]> {
  const file = decodeNetcdf(await Deno.readFile(path));
  const stored = variables.map(({ name }) => ({
    mean: readVariable(file, `${name}_ensemble_mean`),
    deviation: readVariable(file, `${name}_ensemble_standard_deviation`),
  }));
  const pairs: FieldPair[] = [];
  for (let step = 0; step < stepCount; step++) {
    for (const { mean, deviation } of stored) {
      const points = mean.length / stepCount;
      const cut = (values: FieldValues) => values.subarray(step * points, (step + 1) * points);
      pairs.push({ mean: cut(mean), deviation: cut(deviation) });
    }
  }
  return pairs;
}

/** Reads one field of one member from a NetCDF of this project. The deviation of one member is 0. */
export async function readMemberPair(path: string, variable: string): Promise<FieldPair[]> {
  const file = decodeNetcdf(await Deno.readFile(path));
  const mean = readVariable(file, `${variable}_members`);
  return [{ mean, deviation: new Float64Array(mean.length) }];
}

/** Reads the two files that `cdo_client.sh` writes of one step; cdo names variables as MARS does. */
export async function readCdoPairs(
  path: string,
  variables: readonly Pick<Variable, "param">[],
): Promise<FieldPair[]> {
  const [mean, deviation] = await Promise.all(
    ["mean", "deviation"].map(async (kind) =>
      decodeNetcdf(await Deno.readFile(`${path}.${kind}.nc`))
    ),
  );
  return variables.map(({ param }) => ({
    mean: readVariable(mean!, param),
    deviation: readVariable(deviation!, param),
  }));
}

function readVariable({ variables }: DecodedNetcdf, name: string): FieldValues {
  const values = variables.find((variable) => variable.name === name)?.read();
  if (values instanceof Float32Array || values instanceof Float64Array) return values;
  throw new Error(`there is no floating-point variable "${name}"`);
}

const ROWS = 721;
const COLUMNS = 1440;
const SPACING = 0.25;

/**
 * Reads one field of one member in float64, the whole grid of 0.25° from 90N 180W on, and cuts a region
 * out of it.
 */
export async function readWholeField(path: string, region: Region): Promise<FieldPair[]> {
  const field = new Float64Array((await Deno.readFile(path)).buffer);
  if (field.length !== ROWS * COLUMNS) throw new Error(`${path}: ${field.length} values`);
  const [top, bottom] = [region.north, region.south].map((it) => (90 - it) / SPACING);
  const [left, right] = [region.west, region.east].map((it) => (it + 180) / SPACING);
  const width = right! - left! + 1;
  const mean = new Float64Array((bottom! - top! + 1) * width);
  for (let row = top!; row <= bottom!; row++) {
    const start = row * COLUMNS + left!;
    mean.set(field.subarray(start, start + width), (row - top!) * width);
  }
  return [{ mean, deviation: new Float64Array(mean.length) }];
}

/**
 * The largest difference between results, relative to the value or, where it is smaller, to a share of
 * the largest one of the mean.
 *
 * @param leastShare of the largest mean. @default 1e-6
 */
export function findLargestDifference(
  found: readonly FieldPair[],
  expected: readonly FieldPair[],
  leastShare = 1e-6,
): number {
  if (found.length !== expected.length) {
    throw new Error(`there are ${found.length} fields, not ${expected.length}`);
  }
  let worst = 0;
  for (const [i, { mean, deviation }] of found.entries()) {
    const wanted = expected[i]!;
    const least = Math.max(leastShare * findLargest(wanted.mean), Number.MIN_VALUE);
    worst = Math.max(worst, compareValues(mean, wanted.mean, least));
    worst = Math.max(worst, compareValues(deviation, wanted.deviation, least));
  }
  return worst;
}

function findLargest(values: FieldValues): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest;
}

/** A missing value, or one more on one side, is an infinite difference. */
function compareValues(found: FieldValues, expected: FieldValues, least: number): number {
  if (found.length !== expected.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < found.length; i++) {
    const difference = Math.abs(found[i]! - expected[i]!);
    const relative = difference / Math.max(Math.abs(expected[i]!), least);
    if (!(relative <= worst)) worst = Number.isNaN(relative) ? Infinity : relative;
  }
  return worst;
}
