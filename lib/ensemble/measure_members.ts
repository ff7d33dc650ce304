/**
 * Statistics over members that are computed only where they are asked for, point by point.
 *
 * @module
 */
import type { Exceedance, MemberStatistic } from "./statistic.ts";

/** The values of one point, without those that are missing. */
interface PointValues {
  /** `count` of them from `start`, in the order of the members. */
  values: Float64Array;
  start: number;
  count: number;
  /** The same ascending, from 0; only where a percentile is asked for. */
  sorted: Float64Array;
}

/** A statistic of the values of a point, of which there is one at least. */
type Measure = (point: PointValues) => number;

/** Points whose values stay in a processor's fast memory while they are gathered and measured. */
const BLOCK_POINTS = 128;

/**
 * Statistics at every point, in float64 over the members that have a value there; NaN where none has.
 *
 * - percentiles are between two members linear, as numpy's default is (Hyndman and Fan's 7th)
 * - an exceedance is the fraction of the members with a value, from 0 to 1
 * - the deviation of a sample is NaN where one member alone has a value
 *
 * Costs some nanoseconds a value; for percentiles more where neighbouring points have their members in
 * another order.
 *
 * @param members one array a member, equal lengths.
 * @param length number of points.
 * @param statistics any but the members themselves.
 * @returns for each statistic its values.
 */
export function measureMembers(
  members: readonly Float64Array[],
  length: number,
  statistics: readonly MemberStatistic[],
): Float32Array[] {
  if (statistics.length === 0) return [];
  const measures = statistics.map(chooseMeasure);
  const isSorted = statistics.some(({ kind }) => kind === "percentile");
  const results = statistics.map(() => new Float32Array(length).fill(NaN));
  const stride = members.length;
  const values = new Float64Array(BLOCK_POINTS * stride);
  const sorted = new Float64Array(stride);
  const order = Uint16Array.from(members.keys());
  const point: PointValues = { values, start: 0, count: 0, sorted };
  for (let first = 0; first < length; first += BLOCK_POINTS) {
    const size = Math.min(BLOCK_POINTS, length - first);
    gather(members, first, size, values);
    for (let i = 0; i < size; i++) {
      const start = i * stride;
      const isWhole = isSorted && sortPoint(values, start, order, sorted);
      point.start = start;
      point.count = isWhole ? stride : closeGaps(values, start, stride);
      if (point.count === 0) continue;
      for (let n = 0; n < measures.length; n++) results[n]![first + i] = measures[n]!(point);
    }
  }
  return results;
}

/** Puts the values of a point side by side. */
function gather(
  members: readonly Float64Array[],
  first: number,
  size: number,
  out: Float64Array,
): void {
  const stride = members.length;
  for (let m = 0; m < stride; m++) {
    const values = members[m]!;
    for (let i = 0, to = m; i < size; i++, to += stride) out[to] = values[first + i]!;
  }
}

/**
 * Sorts the values of a point by insertion, those that are missing last, beginning with the order of the
 * point before: the members of neighbouring points are nearly in the same one.
 *
 * @returns whether none is missing.
 */
function sortPoint(
  values: Float64Array,
  start: number,
  order: Uint16Array,
  sorted: Float64Array,
): boolean {
  let greatest = -Infinity;
  let isWhole = true;
  for (let n = 0; n < order.length; n++) {
    let value = values[start + order[n]!]!;
    if (value !== value) { // NaN
      isWhole = false;
      value = Infinity;
    }
    if (value >= greatest) {
      sorted[n] = value;
      greatest = value;
    } else {
      insert(value, n, order, sorted);
    }
  }
  return isWhole;
}

/** Moves the value at a place before those that are greater. */
function insert(value: number, from: number, order: Uint16Array, sorted: Float64Array): void {
  const member = order[from]!;
  let place = from;
  let before = sorted[place - 1]!;
  do {
    sorted[place] = before;
    order[place] = order[place - 1]!;
    place--;
    before = place > 0 ? sorted[place - 1]! : -Infinity;
  } while (before > value);
  sorted[place] = value;
  order[place] = member;
}

/** Moves the values of a point that are there together. @returns how many there are. */
function closeGaps(values: Float64Array, start: number, length: number): number {
  let end = start;
  for (let i = start; i < start + length; i++) {
    const value = values[i]!;
    if (value === value) values[end++] = value;
  }
  return end - start;
}

function chooseMeasure(statistic: MemberStatistic): Measure {
  switch (statistic.kind) {
    case "mean":
      return findMean;
    case "standard_deviation":
      return (point) => findDeviation(point, statistic.ddof);
    case "minimum":
      return findMinimum;
    case "maximum":
      return findMaximum;
    case "percentile":
      return (point) => findPercentile(point, statistic.percent / 100);
    case "exceedance":
      return (point) => findShare(point, statistic);
    case "members":
      throw new RangeError("Cannot measure the members themselves: they are kept");
  }
}

function findMean({ values, start, count }: PointValues): number {
  let sum = 0;
  for (let i = start; i < start + count; i++) sum += values[i]!;
  return sum / count;
}

function findDeviation(point: PointValues, ddof: number): number {
  const { values, start, count } = point;
  const mean = findMean(point);
  let squares = 0;
  for (let i = start; i < start + count; i++) squares += (values[i]! - mean) ** 2;
  return Math.sqrt(squares / (count - ddof));
}

function findMinimum({ values, start, count }: PointValues): number {
  let least = Infinity;
  for (let i = start; i < start + count; i++) if (values[i]! < least) least = values[i]!;
  return least;
}

function findMaximum({ values, start, count }: PointValues): number {
  let most = -Infinity;
  for (let i = start; i < start + count; i++) if (values[i]! > most) most = values[i]!;
  return most;
}

function findPercentile({ sorted, count }: PointValues, share: number): number {
  const position = share * (count - 1);
  const before = Math.floor(position);
  const lower = sorted[before]!;
  const upper = sorted[Math.min(before + 1, count - 1)]!;
  return lower + (upper - lower) * (position - before);
}

function findShare(
  { values, start, count }: PointValues,
  { comparison, threshold }: Exceedance,
): number {
  let found = 0;
  for (let i = start; i < start + count; i++) {
    if (compare(values[i]!, comparison, threshold)) found++;
  }
  return found / count;
}

function compare(value: number, comparison: Exceedance["comparison"], threshold: number): boolean {
  switch (comparison) {
    case ">":
      return value > threshold;
    case ">=":
      return value >= threshold;
    case "<":
      return value < threshold;
    case "<=":
      return value <= threshold;
  }
}
