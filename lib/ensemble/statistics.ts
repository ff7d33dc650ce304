/**
 * Mean and standard deviation over members, point by point.
 *
 * @module
 */

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
): { mean: Float32Array; deviation: Float32Array } {
  const averages = averageMembers(members, length);
  const squares = new Float64Array(length);
  const counts = new Float64Array(length);
  for (const values of members) {
    for (let point = 0; point < length; point++) {
      const difference = values[point]! - averages[point]!;
      if (difference !== difference) continue;
      squares[point]! += difference * difference;
      counts[point]!++;
    }
  }
  const deviation = new Float32Array(length);
  for (let point = 0; point < length; point++) {
    deviation[point] = Math.sqrt(squares[point]! / counts[point]!);
  }
  return { mean: Float32Array.from(averages), deviation };
}

function averageMembers(members: readonly Float64Array[], length: number): Float64Array {
  const averages = new Float64Array(length);
  const counts = new Float64Array(length);
  for (const values of members) {
    for (let point = 0; point < length; point++) {
      const value = values[point]!;
      if (value !== value) continue;
      averages[point]! += value;
      counts[point]!++;
    }
  }
  for (let point = 0; point < length; point++) averages[point]! /= counts[point]!;
  return averages;
}
