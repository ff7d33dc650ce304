import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { planAxis, planChart, splitRuns } from "./chart.ts";

Deno.test("planAxis() holds an extent between round numbers, about five", () => {
  assertEquals(planAxis(0.12, 1.02), [0, 0.2, 0.4, 0.6, 0.8, 1, 1.2]);
  assertEquals(planAxis(296, 301), [296, 297, 298, 299, 300, 301]);
  assertEquals(planAxis(-7, 12), [-10, -5, 0, 5, 10, 15]);
  assertEquals(planAxis(0, 0), [0, 0.2]);
  for (const [least, most] of [[1e-7, 3e-7], [-0.3, 0.7], [850, 1020], [0, 99], [5, 5]] as const) {
    const axis = planAxis(least, most);
    assert(axis[0]! <= least && axis.at(-1)! >= most && axis.length >= 2 && axis.length <= 8);
  }
});

Deno.test("splitRuns() breaks a line where values are missing", () => {
  assertEquals(splitRuns([NaN, 1, 2, NaN, NaN, 3]), [[1, 2], [5]]);
  assertEquals(splitRuns([NaN]), []);
});

Deno.test("planChart() keeps every band and every step within the axes", () => {
  const line = [2, NaN, 8];
  const bands = [{ low: [-3, NaN, 7], high: [7, NaN, 9] }];
  const times = [0, 3, 12].map((hours) => hours * 3_600_000);
  const plan = planChart({ times, line, bands, members: [], current: 0, label: "mm" }, 360, 260);
  assertEquals(plan.known, [0, 2]);
  assertEquals([plan.ticks[0]! <= -3, plan.ticks.at(-1)! >= 9], [true, true]);
  for (const value of [-3, 9]) assert(plan.y(value) >= plan.top && plan.y(value) <= plan.bottom);
  const [first, second, last] = [0, 1, 2].map(plan.x);
  assert(first! > plan.left && last! < plan.right);
  assertEquals((second! - first!) / (last! - first!), 0.25);
});

Deno.test("planChart() puts a single step in the middle", () => {
  const plan = planChart(
    { times: [5], line: [1], bands: [], members: [], current: 0, label: "" },
    300,
    260,
  );
  assertEquals(plan.x(0), (plan.left + plan.right) / 2);
});
