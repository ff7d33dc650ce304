import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { meanAndDeviation } from "./statistics.ts";

const MEMBERS = [
  [1, -2.5, 1e-7, 101325.25, 5],
  [2, -2.5, 3e-7, 101324.5, NaN],
  [4, 7, 2e-7, 101330.125, 8],
  [8, 0, NaN, 101326, 11],
].map((values) => Float64Array.from(values));

// What numpy 1.24 makes of them:
// python3 -c "import numpy as np; n=np.nan; m=np.array([[1,-2.5,1e-7,101325.25,5],[2,-2.5,3e-7,101324.5,n],[4,7,2e-7,101330.125,8],[8,0,n,101326,11]]); print(np.nanmean(m,0).astype('f4').tolist(), np.nanstd(m,0).astype('f4').tolist())"
const MEAN = [3.75, 0.5, 2.0000000233721948e-07, 101326.46875, 8.0];
const DEVIATION = [
  2.6809513568878174,
  3.889087200164795,
  8.164965947798919e-08,
  2.176535129547119,
  2.4494898319244385,
];

Deno.test("meanAndDeviation() equals numpy to the last bit of float32, leaving out what is NaN", () => {
  const { mean, deviation } = meanAndDeviation(MEMBERS, 5);
  assertEquals([...mean], MEAN);
  assertEquals([...deviation], DEVIATION);
});

Deno.test("meanAndDeviation() adds any number of members in their order", () => {
  const points = 2500;
  for (let count = 1; count <= 9; count++) {
    // Sums that depend on the order: the later members are lost beside the earlier ones, or are not.
    const members = Array.from(
      { length: count },
      (_, member) =>
        Float64Array.from(
          { length: points },
          (_, i) => Math.sin(i + member) * 10 ** (8 * ((i + member) % 3)),
        ),
    );
    const { mean, deviation } = meanAndDeviation(members, points);
    for (let i = 0; i < points; i++) {
      let [sum, squares] = [0, 0];
      for (const values of members) sum += values[i]!;
      for (const values of members) {
        squares += (values[i]! - sum / count) * (values[i]! - sum / count);
      }
      assertEquals(mean[i], Math.fround(sum / count));
      assertEquals(deviation[i], Math.fround(Math.sqrt(squares / count)));
    }
  }
});

Deno.test("meanAndDeviation() has no spread of one member, whatever its value", () => {
  const { mean, deviation } = meanAndDeviation([Float64Array.of(101325.1, 0, -7)], 3);
  assertEquals([...mean], [Math.fround(101325.1), 0, -7]);
  assertEquals([...deviation], [0, 0, 0]);
});

Deno.test("meanAndDeviation() is NaN only where no member has a value", () => {
  const members = [Float64Array.of(NaN, NaN, 1), Float64Array.of(NaN, 3, 1)];
  const { mean, deviation } = meanAndDeviation(members, 3);
  assertEquals([...mean], [NaN, 3, 1]);
  assertEquals([...deviation], [NaN, 0, 0]);
});

Deno.test("meanAndDeviation() of no member is NaN everywhere", () => {
  const { mean, deviation } = meanAndDeviation([], 2);
  assertEquals([[...mean], [...deviation]], [[NaN, NaN], [NaN, NaN]]);
  assertEquals(meanAndDeviation([], 0).mean.length, 0);
});

Deno.test("meanAndDeviation() leaves the members as they are", () => {
  const member = Float64Array.of(1, NaN);
  meanAndDeviation([member, Float64Array.of(3, 4)], 2);
  assertEquals([...member], [1, NaN]);
});
