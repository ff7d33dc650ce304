import { assert, assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import type { WindowAxes } from "../ensemble/field_reducer.ts";
import { UsageError } from "../errors.ts";
import { checkSpacing, chooseTargetAxes, makeInterpolation, widenRegion } from "./interpolate.ts";

const EAST_AFRICA = { north: 25, west: 19, south: -14, east: 55 };

/** Points `spacing` apart, north first, west first. */
function makeAxes(
  [north, west, south, east]: [number, number, number, number],
  spacing: number,
): WindowAxes {
  const count = (from: number, to: number) => Math.round((to - from) / spacing) + 1;
  return {
    latitudes: Float64Array.from(
      { length: count(south, north) },
      (_, i) => Number((north - i * spacing).toFixed(6)),
    ),
    longitudes: Float64Array.from(
      { length: count(west, east) },
      (_, i) => Number((west + i * spacing).toFixed(6)),
    ),
  };
}

function makeField(
  { latitudes, longitudes }: WindowAxes,
  value: (latitude: number, longitude: number) => number,
): Float32Array {
  return Float32Array.from(
    [...latitudes].flatMap((latitude) => [...longitudes].map((it) => value(latitude, it))),
  );
}

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
    const target = chooseTargetAxes(BETA, EAST_AFRICA, 0.25);
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

Deno.test("chooseTargetAxes() takes multiples of the spacing that lie between points of the field", () => {
  const { latitudes, longitudes } = chooseTargetAxes(
    makeAxes([24.8, 19.2, -13.6, 54.8], 0.4),
    EAST_AFRICA,
    0.25,
  );
  assertEquals([latitudes[0], latitudes.at(-1)], [24.75, -13.5]);
  assertEquals([longitudes[0], longitudes.at(-1)], [19.25, 54.75]);
});

Deno.test("chooseTargetAxes() crosses the antimeridian in the convention of the field", () => {
  const region = { north: 1, west: 179, south: 0, east: -179 };
  const { longitudes } = chooseTargetAxes(makeAxes([1, 179, 0, 181], 1), region, 0.5);
  assertEquals([...longitudes], [179, 179.5, 180, 180.5, 181]);
});

Deno.test("chooseTargetAxes() and checkSpacing() refuse a grid without points in the region, or with millions", () => {
  const small = { north: 0.9, west: 30.1, south: 0.1, east: 30.9 };
  for (
    const [region, spacing, state] of [
      [small, 1, "no point"],
      [EAST_AFRICA, 0.001, "points"],
      [EAST_AFRICA, 1e-9, "points"],
    ] as const
  ) {
    const message = `Cannot write a grid of ${spacing}°: the region has `;
    assertThrows(() => chooseTargetAxes(QUARTER, region, spacing), UsageError, message);
    assertThrows(() => checkSpacing(region, spacing), UsageError, message, state);
  }
});

Deno.test("widenRegion() has one more row and column of every era's grid, within the globe", () => {
  assertEquals(widenRegion(EAST_AFRICA), { north: 25.4, west: 18.6, south: -14.4, east: 55.4 });
  assertEquals(
    widenRegion({ north: 90, west: -180, south: -90, east: 180 }),
    { north: 90, west: -180, south: -90, east: 180 },
  );
});
