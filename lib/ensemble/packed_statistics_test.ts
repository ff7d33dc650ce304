import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeRandom } from "../../fixtures/random.ts";
import { measureMembers } from "./measure_members.ts";
import { measurePacked } from "./packed_statistics.ts";
import type { PackedValues } from "./packed_values.ts";
import type { MemberStatistic } from "./statistic.ts";
import { meanAndDeviation } from "./statistics.ts";

/** Longer than a block, and not of whole ones. */
const POINTS = 5000;
const STATISTICS: MemberStatistic[] = [{ kind: "percentile", percent: 90 }, { kind: "maximum" }];

/** Random values; some lack at the points of the second block, and everywhere at one point. */
function drawMembers(lacks: boolean): Float64Array<ArrayBuffer>[] {
  const random = makeRandom(7);
  return Array.from(
    { length: 5 },
    (_, member) =>
      Float64Array.from({ length: POINTS }, (_, point) => {
        const isMissing = lacks && (point === 4000 || member === 3 && point > 2500 && point < 2600);
        return isMissing ? NaN : 100 * random();
      }),
  );
}

for (const lacks of [false, true]) {
  const what = lacks ? "members lack a value at some points" : "all members are whole";
  Deno.test(`measurePacked() gives what the unpacked values give, where ${what}`, () => {
    const members = drawMembers(lacks);
    const packed = members.map((numbers): PackedValues => ({ numbers }));
    const { further, ...statistics } = measurePacked(packed, POINTS, STATISTICS);
    assertEquals(statistics, meanAndDeviation(members, POINTS));
    assertEquals(statistics.counts !== undefined, lacks);
    assertEquals(further, measureMembers(members, POINTS, STATISTICS));
  });
}

Deno.test("measurePacked() makes nothing further unless it is asked for", () => {
  const packed = [{ numbers: Float64Array.of(1, 2) }];
  assertEquals(measurePacked(packed, 2, []), {
    mean: Float32Array.of(1, 2),
    deviation: Float32Array.of(0, 0),
  });
});
