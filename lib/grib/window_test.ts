import { assert, assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { GribError } from "./grib_error.ts";
import { parseFields } from "./parse_fields.ts";
import type { RegularLatLonGrid } from "./lat_lon_grid.ts";
import {
  copyMessage,
  copyNamedMessage,
  type ExpectedField,
  expectedMessages,
  expectedNumbers,
} from "./messages_fixture.ts";
import { fullWindow, type Region, selectWindow } from "./window.ts";

/** The grid of ECMWF's open data, which begins at 180°. */
const QUARTER_DEGREE: RegularLatLonGrid = {
  columnCount: 1440,
  rowCount: 721,
  unitsPerDegree: 1_000_000,
  north: 90e6,
  south: -90e6,
  west: 180e6,
  east: 539.75e6,
  rowsFromSouth: false,
  columnsFromEast: false,
};
const EAST_AFRICA: Region = { north: 25, west: 19, south: -14, east: 55 };

Deno.test("selectWindow() finds the coordinates that ecCodes and numpy find", () => {
  for (const message of expectedMessages) {
    const fields = parseFields(copyMessage(message));
    fields.forEach(({ grid }, i) => checkWindows(grid, message.fields[i]!, message.name));
  }
});

Deno.test("selectWindow() gives exact quarters of a degree on the open-data grid", () => {
  const window = selectWindow(QUARTER_DEGREE, EAST_AFRICA);
  assertEquals(window.latitudes, Float64Array.from({ length: 157 }, (_, row) => 25 - row / 4));
  assertEquals(window.longitudes, Float64Array.from({ length: 145 }, (_, col) => 19 + col / 4));
  assertEquals([window.firstRow, window.rowCount, window.columnCount], [260, 157, 145]);
  assertEquals(window.columnRuns, [{ firstColumn: 796, columnCount: 145 }]);
});

Deno.test("selectWindow() gives the nearest numbers to tenths of a degree", () => {
  const grid = { ...QUARTER_DEGREE, columnCount: 3600, rowCount: 1801, east: 539.9e6 };
  const { latitudes, longitudes } = selectWindow(grid, EAST_AFRICA);
  latitudes.forEach((latitude, row) => assertEquals(latitude, (250 - row) / 10));
  longitudes.forEach((longitude, col) => assertEquals(longitude, (190 + col) / 10));
});

Deno.test("selectWindow() gives longitudes in the region's convention across the seam of the grid", () => {
  const crossing = { north: 1, west: 179.5, south: 0, east: -179.5 };
  const window = selectWindow(QUARTER_DEGREE, crossing);
  assertEquals([...window.longitudes], [179.5, 179.75, 180, 180.25, 180.5]);
  assertEquals(window.columnRuns, [
    { firstColumn: 1438, columnCount: 2 },
    { firstColumn: 0, columnCount: 3 },
  ]);
  const negative = selectWindow(QUARTER_DEGREE, { ...crossing, west: -180.5, east: -179.5 });
  assertEquals([...negative.longitudes], [-180.5, -180.25, -180, -179.75, -179.5]);
  assertEquals(negative.columnRuns, window.columnRuns);
});

Deno.test("selectWindow() selects each column of the globe once", () => {
  for (const [west, east] of [[-180, 180], [0, 360], [-90, 270], [-360, 0]] as const) {
    const window = selectWindow(QUARTER_DEGREE, { north: 0, west, south: 0, east });
    assertEquals(window.columnCount, 1440);
    assertEquals([window.longitudes[0], window.longitudes.at(-1)], [west, east - 0.25]);
  }
});

Deno.test("selectWindow() gives the part inside the grid of a region that reaches beyond it", () => {
  const { grid } = parseFields(copyNamedMessage("thirds of a degree"))[0]!;
  const window = selectWindow(grid, { north: 90, west: 29.6, south: 19.5, east: 60 });
  const degrees = (values: Float64Array) => [...values].map((value) => value.toFixed(4));
  assertEquals(degrees(window.latitudes), ["20.0000", "19.6667"]);
  assertEquals(degrees(window.longitudes), ["29.6667", "30.0000"]);
});

Deno.test("selectWindow() selects points that a message's rounding moved just outside", () => {
  const grid = { ...QUARTER_DEGREE, north: 25_000_001, south: 20_000_001, rowCount: 21 };
  const { latitudes } = selectWindow(grid, EAST_AFRICA);
  assertEquals([latitudes.length, latitudes[0]], [21, 25.000001]);
});

const REFUSED: [name: string, region: Region, text: string][] = [
  ["is between grid points", { north: 0.2, west: 0.1, south: 0.1, east: 0.2 }, "no grid point"],
  ["has north below south", { ...EAST_AFRICA, north: -20 }, "90 ≥ north ≥ south"],
  ["has a coordinate that is NaN", { ...EAST_AFRICA, west: NaN }, "give degrees"],
  ["spans more than 360°", { ...EAST_AFRICA, west: -180, east: 181 }, "at most 360 apart"],
];

for (const [name, region, text] of REFUSED) {
  Deno.test(`selectWindow() throws GribError when the region ${name}`, () => {
    assertThrows(() => selectWindow(QUARTER_DEGREE, region), GribError, text);
  });
}

Deno.test("selectWindow() throws GribError when a region needs both ends of a local grid", () => {
  const grid = { ...QUARTER_DEGREE, west: 20e6, east: 379.5e6 - 20e6, columnCount: 1359 };
  assert(selectWindow(grid, { ...EAST_AFRICA, west: -0.25 }).longitudes[0] === 20);
  assertThrows(
    () => selectWindow(grid, { ...EAST_AFRICA, west: -10 }),
    GribError,
    "from both ends of a grid",
  );
});

Deno.test("fullWindow() gives the grid's own coordinates, as ecCodes does", () => {
  for (const message of expectedMessages) {
    const fields = parseFields(copyMessage(message));
    fields.forEach(({ grid }, i) => {
      const window = fullWindow(grid);
      const expected = message.fields[i]!;
      assertClose(window.latitudes, expectedNumbers(expected.latitudes, grid.rowCount));
      const longitudes = expectedNumbers(expected.longitudes, grid.columnCount);
      assertClose(window.longitudes.map(toCircle), longitudes.map(toCircle));
    });
  }
});

function checkWindows(grid: RegularLatLonGrid, expected: ExpectedField, name: string): void {
  for (const window of expected.windows ?? []) {
    if (window.rowCount === 0) continue; // refused: decode_test.ts
    const [north, west, south, east] = window.region;
    const actual = selectWindow(grid, { north, west, south, east });
    assertEquals(
      [actual.rowCount, actual.columnCount],
      [window.rowCount, window.columnCount],
      name,
    );
    assertClose(actual.latitudes, expectedNumbers(window.latitudes, window.rowCount));
    assertClose(actual.longitudes, expectedNumbers(window.longitudes, window.columnCount));
  }
}

/** To 10^-5 degrees: ecCodes adds up increments that the message rounds to 10^-6. */
function assertClose(actual: Float64Array, expected: Float64Array): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((value, i) => assert(Math.abs(value - expected[i]!) <= 1.1e-5, `${value}`));
}

/** Into 0–360; up to 10^-4 below 360 counts as 0. */
function toCircle(longitude: number): number {
  return (longitude + 720 + 1e-4) % 360;
}
