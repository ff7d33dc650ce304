/**
 * A grid and a region → the window of the grid that is inside the region.
 *
 * @module
 */
import { GribError } from "./grib_error.ts";
import type { RegularLatLonGrid } from "./lat_lon_grid.ts";

/**
 * A region in degrees, edges included. Longitudes may follow any convention; `east` below `west`
 * means that the region crosses the 180th meridian (or Greenwich, in the 0–360 convention).
 */
export interface Region {
  readonly north: number;
  readonly west: number;
  readonly south: number;
  readonly east: number;
}

/** Neighbouring columns of a grid. */
interface ColumnRun {
  /** First column, counted from the west of the grid, from 0. */
  readonly firstColumn: number;
  readonly columnCount: number;
}

/** Rows and columns of one grid. Plain data: it can be posted to a worker. */
export interface GridWindow {
  /** The grid that the window is cut from; only its fields can be decoded with this window. */
  readonly grid: RegularLatLonGrid;
  /** Degrees, from north to south. */
  readonly latitudes: Float64Array;
  /** Degrees, from west to east and without a jump: a window across 180° continues to 181. */
  readonly longitudes: Float64Array;
  readonly rowCount: number;
  readonly columnCount: number;
  /** First row, counted from the north of the grid, from 0. */
  readonly firstRow: number;
  /** The columns from west to east: one run, or two where the window crosses the grid's seam. */
  readonly columnRuns: readonly ColumnRun[];
}

/** A point this close outside an edge counts as inside: messages round coordinates to 10^-6°. */
const EDGE_DEGREES = 1e-5;

/** The whole grid as a window, in the grid's own longitudes. */
export function fullWindow(grid: RegularLatLonGrid): GridWindow {
  const { rowCount, columnCount } = grid;
  return {
    grid,
    latitudes: Float64Array.from({ length: rowCount }, (_, row) => latitudeOf(grid, row)),
    longitudes: Float64Array.from({ length: columnCount }, (_, col) => longitudeOf(grid, col, 0)),
    rowCount,
    columnCount,
    firstRow: 0,
    columnRuns: [{ firstColumn: 0, columnCount }],
  };
}

/**
 * The rows and columns of `grid` inside `region`, with longitudes in the region's convention. No
 * column occurs twice: a region of 360° on a global grid gives each column once. Of a region that
 * reaches beyond the grid it gives the part inside the grid.
 *
 * @throws {GribError} when the region is not valid, contains no point of the grid, or needs columns
 *   from both ends of a grid that does not span the globe.
 */
export function selectWindow(grid: RegularLatLonGrid, region: Region): GridWindow {
  checkRegion(region);
  const { firstRow, latitudes } = selectRows(grid, region);
  const { columnRuns, longitudes } = selectColumns(grid, region);
  if (latitudes.length === 0 || longitudes.length === 0) {
    throw new GribError(
      `Cannot select ${describeRegion(region)}: no grid point is inside it; ` +
        `the grid's points are ${describeSpacing(grid)} apart`,
    );
  }
  return {
    grid,
    latitudes,
    longitudes,
    rowCount: latitudes.length,
    columnCount: longitudes.length,
    firstRow,
    columnRuns,
  };
}

function selectRows(grid: RegularLatLonGrid, region: Region) {
  const latitudes: number[] = [];
  let firstRow = 0;
  for (let row = 0; row < grid.rowCount; row++) {
    const latitude = latitudeOf(grid, row);
    if (latitude > region.north + EDGE_DEGREES) firstRow = row + 1;
    else if (latitude >= region.south - EDGE_DEGREES) latitudes.push(latitude);
  }
  return { firstRow, latitudes: Float64Array.from(latitudes) };
}

/**
 * Converts the longitude of every column to the region's convention (the first one not west of the
 * region) and selects those inside. They ascend, with at most one fall at the region's west edge.
 */
function selectColumns(grid: RegularLatLonGrid, region: Region) {
  const width = region.east < region.west
    ? region.east - region.west + 360
    : region.east - region.west;
  const west = region.west - EDGE_DEGREES;
  const pieces: { firstColumn: number; longitudes: number[] }[] = [];
  let previousColumn = NaN;
  let previousLongitude = NaN;
  for (let column = 0; column < countUniqueColumns(grid); column++) {
    const turns = Math.ceil((west - longitudeOf(grid, column, 0)) / 360);
    const longitude = longitudeOf(grid, column, turns);
    if (longitude > region.west + width + EDGE_DEGREES) continue;
    if (column !== previousColumn + 1 || longitude < previousLongitude) {
      pieces.push({ firstColumn: column, longitudes: [] });
    }
    pieces.at(-1)!.longitudes.push(longitude);
    previousColumn = column;
    previousLongitude = longitude;
  }
  pieces.sort((a, b) => a.longitudes[0]! - b.longitudes[0]!);
  if (pieces.length > 1) checkSeam(grid, region);
  return {
    columnRuns: pieces.map((piece) => ({
      firstColumn: piece.firstColumn,
      columnCount: piece.longitudes.length,
    })),
    longitudes: Float64Array.from(pieces.flatMap((piece) => piece.longitudes)),
  };
}

/** Columns without those that repeat the beginning of the grid, such as 360° after 0°. */
function countUniqueColumns(grid: RegularLatLonGrid): number {
  return Math.min(grid.columnCount, countColumnsAround(grid));
}

/** Columns that span the globe once at the grid's spacing. */
function countColumnsAround(grid: RegularLatLonGrid): number {
  if (grid.columnCount === 1) return 1;
  return Math.round(360 * grid.unitsPerDegree * (grid.columnCount - 1) / (grid.east - grid.west));
}

function checkSeam(grid: RegularLatLonGrid, region: Region): void {
  if (grid.columnCount >= countColumnsAround(grid)) return;
  throw new GribError(
    `Cannot select ${describeRegion(region)}: it needs points from both ends of a grid that does ` +
      `not span the globe; select one end`,
  );
}

/** Latitude in degrees of a row counted from the north. */
function latitudeOf(grid: RegularLatLonGrid, row: number): number {
  return interpolate(grid.north, grid.south, row, grid.rowCount) / grid.unitsPerDegree;
}

/** Longitude in degrees of a column counted from the west, `turns` times 360° further. */
function longitudeOf(grid: RegularLatLonGrid, column: number, turns: number): number {
  const units = interpolate(grid.west, grid.east, column, grid.columnCount);
  return (units + turns * 360 * grid.unitsPerDegree) / grid.unitsPerDegree;
}

/**
 * Coordinate of point `index` of `count`. From both ends, because the increment in the message may
 * be rounded (1/3° has none in 10^-6 degrees); whole units come out exact.
 */
function interpolate(first: number, last: number, index: number, count: number): number {
  return count === 1 ? first : (first * (count - 1 - index) + last * index) / (count - 1);
}

function checkRegion(region: Region): void {
  const { north, west, south, east } = region;
  const isRegion = north <= 90 && south >= -90 && north >= south &&
    Math.abs(west) <= 360 && Math.abs(east) <= 360 && Math.abs(east - west) <= 360;
  if (!isRegion) {
    throw new GribError(
      `Cannot select ${describeRegion(region)}: give degrees with 90 ≥ north ≥ south ≥ -90 and ` +
        `-360 ≤ west, east ≤ 360, at most 360 apart`,
    );
  }
}

function describeRegion(region: Region): string {
  return `the region ${region.north}N ${region.west}E to ${region.south}N ${region.east}E`;
}

function describeSpacing(grid: RegularLatLonGrid): string {
  const degrees = (span: number, count: number) =>
    count === 1 ? "0°" : `${span / (count - 1) / grid.unitsPerDegree}°`;
  return `${degrees(grid.north - grid.south, grid.rowCount)} (latitude) and ` +
    `${degrees(grid.east - grid.west, grid.columnCount)} (longitude)`;
}
