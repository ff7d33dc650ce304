import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { findShrunk, type MemberTotals, sumBlocks } from "./member_totals.ts";

const totals = (sum: number, precision = 0): MemberTotals => ({
  member: 1,
  sums: [5, sum],
  precision,
});

const hasShrunk = (earlier: MemberTotals, later: MemberTotals) =>
  findShrunk([earlier, later]).length > 0;

const shrunk = (...sums: number[]) => findShrunk(sums.map((sum) => totals(sum)));

Deno.test("sumBlocks() adds up blocks of 16 × 16 points, and the points that are left at the edges", () => {
  const columns = 20;
  const values = Float64Array.from({ length: 18 * columns }, () => 1);
  assertEquals(sumBlocks(values, columns), [256, 64, 32, 8]);
  values[17 * columns + 19] = 100;
  values[0] = NaN;
  assertEquals(sumBlocks(values, columns), [255, 64, 32, 107]);
});

Deno.test("findShrunk() finds a smaller block, unless packing explains it", () => {
  assertEquals(hasShrunk(totals(7), totals(6.9)), true);
  assertEquals(hasShrunk(totals(7), totals(7)), false);
  assertEquals(hasShrunk(totals(7), totals(8)), false);
  assertEquals(hasShrunk(totals(7), totals(6.9, 0.001)), false);
  assertEquals(hasShrunk(totals(7), totals(6.8, 0.001)), true);
  assertEquals(hasShrunk(totals(7), { ...totals(6), sums: [5] }), false);
});

Deno.test("findShrunk() names the message that does not fit, not those that follow it", () => {
  assertEquals(shrunk(1, 2, 2, 3), []);
  assertEquals(shrunk(1, 90, 2, 3), [1]);
  assertEquals(shrunk(1, 2, 0, 3), [2]);
  assertEquals(shrunk(90, 1, 2), [0]);
  assertEquals(shrunk(1, 2, 0), [2]);
  assertEquals(shrunk(2, 1), [1]);
  assertEquals(shrunk(), []);
});
