import { assert, assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { GribError } from "./grib_error.ts";
import { parseFields } from "./parse_fields.ts";
import { equalGrids, type RegularLatLonGrid } from "./lat_lon_grid.ts";
import { copyNamedMessage } from "./messages_fixture.ts";

function gridOf(name: string): RegularLatLonGrid {
  return parseFields(copyNamedMessage(name))[0]!.grid;
}

Deno.test("readGrid() finds the same corners for every scanning direction", () => {
  const names = ["south to north", "east to west", "both ways turned"];
  const grids = names.map((name) => gridOf(`grid_simple, ${name}`));
  for (const { north, south, west, east } of grids) {
    assertEquals([north, south, west, east], [90e6, -90e6, 0, 345e6]);
  }
  assertEquals(grids.map((grid) => grid.rowsFromSouth), [true, false, true]);
  assertEquals(grids.map((grid) => grid.columnsFromEast), [false, true, true]);
});

Deno.test("readGrid() continues longitudes across the seam", () => {
  const { west, east } = gridOf("area across Greenwich");
  assertEquals([west, east], [340e6, 420e6]);
  const globe = gridOf("globe with 0 repeated as 360");
  assertEquals([globe.west, globe.east], [0, 360e6]);
});

Deno.test("readGrid() takes its units from the basic angle", () => {
  const { unitsPerDegree, north, east } = gridOf("basic angle and subdivisions");
  assertEquals([unitsPerDegree, north, east], [1000, 90_000, 345_000]);
});

Deno.test("equalGrids() distinguishes grids of the same size", () => {
  const simple = gridOf("grid_simple, south to north");
  assert(equalGrids(simple, gridOf("grid_ccsds, south to north")));
  assert(!equalGrids(simple, gridOf("grid_simple, east to west")));
  assert(!equalGrids(simple, gridOf("basic angle and subdivisions")));
});

/** Octets of section 3, which begins at byte 37, and their new values. */
const DAMAGES: [name: string, octet: number, values: number[], text: string][] = [
  ["comes from elsewhere", 6, [1], "code table 3.0 (source of grid definition) is 1"],
  ["lists points for each row", 11, [2], "only regular grids are supported"],
  ["has another template", 13, [0, 40], "code table 3.1 (grid definition template) is 40"],
  ["has fewer points than rows and columns make", 10, [0], "do not make the"],
  ["has columns closer than its corners say", 64, [0, 0, 1, 0], "its longitudes contradict"],
  ["has rows further apart than its corners say", 68, [1], "its latitudes contradict"],
  ["runs north and claims to run south", 72, [64], "its latitudes contradict"],
  ["has a pole beyond the pole", 47, [0x7f], "its latitudes contradict"],
  ["runs down columns", 72, [32], "flag table 3.4 (scanning mode) is 32"],
  ["turns at the end of each row", 72, [16], "flag table 3.4 (scanning mode) is 16"],
];

for (const [name, octet, values, text] of DAMAGES) {
  Deno.test(`readGrid() throws GribError when the grid ${name}`, () => {
    const bytes = copyNamedMessage("simple packing, decimal scale 1");
    bytes.set(values, 37 + octet - 1);
    const error = assertThrows(() => parseFields(bytes), GribError, text);
    assertEquals(error.section, 3);
  });
}

for (const [rowCount, columnCount] of [[0, 24], [2 ** 14, 2 ** 14]] as const) {
  Deno.test(`readGrid() throws GribError when the grid has ${rowCount} × ${columnCount} points`, () => {
    const bytes = copyNamedMessage("simple packing, decimal scale 1");
    const view = new DataView(bytes.buffer);
    view.setUint32(37 + 6, rowCount * columnCount);
    view.setUint32(37 + 30, columnCount);
    view.setUint32(37 + 34, rowCount);
    assertThrows(() => parseFields(bytes), GribError, "points; from 1 to");
  });
}
