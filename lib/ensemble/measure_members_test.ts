import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { countUp } from "../util/numbers.ts";
import { measureMembers } from "./measure_members.ts";
import type { Exceedance, MemberStatistic } from "./statistic.ts";

const MEMBERS = [
  [1, -2.5, 1e-7, 101325.25, 5, NaN],
  [2, -2.5, 3e-7, 101324.5, NaN, NaN],
  [4, 7, 2e-7, 101330.125, 8, NaN],
  [8, 0, NaN, 101326, 11, NaN],
  [16, 3, 5e-7, 101327, 2, NaN],
].map((values) => Float64Array.from(values));

const percentile = (percent: number): MemberStatistic => ({ kind: "percentile", percent });

/** What numpy 1.24 makes of them: nanpercentile, nanmin, nanmax and nanstd with ddof 1, as float32. */
const EXPECTED: [MemberStatistic, number[]][] = [
  [percentile(0), [1, -2.5, 1.0000000116860974e-7, 101324.5, 2, NaN]],
  [
    percentile(10),
    [1.399999976158142, -2.5, 1.3000000365082087e-7, 101324.796875, 2.9000000953674316, NaN],
  ],
  [percentile(50), [4, 0, 2.499999993688107e-7, 101326, 6.5, NaN]],
  [
    percentile(97.5),
    [
      15.199999809265137,
      6.599999904632568,
      4.849999868383748e-7,
      101329.8125,
      10.774999618530273,
      NaN,
    ],
  ],
  [percentile(100), [16, 7, 4.999999987376214e-7, 101330.125, 11, NaN]],
  [{ kind: "minimum" }, [1, -2.5, 1.0000000116860974e-7, 101324.5, 2, NaN]],
  [{ kind: "maximum" }, [16, 7, 4.999999987376214e-7, 101330.125, 11, NaN]],
  [
    { kind: "standard_deviation", ddof: 1 },
    [
      6.099180221557617,
      4.046603679656982,
      1.707825134644736e-7,
      2.1894633769989014,
      3.872983455657959,
      NaN,
    ],
  ],
];

Deno.test("measureMembers() equals numpy to the last bit of float32, one by one and all at once, leaving out what is NaN", () => {
  const all = measureMembers(MEMBERS, 6, EXPECTED.map(([statistic]) => statistic));
  for (const [i, [statistic, expected]] of EXPECTED.entries()) {
    assertEquals([...all[i]!], expected, statistic.kind);
    assertEquals([...measureMembers(MEMBERS, 6, [statistic])[0]!], expected, statistic.kind);
  }
});

Deno.test("measureMembers() gives fifty members 1…50 the deviation 14.5774, and numpy's percentiles, in any order", () => {
  const values = countUp(50).map((i) => Float64Array.of(1 + i * 7 % 50));
  const statistics = [
    { kind: "standard_deviation", ddof: 1 } as const,
    ...[10, 50, 90, 2.5].map(percentile),
  ];
  const [deviation, ...percentiles] = measureMembers(values, 1, statistics);
  assertEquals(deviation![0]!.toFixed(4), "14.5774");
  // np.percentile(np.arange(1, 51), [10, 50, 90, 2.5])
  assertEquals(percentiles.map(([value]) => value), [5.9, 25.5, 45.1, 2.225].map(Math.fround));
});

Deno.test("measureMembers() counts the share of the members with a value that exceed a threshold, or stay below", () => {
  const comparisons = [">", ">=", "<", "<="] as const;
  const statistics = comparisons.map((comparison): Exceedance => {
    return { kind: "exceedance", comparison, threshold: 8, label: "8K" };
  });
  const shares = measureMembers(MEMBERS, 6, statistics).map((values) => [...values]);
  assertEquals(
    shares,
    [
      [0.2, 0, 0, 1, 0.25, NaN],
      [0.4, 0, 0, 1, 0.5, NaN],
      [0.6, 1, 1, 0, 0.5, NaN],
      [0.8, 1, 1, 0, 0.75, NaN],
    ].map((values) => values.map(Math.fround)),
  );
});

Deno.test("measureMembers() knows no spread of a sample of one", () => {
  const statistics = [{ kind: "standard_deviation", ddof: 1 }, percentile(90)] as const;
  const [deviation, p90] = measureMembers([Float64Array.of(3)], 1, statistics);
  assertEquals([deviation![0], p90![0]], [NaN, 3]);
});
