/**
 * Packed members → statistics over them, block by block, so that a small part of the values is unpacked at
 * a time.
 *
 * @module
 */
import { release } from "../util/numbers.ts";
import { type PackedValues, unpackValues } from "./kept_members.ts";
import { measureMembers } from "./measure_members.ts";
import type { MemberStatistic } from "./statistic.ts";
import { meanAndDeviation, type Statistics } from "./statistics.ts";

/** Points whose values are unpacked at a time: those of 51 members stay in a processor's memory. */
const BLOCK_POINTS = 1024;

/** Statistics at every point. */
export interface PackedStatistics extends Statistics {
  /** Those that are asked for besides, in their order; absent where none are. */
  further?: Float32Array[];
}

/**
 * Mean, deviation and further statistics, as `meanAndDeviation()` and `measureMembers()` give them for
 * the same values. Holds 8 kB a member.
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
  const mean = new Float32Array(length);
  const deviation = new Float32Array(length);
  const further = statistics.map(() => new Float32Array(length));
  let counts: Uint16Array<ArrayBuffer> | undefined;
  const values = members.map(() => new Float64Array(Math.min(length, BLOCK_POINTS)));
  for (let start = 0; start < length; start += BLOCK_POINTS) {
    const size = Math.min(length - start, BLOCK_POINTS);
    const block = values.map((it) => it.subarray(0, size));
    for (const [i, member] of members.entries()) unpackValues(member, block[i]!, start);
    const own = meanAndDeviation(block, size);
    mean.set(own.mean, start);
    deviation.set(own.deviation, start);
    if (own.counts) {
      counts ??= new Uint16Array(length).fill(members.length);
      counts.set(own.counts, start);
    }
    const measured = measureMembers(block, size, statistics);
    for (const [n, its] of measured.entries()) further[n]!.set(its, start);
  }
  release(...values);
  return { mean, deviation, ...(counts && { counts }), ...(further.length > 0 && { further }) };
}
