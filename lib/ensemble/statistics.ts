/**
 * Mean and standard deviation over members, point by point.
 *
 * @module
 */

/** Mean and standard deviation at every point. */
export interface Statistics {
  mean: Float32Array;
  deviation: Float32Array;
  /** Members with a value, point by point; absent when all have one at every point. */
  counts?: Uint16Array;
}

/** Points whose sums stay in a processor's fastest memory while all members are added. */
const BLOCK_POINTS = 1024;

/**
 * Population mean and standard deviation (ddof 0) at every point, in float64, two passes, in the
 * order of the members given, so that equal input gives equal bits.
 *
 * A NaN of one member at one point leaves that member out there; where no member has a value, both
 * results are NaN.
 *
 * @param members one array a member, equal lengths.
 * @param length number of points.
 */
export function meanAndDeviation(
  members: readonly Float64Array[],
  length: number,
): Statistics {
  const averages = new Float64Array(length);
  const squares = new Float64Array(length);
  for (let start = 0; start < length; start += BLOCK_POINTS) {
    const end = Math.min(length, start + BLOCK_POINTS);
    sumValues(members, averages, start, end);
    for (let point = start; point < end; point++) averages[point]! /= members.length;
    sumSquares(members, averages, squares, start, end);
  }
  const counts = averages.some(Number.isNaN) ? countValues(members, averages, squares) : undefined;
  const deviation = new Float32Array(length);
  for (let point = 0; point < length; point++) {
    deviation[point] = Math.sqrt(squares[point]! / (counts ? counts[point]! : members.length));
  }
  const isWhole = !counts || counts.every((count) => count === members.length);
  return { mean: new Float32Array(averages), deviation, ...(!isWhole && { counts }) };
}

/** Adds the members in their order, four at a time: a sum is read and written once for them. */
function sumValues(
  members: readonly Float64Array[],
  sums: Float64Array,
  start: number,
  end: number,
): void {
  let next = 0;
  for (; next + 4 <= members.length; next += 4) {
    const [a, b, c, d] = [
      members[next]!,
      members[next + 1]!,
      members[next + 2]!,
      members[next + 3]!,
    ];
    for (let point = start; point < end; point++) {
      sums[point] = sums[point]! + a[point]! + b[point]! + c[point]! + d[point]!;
    }
  }
  for (; next < members.length; next++) {
    const values = members[next]!;
    for (let point = start; point < end; point++) sums[point]! += values[point]!;
  }
}

/** Adds the squares of distances from the average likewise. */
function sumSquares(
  members: readonly Float64Array[],
  averages: Float64Array,
  squares: Float64Array,
  start: number,
  end: number,
): void {
  let next = 0;
  for (; next + 4 <= members.length; next += 4) {
    const [a, b, c, d] = [
      members[next]!,
      members[next + 1]!,
      members[next + 2]!,
      members[next + 3]!,
    ];
    for (let point = start; point < end; point++) {
      const average = averages[point]!;
      const da = a[point]! - average;
      const db = b[point]! - average;
      const dc = c[point]! - average;
      const dd = d[point]! - average;
      squares[point] = squares[point]! + da * da + db * db + dc * dc + dd * dd;
    }
  }
  for (; next < members.length; next++) {
    const values = members[next]!;
    for (let point = start; point < end; point++) {
      const difference = values[point]! - averages[point]!;
      squares[point]! += difference * difference;
    }
  }
}

/** Averages and squares anew where members lack a value; counts them. */
function countValues(
  members: readonly Float64Array[],
  averages: Float64Array,
  squares: Float64Array,
): Uint16Array {
  const counts = new Uint16Array(averages.length).fill(members.length);
  for (const point of averages.keys()) {
    if (!Number.isNaN(averages[point])) continue;
    const values = members.map((member) => member[point]!).filter((value) => !Number.isNaN(value));
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    averages[point] = average;
    squares[point] = values.reduce((sum, value) => sum + (value - average) ** 2, 0);
    counts[point] = values.length;
  }
  return counts;
}
