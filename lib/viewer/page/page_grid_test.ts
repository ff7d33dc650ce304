import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { findBounds, placePoint } from "../../maps/frame.ts";
import { findCell, moveCell, pickLines, planFrame } from "./page_grid.ts";

const latitudes = [2, 1, 0, -1];
const longitudes = [30, 31, 32, 33, 34];
const GRID = {
  latitudes,
  longitudes,
  bounds: findBounds(Float64Array.from(latitudes), Float64Array.from(longitudes)),
};

Deno.test("findCell() finds the cell whose point lies there, up to its edges", () => {
  const frame = planFrame(GRID, 400);
  latitudes.forEach((latitude, row) =>
    longitudes.forEach((longitude, column) => {
      for (const [south, east] of [[0, 0], [-0.49, -0.49], [0.49, 0.49], [-0.49, 0.49]] as const) {
        const [x, y] = placePoint(frame, longitude + east, latitude - south);
        assertEquals(findCell(frame, GRID, x, y), { row, column });
      }
    })
  );
});

Deno.test("findCell() finds nothing beyond the map, where its labels are", () => {
  const frame = planFrame(GRID, 400);
  for (
    const [x, y] of [[41, 50], [389, 50], [100, 5], [100, frame.y + frame.height + 1]] as const
  ) {
    assertEquals(findCell(frame, GRID, x, y), undefined);
  }
});

Deno.test("moveCell() moves rows south and columns east, and stops at the edges", () => {
  const cell = { row: 1, column: 2 };
  assertEquals(moveCell(GRID, cell, 1, -1), { row: 2, column: 1 });
  assertEquals(moveCell(GRID, cell, -10, 10), { row: 0, column: 4 });
  assertEquals(moveCell(GRID, cell, 10, -10), { row: 3, column: 0 });
});

Deno.test("pickLines() picks the points at multiples, all where no point is at one", () => {
  assertEquals(pickLines([25, 24.75, 24.5, 24.25, 24], 0.5), [0, 2, 4]);
  assertEquals(pickLines([1, 0, -1, -2], 2), [1, 3]);
  assertEquals(pickLines([0.125, 0.375], 5), [0, 1]);
});
