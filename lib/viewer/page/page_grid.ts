/**
 * The grid on the map: its cells in degrees and in pixels.
 *
 * @module
 */
import { fitFrame, type Frame } from "../../maps/frame.ts";
import type { Cell, PageData } from "./data.ts";

/** The axes of the grid. */
export type Grid = Pick<PageData, "latitudes" | "longitudes">;

/** The frame of a map, `totalWidth` in CSS pixels, with room for labels on the left and below. */
export function planFrame({ bounds }: Pick<PageData, "bounds">, totalWidth: number): Frame {
  const [left, right, top] = [42, 12, 6];
  return fitFrame(bounds, { x: left, y: top, width: totalWidth - left - right, height: Infinity });
}

/** The cell at a pixel of the map's element; `undefined` beyond the edges. */
export function findCell(frame: Frame, grid: Grid, x: number, y: number): Cell | undefined {
  const column = Math.floor((x - frame.x) / frame.width * grid.longitudes.length);
  const row = Math.floor((y - frame.y) / frame.height * grid.latitudes.length);
  const isInside = column >= 0 && column < grid.longitudes.length && row >= 0 &&
    row < grid.latitudes.length;
  return isInside ? { row, column } : undefined;
}

/** The cell some rows south and columns east of another, within the edges. */
export function moveCell(grid: Grid, { row, column }: Cell, south: number, east: number): Cell {
  const clamp = (index: number, length: number) => Math.min(Math.max(index, 0), length - 1);
  return {
    row: clamp(row + south, grid.latitudes.length),
    column: clamp(column + east, grid.longitudes.length),
  };
}

/** Indices of the points of an axis at multiples of `degrees`; all if no point is at one. */
export function pickLines(axis: readonly number[], degrees: number): number[] {
  const all = axis.map((_, index) => index);
  const picked = all.filter((index) => {
    const share = axis[index]! / degrees;
    return Math.abs(share - Math.round(share)) < 1e-6;
  });
  return picked.length > 0 ? picked : all;
}

/** Whether a place is inside the edges of the map. */
export function isOnMap(
  { bounds: { west, east, south, north } }: Pick<PageData, "bounds">,
  latitude: number,
  longitude: number,
): boolean {
  return latitude >= south && latitude <= north && longitude >= west && longitude <= east;
}

/** The cell whose point is nearest to a place. */
export function findNearest(grid: Grid, latitude: number, longitude: number): Cell {
  const nearest = (axis: readonly number[], wanted: number) => {
    const distances = axis.map((degrees) => Math.abs(degrees - wanted));
    return distances.indexOf(Math.min(...distances));
  };
  return {
    row: nearest(grid.latitudes, latitude),
    column: nearest(grid.longitudes, longitude),
  };
}
