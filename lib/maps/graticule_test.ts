import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { formatLatitude, formatLongitude, planGraticule } from "./graticule.ts";

function plan(west: number, east: number, south: number, north: number, labelWidth = 80) {
  const bounds = { west, east, south, north };
  return planGraticule({ bounds, x: 0, y: 0, width: 400, height: 400 }, labelWidth);
}

Deno.test("planGraticule() draws lines at round degrees, as near as their labels allow", () => {
  assertEquals(plan(18.875, 55.125, -14.125, 25.125), {
    meridians: [20, 30, 40, 50],
    parallels: [-10, 0, 10, 20],
  });
  assertEquals(plan(30, 31, 0, 0.5).meridians, [30, 30.2, 30.4, 30.6, 30.8, 31]);
  // Longer labels are further apart: 170.5°W has a letter more than 30.5°E.
  assertEquals(plan(-172, -168, 0, 1, 50).meridians, [-172, -171, -170, -169, -168]);
  assertEquals(plan(28, 32, 0, 1, 50).meridians.slice(0, 3), [28, 28.5, 29]);
  assertEquals(plan(-180, 180, -90, 90).meridians, [-180, -90, 0, 90, 180]);
});

Deno.test("longitudes and latitudes are written with their hemisphere", () => {
  const longitudes = [0, 30, -2.5, 180, -180, 190, 360].map(formatLongitude);
  assertEquals(longitudes, ["0°", "30°E", "2.5°W", "180°", "180°", "170°W", "0°"]);
  assertEquals([0, 10, -2.5].map(formatLatitude), ["0°", "10°N", "2.5°S"]);
});
