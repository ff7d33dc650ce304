import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { type Feature, traceLines } from "./geography.ts";

/** A hundred units a degree. */
const EAST_AFRICA = { west: 19, east: 55, south: -14, north: 25 };

function trace(bounds = EAST_AFRICA): Record<Feature, string> {
  const [width, height] = [bounds.east - bounds.west, bounds.north - bounds.south];
  return traceLines({ bounds, x: 0, y: 0, width: 100 * width, height: 100 * height });
}

/** Points of path data in degrees. */
function listPoints(path: string, { west, north } = EAST_AFRICA): [number, number][] {
  return [...path.matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [
    west + Number(x) / 100,
    north - Number(y) / 100,
  ]);
}

function findDistance(path: string, longitude: number, latitude: number): number {
  return Math.min(...listPoints(path).map(([x, y]) => Math.hypot(x - longitude, y - latitude)));
}

/** Towns on a line and their degrees from an atlas: east, north. */
const TOWNS: [string, Feature, number, number][] = [
  ["Mombasa", "coast", 39.67, -4.05],
  ["Dar es Salaam", "coast", 39.28, -6.82],
  ["Djibouti", "coast", 43.15, 11.6],
  ["Entebbe on Lake Victoria", "lakes", 32.46, 0.05],
  ["Mwanza on Lake Victoria", "lakes", 32.9, -2.52],
  ["Kigoma on Lake Tanganyika", "lakes", 29.63, -4.88],
  ["Mpulungu on Lake Tanganyika", "lakes", 31.11, -8.77],
  ["Nkhata Bay on Lake Malawi", "lakes", 34.3, -11.6],
  ["Eliye Springs on Lake Turkana", "lakes", 36.0, 3.25],
  ["Bahir Dar on Lake Tana", "lakes", 37.38, 11.6],
  ["Moyale between Ethiopia and Kenya", "borders", 39.05, 3.53],
];

Deno.test("lines pass the towns that lie on them", () => {
  const lines = trace();
  for (const [name, feature, longitude, latitude] of TOWNS) {
    const distance = findDistance(lines[feature], longitude, latitude);
    assert(distance < 0.25, `${name}: ${distance} degrees`);
  }
});

Deno.test("there are no lines far from coasts, lakes and borders", () => {
  const lines = trace();
  assert(findDistance(lines.coast, 50, -2) > 2, "in the Indian Ocean");
  assert(findDistance(lines.lakes, 30, 15) > 4, "in Sudan");
  assert(findDistance(lines.borders, 44, -6) > 3, "in the Indian Ocean");
});

Deno.test("lines are cut at the edges of the frame", () => {
  for (const path of Object.values(trace())) {
    for (const [longitude, latitude] of listPoints(path)) {
      assert(longitude >= 18.999 && longitude <= 55.001, String(longitude));
      assert(latitude >= -14.001 && latitude <= 25.001, String(latitude));
    }
  }
});

Deno.test("a frame across the date line has the lines of both sides", () => {
  const bounds = { west: 170, east: 190, south: -25, north: -10 }; // Fiji
  const points = listPoints(trace(bounds).coast, bounds).map(([longitude]) => longitude);
  assert(points.some((longitude) => longitude > 177 && longitude < 180));
  assert(points.some((longitude) => longitude > 180 && longitude < 181));
});

Deno.test("a frame in the open ocean has no lines", () => {
  const lines = trace({ west: -30, east: -28, south: -32, north: -30 });
  assertEquals(lines, { coast: "", borders: "", lakes: "", provinces: "" });
});
