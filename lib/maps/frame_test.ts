import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { findBounds, fitFrame, placePoint } from "./frame.ts";

const BOUNDS = { west: 20, east: 40, south: -10, north: 0 };

Deno.test("findBounds() gives the edges of the cells around the points", () => {
  const bounds = findBounds(Float64Array.of(1, 0.75, 0.5), Float64Array.of(30, 30.5));
  assertEquals(bounds, { west: 29.75, east: 30.75, south: 0.375, north: 1.125 });
  const row = findBounds(Float64Array.of(5), Float64Array.of(30, 30.5, 31));
  assertEquals(row, { west: 29.75, east: 31.25, south: 4.75, north: 5.25 });
  const single = findBounds(Float64Array.of(5), Float64Array.of(30));
  assertEquals(single, { west: 29.5, east: 30.5, south: 4.5, north: 5.5 });
});

Deno.test("fitFrame() makes a degree equally long both ways, as large as the box allows", () => {
  const wide = fitFrame(BOUNDS, { x: 5, y: 7, width: 200, height: 500 });
  assertEquals(wide, { bounds: BOUNDS, x: 5, y: 7, width: 200, height: 100 });
  const flat = fitFrame(BOUNDS, { x: 5, y: 7, width: 200, height: 50 });
  assertEquals([flat.width, flat.height], [100, 50]);
});

Deno.test("placePoint() puts north at the top and east at the right", () => {
  const frame = { bounds: BOUNDS, x: 5, y: 7, width: 200, height: 100 };
  assertEquals(placePoint(frame, 20, 0), [5, 7]);
  assertEquals(placePoint(frame, 40, -10), [205, 107]);
  assertEquals(placePoint(frame, 30, -2.5), [105, 32]);
});
