/**
 * The grid on the map: where its cells lie, in degrees and in pixels.
 *
 * @module
 */
import type { Cell, PageData } from "./data.ts";

/** What of the page's data the grid is. */
export type Grid = Pick<PageData, "latitudes" | "longitudes">;

/** A plate carrée map: the rectangle that it fills, in CSS pixels, and its edges, in degrees. */
export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
  north: number;
  south: number;
  west: number;
  east: number;
}

/** The frame of a map of so many CSS pixels: cells reach half a step beyond the outer points. */
export function planFrame({ latitudes, longitudes }: Grid, totalWidth: number): Frame {
  const [left, right, top] = [42, 12, 6];
  const halfRow = halveStep(latitudes);
  const halfColumn = halveStep(longitudes);
  const north = latitudes[0]! + halfRow;
  const south = latitudes.at(-1)! - halfRow;
  const west = longitudes[0]! - halfColumn;
  const east = longitudes.at(-1)! + halfColumn;
  const width = totalWidth - left - right;
  const height = width * (north - south) / (east - west);
  return { left, top, width, height, north, south, west, east };
}

/** Half the distance between two points of an axis. */
export function halveStep(axis: readonly number[]): number {
  return axis.length === 1 ? 0.5 : Math.abs(axis.at(-1)! - axis[0]!) / (axis.length - 1) / 2;
}

/** Pixels from the left of the map's element. */
export function projectLongitude({ left, width, west, east }: Frame, longitude: number): number {
  return left + (longitude - west) / (east - west) * width;
}

/** Pixels from the top of the map's element. */
export function projectLatitude({ top, height, north, south }: Frame, latitude: number): number {
  return top + (north - latitude) / (north - south) * height;
}

/** The cell at a place of the map's element; `undefined` beyond the edges. */
export function findCell(frame: Frame, grid: Grid, x: number, y: number): Cell | undefined {
  const column = Math.floor((x - frame.left) / frame.width * grid.longitudes.length);
  const row = Math.floor((y - frame.top) / frame.height * grid.latitudes.length);
  const isInside = column >= 0 && column < grid.longitudes.length && row >= 0 &&
    row < grid.latitudes.length;
  return isInside ? { row, column } : undefined;
}

/** The cell so many rows south and columns east of another, not beyond the edges. */
export function moveCell(grid: Grid, { row, column }: Cell, south: number, east: number): Cell {
  const clamp = (index: number, length: number) => Math.min(Math.max(index, 0), length - 1);
  return {
    row: clamp(row + south, grid.latitudes.length),
    column: clamp(column + east, grid.longitudes.length),
  };
}

/** Indices of the points of an axis at multiples of so many degrees; all where there are none. */
export function pickLines(axis: readonly number[], degrees: number): number[] {
  const all = axis.map((_, index) => index);
  const picked = all.filter((index) => {
    const share = axis[index]! / degrees;
    return Math.abs(share - Math.round(share)) < 1e-6;
  });
  return picked.length > 0 ? picked : all;
}
