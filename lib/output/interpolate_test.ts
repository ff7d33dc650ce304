import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeInterpolation } from "./interpolate.ts";
import { makeAxes, makeField } from "./interpolate_fixture.ts";
import { chooseTargetAxes } from "./target_grid.ts";

const EAST_AFRICA = { north: 25, west: 19, south: -14, east: 55 };

const [BETA, QUARTER] = [
  makeAxes([25.2, 18.8, -14, 55.2], 0.4),
  makeAxes([25, 19, -14, 55], 0.25),
];

const FIELDS: [what: string, value: (latitude: number, longitude: number) => number][] = [
  ["its latitude", (latitude) => latitude],
  ["its longitude", (_, longitude) => longitude],
  ["a plane", (latitude, longitude) => 3 * latitude - 0.5 * longitude + 7],
  ["the same everywhere", () => 12.5],
];

for (const [what, value] of FIELDS) {
  Deno.test(`makeInterpolation() gives every point of a field that is ${what} its own value`, () => {
    const target = chooseTargetAxes(BETA, EAST_AFRICA, { spacing: 0.25 });
    assertEquals(target, QUARTER);
    const values = makeInterpolation(BETA, target)(makeField(BETA, value));
    const expected = makeField(target, value);
    for (const [point, found] of values.entries()) {
      assert(Math.abs(found - expected[point]!) < 1e-5, `${point}: ${found} ${expected[point]}`);
    }
  });
}

Deno.test("makeInterpolation() weighs the four points around by nearness", () => {
  const from = makeAxes([1, 0, 0, 1], 1);
  const to = makeAxes([0.75, 0.25, 0.75, 0.25], 1);
  // 1N: 10 and 20, equator: 30 and 50; a quarter of the way south and east.
  const values = makeInterpolation(from, to)(Float32Array.of(10, 20, 30, 50));
  assertEquals([...values], [0.75 * (10 + 0.25 * 10) + 0.25 * (30 + 0.25 * 20)]);
});

Deno.test("makeInterpolation() to the points of the field changes no bit, missing points included", () => {
  const values = makeField(QUARTER, (latitude, longitude) => Math.sin(latitude * longitude));
  values[17] = NaN;
  assertEquals(makeInterpolation(QUARTER, QUARTER)(values), values);
});

Deno.test("makeInterpolation() leaves points empty that a missing point counts for, and only these", () => {
  const from = makeAxes([2, 0, 0, 2], 1);
  const to = makeAxes([2, 0, 0, 2], 0.5);
  const values = makeField(from, () => 1);
  values[4] = NaN; // the middle one
  const empty = [...makeInterpolation(from, to)(values).entries()]
    .filter(([, value]) => Number.isNaN(value)).map(([point]) => point);
  assertEquals(empty, [6, 7, 8, 11, 12, 13, 16, 17, 18]);
});
