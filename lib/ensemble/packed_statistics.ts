/**
 * Packed members → statistics over them, block by block, so that a small part of the values is unpacked at
 * a time.
 *
 * @module
 */
import { release } from "../util/numbers.ts";
import { measureMembers } from "./measure_members.ts";
import { type PackedValues, unpackValues } from "./packed_values.ts";
import type { MemberStatistic } from "./statistic.ts";
import { BLOCK_POINTS, BlockStatistics, type Statistics } from "./statistics.ts";

/** Statistics at every point. */
export interface PackedStatistics extends Statistics {
  /** Those that are asked for besides, in their order; absent where none are. */
  further?: Float32Array[];
}

/**
 * Mean, deviation and further statistics, as `meanAndDeviation()` and `measureMembers()` give them for
 * the same values. Holds 4 kB a member.
 *
 * @param members of as many values each.
 * @param length number of points.
 * @param statistics those besides mean and deviation.
 */
export function measurePacked(
  members: readonly PackedValues[],
  length: number,
  statistics: readonly MemberStatistic[],
): PackedStatistics {
  const measured = new BlockStatistics(length, members.length);
  const further = statistics.map(() => new Float32Array(length));
  const size = Math.min(length, BLOCK_POINTS);
  const blocks = members.map(() => new Float64Array(size));
  for (let start = 0; start < length; start += size) {
    const count = Math.min(size, length - start);
    const values = count === size ? blocks : blocks.map((block) => block.subarray(0, count));
    for (let m = 0; m < members.length; m++) unpackValues(members[m]!, values[m]!, start);
    measured.add(values, 0, count, start);
    for (const [n, its] of measureMembers(values, count, statistics).entries()) {
      further[n]!.set(its, start);
    }
  }
  release(...blocks);
  return { ...measured.finish(), ...(further.length > 0 && { further }) };
}
