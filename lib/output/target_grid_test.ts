import { assert, assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import type { WindowAxes } from "../ensemble/field_reducer.ts";
import { UsageError } from "../errors.ts";
import { makeInterpolation } from "./interpolate.ts";
import { makeAxes, makeField } from "./interpolate_fixture.ts";
import {
  checkTargetGrid,
  chooseTargetAxes,
  formatTargetGrid,
  parseTargetGrid,
  requireInside,
  widenRegion,
} from "./target_grid.ts";

const EAST_AFRICA = { north: 25, west: 19, south: -14, east: 55 };
const QUARTER = makeAxes([25, 19, -14, 55], 0.25);
const RAIN_MODEL = "0.1@-13.65,19.15,24.65,54.25";

Deno.test("chooseTargetAxes() takes multiples of the spacing that lie between points of the field", () => {
  const { latitudes, longitudes } = chooseTargetAxes(
    makeAxes([24.8, 19.2, -13.6, 54.8], 0.4),
    EAST_AFRICA,
    { spacing: 0.25 },
  );
  assertEquals([latitudes[0], latitudes.at(-1)], [24.75, -13.5]);
  assertEquals([longitudes[0], longitudes.at(-1)], [19.25, 54.75]);
});

Deno.test("chooseTargetAxes() crosses the antimeridian in the convention of the field", () => {
  const region = { north: 1, west: 179, south: 0, east: -179 };
  const { longitudes } = chooseTargetAxes(makeAxes([1, 179, 0, 181], 1), region, { spacing: 0.5 });
  assertEquals([...longitudes], [179, 179.5, 180, 180.5, 181]);
});

Deno.test("chooseTargetAxes() and checkTargetGrid() refuse a grid without points in the region, or with millions", () => {
  const small = { north: 0.9, west: 30.1, south: 0.1, east: 30.9 };
  for (
    const [region, spacing, state] of [
      [small, 1, "no point"],
      [EAST_AFRICA, 0.001, "points"],
      [EAST_AFRICA, 1e-9, "points"],
    ] as const
  ) {
    const message = `Cannot write a grid of ${spacing}°: the region has `;
    assertThrows(() => chooseTargetAxes(QUARTER, region, { spacing }), UsageError, message);
    assertThrows(() => checkTargetGrid({ spacing }, region), UsageError, message, state);
  }
});

Deno.test("widenRegion() has one more row and column of every era's grid, within the globe", () => {
  assertEquals(widenRegion(EAST_AFRICA), { north: 25.4, west: 18.6, south: -14.4, east: 55.4 });
  assertEquals(
    widenRegion({ north: 90, west: -180, south: -90, east: 180 }),
    { north: 90, west: -180, south: -90, east: 180 },
  );
});

Deno.test("parseTargetGrid() reads a spacing alone, and two corners with the south or the north first", () => {
  assertEquals(parseTargetGrid("0.25"), { spacing: 0.25 });
  const corners = { north: 24.65, west: 19.15, south: -13.65, east: 54.25 };
  assertEquals(parseTargetGrid(RAIN_MODEL), { spacing: 0.1, corners });
  assertEquals(parseTargetGrid("0.1@24.65,19.15,-13.65,54.25"), { spacing: 0.1, corners });
  assertEquals(formatTargetGrid({ spacing: 0.1, corners }), RAIN_MODEL);
  assertEquals(formatTargetGrid({ spacing: 0.25 }), "0.25");
});

for (
  const [text, state] of [
    ["0", "give degrees between points"],
    ["-1", "give degrees between points"],
    ["x", "give degrees between points"],
    ["0.25,0.5", "give degrees between points"],
    ["Infinity", "give degrees between points"],
    ["0.1@", "after @ give latitude,longitude"],
    ["0.1@1,2,3", "after @ give latitude,longitude"],
    ["0.1@1,2,3,4,5", "after @ give latitude,longitude"],
    ["0.1@1,2,3,x", "after @ give latitude,longitude"],
    ["0.1@-91,0,0,1", "a latitude is beyond a pole"],
    ["0.1@0,0,1,361", "a longitude is beyond 360"],
    ["0.1@0,0,1.05,1", "its latitudes are 1.05° apart, which is no multiple of 0.1°"],
    ["0.25@0,0,1,1.1", "its longitudes are 1.1° apart, which is no multiple of 0.25°"],
    ["0.001@0,0,10,10", "it has 100020001 points, more than 4000000"],
  ] as const
) {
  Deno.test(`parseTargetGrid() refuses "${text}": ${state}`, () => {
    assertThrows(() => parseTargetGrid(text), UsageError, `Cannot use --grid "${text}": ${state}`);
  });
}

Deno.test("a grid with corners has them as its first and last points, and every tenth between them", () => {
  const grid = parseTargetGrid(RAIN_MODEL);
  const { latitudes, longitudes } = chooseTargetAxes(QUARTER, grid.corners!, grid);
  assertEquals([latitudes.length, longitudes.length], [384, 352]);
  assertEquals([latitudes[0], latitudes[1], latitudes.at(-1)], [24.65, 24.55, -13.65]);
  assertEquals([longitudes[0], longitudes[1], longitudes.at(-1)], [19.15, 19.25, 54.25]);
});

for (
  const [what, value] of [
    ["latitude", (latitude: number) => latitude],
    ["longitude", (_: number, longitude: number) => longitude],
  ] as const
) {
  Deno.test(`from 0.25° to a grid with corners, a field equal to ${what} stays that, to the bit of float32`, () => {
    const grid = parseTargetGrid(RAIN_MODEL);
    const to = chooseTargetAxes(QUARTER, grid.corners!, grid);
    assertEquals(makeInterpolation(QUARTER, to)(makeField(QUARTER, value)), makeField(to, value));
  });
}

Deno.test("a grid is never extrapolated: a corner outside of the fields is refused by name", () => {
  const grid = parseTargetGrid("0.25@-14.25,19,25,55");
  assertThrows(
    () => chooseTargetAxes(QUARTER, grid.corners!, grid),
    UsageError,
    "Cannot write the grid 0.25@-14.25,19,25,55: the fields have points in 25,19,-14,55 only",
  );
});

Deno.test("the box that is fetched for corners has neighbours for them in every era's grid", () => {
  const { corners } = parseTargetGrid(RAIN_MODEL);
  const { north, west, south, east } = widenRegion(corners!);
  for (const spacing of [0.25, 0.4]) {
    const inside = (from: number, to: number) => {
      const first = Math.ceil(from / spacing);
      return Float64Array.from(
        { length: Math.floor(to / spacing) - first + 1 },
        (_, i) => Number(((first + i) * spacing).toFixed(6)),
      );
    };
    const axes: WindowAxes = {
      latitudes: inside(south, north).reverse(),
      longitudes: inside(west, east),
    };
    const target = chooseTargetAxes(axes, corners!, { spacing: 0.1, corners });
    assertEquals([target.latitudes[0], target.longitudes.at(-1)], [24.65, 54.25]);
  }
});

Deno.test("around the globe a grid ends at columns of the messages, which is known before any request", () => {
  const requireGlobe = (text: string) => requireInside(parseTargetGrid(text), [0.25]);
  requireGlobe("0.25@-90,-180,90,179.75");
  requireGlobe("0.1@0,-170,10,170");
  for (const text of ["0.1@0,-180,10,179.9", "0.25@-90,-180,90,180"]) {
    const { message } = assertThrows(() => requireGlobe(text), UsageError, "around the globe");
    assert(message.startsWith(`Cannot write the grid ${text}: `), message);
  }
});
