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

/** Points that are measured at a time: their sums stay in a processor's fastest memory. */
export const BLOCK_POINTS = 512;

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
  const statistics = new BlockStatistics(length, members.length);
  for (let start = 0; start < length; start += BLOCK_POINTS) {
    statistics.add(members, start, Math.min(BLOCK_POINTS, length - start), start);
  }
  return statistics.finish();
}

/** Measures points as {@linkcode meanAndDeviation} does, block by block. */
export class BlockStatistics {
  readonly #mean: Float32Array;
  readonly #deviation: Float32Array;
  #counts: Uint16Array | undefined;
  readonly #averages = new Float64Array(BLOCK_POINTS);
  readonly #squares = new Float64Array(BLOCK_POINTS);

  /** @param length number of points. @param memberCount of all blocks. */
  constructor(private readonly length: number, private readonly memberCount: number) {
    this.#mean = new Float32Array(length);
    this.#deviation = new Float32Array(length);
  }

  /**
   * Measures some points, at most {@linkcode BLOCK_POINTS}.
   *
   * @param from index of the first one in the arrays of the members.
   * @param start its number among the points of the result.
   */
  add(members: readonly Float64Array[], from: number, count: number, start: number): void {
    const { memberCount } = this;
    const averages = this.#averages.fill(0, 0, count);
    const squares = this.#squares.fill(0, 0, count);
    sumValues(members, averages, from, count);
    let isWhole = true;
    for (let i = 0; i < count; i++) {
      const average = averages[i]! / memberCount;
      averages[i] = average;
      if (average !== average) isWhole = false; // NaN
    }
    sumSquares(members, averages, squares, from, count);
    if (!isWhole) return this.#addCounted(members, from, count, start);
    for (let i = 0; i < count; i++) {
      this.#mean[start + i] = averages[i]!;
      this.#deviation[start + i] = Math.sqrt(squares[i]! / memberCount);
    }
  }

  /** The same where members may lack a value. */
  #addCounted(
    members: readonly Float64Array[],
    from: number,
    count: number,
    start: number,
  ): void {
    const counts = countValues(members, this.#averages, this.#squares, from, count);
    this.#counts ??= new Uint16Array(this.length).fill(this.memberCount);
    this.#counts.set(counts, start);
    for (let i = 0; i < count; i++) {
      this.#mean[start + i] = this.#averages[i]!;
      this.#deviation[start + i] = Math.sqrt(this.#squares[i]! / counts[i]!);
    }
  }

  /** The statistics of all points. */
  finish(): Statistics {
    const counts = this.#counts;
    const isWhole = !counts || counts.every((count) => count === this.memberCount);
    return { mean: this.#mean, deviation: this.#deviation, ...(!isWhole && { counts }) };
  }
}

/** Adds the members in their order, four at a time: a sum is read and written once for them. */
function sumValues(
  members: readonly Float64Array[],
  sums: Float64Array,
  from: number,
  count: number,
): void {
  let next = 0;
  for (; next + 4 <= members.length; next += 4) {
    const [a, b, c, d] = [
      members[next]!,
      members[next + 1]!,
      members[next + 2]!,
      members[next + 3]!,
    ];
    for (let i = 0; i < count; i++) {
      const at = (from + i) | 0;
      sums[i] = sums[i]! + a[at]! + b[at]! + c[at]! + d[at]!;
    }
  }
  for (; next < members.length; next++) {
    const values = members[next]!;
    for (let i = 0; i < count; i++) sums[i]! += values[from + i]!;
  }
}

/** Adds the squares of distances from the average likewise. */
function sumSquares(
  members: readonly Float64Array[],
  averages: Float64Array,
  squares: Float64Array,
  from: number,
  count: number,
): void {
  let next = 0;
  for (; next + 4 <= members.length; next += 4) {
    const [a, b, c, d] = [
      members[next]!,
      members[next + 1]!,
      members[next + 2]!,
      members[next + 3]!,
    ];
    for (let i = 0; i < count; i++) {
      const at = (from + i) | 0;
      const average = averages[i]!;
      const da = a[at]! - average;
      const db = b[at]! - average;
      const dc = c[at]! - average;
      const dd = d[at]! - average;
      squares[i] = squares[i]! + da * da + db * db + dc * dc + dd * dd;
    }
  }
  for (; next < members.length; next++) {
    const values = members[next]!;
    for (let i = 0; i < count; i++) {
      const difference = values[from + i]! - averages[i]!;
      squares[i]! += difference * difference;
    }
  }
}

/** Averages and squares anew where members lack a value; counts them. */
function countValues(
  members: readonly Float64Array[],
  averages: Float64Array,
  squares: Float64Array,
  from: number,
  count: number,
): Uint16Array {
  const counts = new Uint16Array(count).fill(members.length);
  for (let i = 0; i < count; i++) {
    if (!Number.isNaN(averages[i])) continue;
    const values = members.map((member) => member[from + i]!)
      .filter((value) => !Number.isNaN(value));
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    averages[i] = average;
    squares[i] = values.reduce((sum, value) => sum + (value - average) ** 2, 0);
    counts[i] = values.length;
  }
  return counts;
}
