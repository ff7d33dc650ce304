/**
 * The regular grid that an output may ask for: its text, the region that must be fetched for it, and its
 * points.
 *
 * @module
 */
import { DATASETS } from "../ecmwf/datasets.ts";
import type { WindowAxes } from "../ensemble/field_reducer.ts";
import { UsageError } from "../errors.ts";
import type { Region } from "../grib/headers.ts";
import { widthOf } from "./regions.ts";

/** No output is larger, not even the globe at 0.15°. */
const MOST_POINTS = 4_000_000;
/** Points this close are the same: messages round coordinates to 10^-6°. */
const EDGE_DEGREES = 1e-5;

/** Degrees around a region that hold one more row and column of the grid of every era. */
const MARGIN = Math.max(
  ...Object.values(DATASETS).flatMap(({ eras }) => eras)
    .flatMap(({ folders }) => folders.map(({ grid }) => grid.spacing)),
);

/** Points to which fields are interpolated. */
export interface TargetGrid {
  /** Degrees between neighbours. */
  spacing: number;
  /**
   * The outermost rows and columns, all of which the output has.
   *
   * @default {undefined} (the multiples of `spacing` in the region that lie between points of the field)
   */
  corners?: Region;
}

/**
 * A grid of its spacing, `0.25`, or of its spacing and two opposite corners, `0.1@-13.65,19.15,24.65,54.25`:
 * latitude and longitude of the one, then of the other, the western one first. As with regions, an east
 * below the west goes on across the 180th meridian.
 *
 * @param text of the option `--grid`.
 * @throws {UsageError} for anything else, and for corners that are not a whole number of spacings apart.
 */
export function parseTargetGrid(text: string): TargetGrid {
  const fail = (state: string): never => {
    throw new UsageError(`Cannot use --grid "${text}": ${state}`);
  };
  const [spacingText = "", cornersText] = text.split(/@(.*)/s, 2);
  const spacing = Number(spacingText);
  if (!(spacing > 0 && spacing < Infinity)) fail("give degrees between points, such as 0.25");
  if (cornersText === undefined) return { spacing };
  const numbers = cornersText.split(",").map((it) => it.trim() === "" ? NaN : Number(it));
  const [latitude, west, otherLatitude, east, ...others] = numbers as [number, ...number[]];
  if (others.length > 0 || !numbers.every(Number.isFinite) || east === undefined) {
    fail(
      "after @ give latitude,longitude of two opposite corners, as 0.1@-13.65,19.15,24.65,54.25",
    );
  }
  const grid: TargetGrid = {
    spacing,
    corners: {
      north: Math.max(latitude, otherLatitude!),
      west: west!,
      south: Math.min(latitude, otherLatitude!),
      east: east!,
    },
  };
  const fault = findGridFault(grid);
  return fault === undefined ? grid : fail(fault);
}

/** What is wrong with a grid, by itself; `undefined` for a grid that can be written. */
export function findGridFault({ spacing, corners }: TargetGrid): string | undefined {
  if (!corners) return undefined;
  const { north, south, west, east } = corners;
  if (north > 90 || south < -90) return "a latitude is beyond a pole; give 90 to -90";
  if (Math.abs(west) > 360 || Math.abs(east) > 360) return "a longitude is beyond 360";
  const extents = { latitudes: north - south, longitudes: widthOf(corners) };
  for (const [name, degrees] of Object.entries(extents)) {
    if (Math.abs(degrees - Math.round(degrees / spacing) * spacing) <= EDGE_DEGREES) continue;
    const apart = Number(degrees.toFixed(6));
    return `its ${name} are ${apart}° apart, which is no multiple of ${spacing}°`;
  }
  const count = countPoints(corners, spacing);
  if (count > MOST_POINTS) return `it has ${count} points, more than ${MOST_POINTS}`;
  return undefined;
}

/** As the option takes it, the south first: `0.1@-13.65,19.15,24.65,54.25`. */
export function formatTargetGrid({ spacing, corners }: TargetGrid): string {
  if (!corners) return `${spacing}`;
  const { north, west, south, east } = corners;
  return `${spacing}@${[south, west, north, east].join(",")}`;
}

function countPoints(corners: Region, spacing: number): number {
  const steps = (degrees: number) => Math.round(degrees / spacing) + 1;
  return steps(corners.north - corners.south) * steps(widthOf(corners));
}

/** A region with one more row and column around it, so that points near its edges have neighbours. */
export function widenRegion({ north, west, south, east }: Region): Region {
  const isRing = widthOf({ west, east }) + 2 * MARGIN >= 360;
  return {
    north: Math.min(90, north + MARGIN),
    south: Math.max(-90, south - MARGIN),
    west: isRing ? west : west - MARGIN,
    east: isRing ? east : east + MARGIN,
  };
}

/**
 * The points of a grid, between those of a field, so that no value is extrapolated: of a grid with
 * corners all of them, else the multiples of its spacing in a region.
 *
 * @param axes of the field; longitudes in the convention of the region, ascending.
 * @throws {UsageError} when there is no such point, or too many, or when a corner lies outside.
 */
export function chooseTargetAxes(
  axes: WindowAxes,
  region: Region,
  { spacing, corners }: TargetGrid,
): WindowAxes {
  if (corners) return listPoints(axes, corners, spacing);
  const { latitudes, longitudes } = axes;
  const { north, west, south, east } = region;
  const rows = findMultiples(
    Math.max(south, latitudes.at(-1)!),
    Math.min(north, latitudes[0]!),
    spacing,
  );
  const columns = findMultiples(
    Math.max(west, longitudes[0]!),
    Math.min(west + widthOf({ west, east }), longitudes.at(-1)!),
    spacing,
  );
  requirePoints(rows.length * columns.length, spacing);
  return {
    latitudes: listMultiples(rows, spacing).reverse(),
    longitudes: listMultiples(columns, spacing),
  };
}

/** @throws {UsageError} when a point lies outside of the field. */
function listPoints(
  { latitudes, longitudes }: WindowAxes,
  corners: Region,
  spacing: number,
): WindowAxes {
  const { north, south, west } = corners;
  const east = west + widthOf(corners);
  const isInside = north <= latitudes[0]! + EDGE_DEGREES &&
    south >= latitudes.at(-1)! - EDGE_DEGREES &&
    west >= longitudes[0]! - EDGE_DEGREES && east <= longitudes.at(-1)! + EDGE_DEGREES;
  if (!isInside) {
    const found = [latitudes[0]!, longitudes[0]!, latitudes.at(-1)!, longitudes.at(-1)!];
    throw new UsageError(
      `Cannot write the grid ${
        formatTargetGrid({ spacing, corners })
      }: the fields have points in ` +
        `${found.join(",")} only; give corners inside`,
    );
  }
  const list = (from: number, to: number, step: number) =>
    Float64Array.from(
      { length: Math.round((to - from) / step) + 1 },
      (_, i) => Number((from + i * step).toFixed(6)),
    );
  return { latitudes: list(north, south, -spacing), longitudes: list(west, east, spacing) };
}

/**
 * Checks that a region has multiples of the spacing of a grid, and not too many, before anything is
 * fetched for them. Between the points of a field there may be fewer.
 *
 * @throws {UsageError} when it has no such point, or too many.
 */
export function checkTargetGrid({ spacing, corners }: TargetGrid, region: Region): void {
  if (corners) return;
  const { north, west, south, east } = region;
  const rows = findMultiples(south, north, spacing);
  const columns = findMultiples(west, west + widthOf({ west, east }), spacing);
  requirePoints(rows.length * columns.length, spacing);
}

/**
 * Checks that the points of a grid with corners lie between points of the messages, before anything is
 * fetched: around the globe nothing lies between the last column and the first one.
 *
 * @param spacings degrees between the points of the grids that the run may have.
 * @throws {UsageError} when they do not for any of these.
 */
export function requireInside({ corners, spacing }: TargetGrid, spacings: readonly number[]): void {
  if (!corners || widthOf(corners) + 2 * MARGIN < 360) return;
  const { west } = corners;
  const east = west + widthOf(corners);
  const isInside = (own: number) => {
    const first = Math.ceil((west - EDGE_DEGREES) / own) * own;
    const last = Math.floor((east + EDGE_DEGREES) / own) * own;
    return first <= west + EDGE_DEGREES && last >= east - EDGE_DEGREES && last < first + 360;
  };
  if (spacings.some(isInside)) return;
  throw new UsageError(
    `Cannot write the grid ${
      formatTargetGrid({ corners, spacing })
    }: around the globe its first and ` +
      `last longitudes must be of the messages, ${
        spacings.join("° or ")
      }° apart; give such corners`,
  );
}

function requirePoints(count: number, spacing: number): void {
  if (count > 0 && count <= MOST_POINTS) return;
  throw new UsageError(
    `Cannot write a grid of ${spacing}°: the region has ` +
      (count === 0 ? "no point of it" : `${count} points of it, more than ${MOST_POINTS}`) +
      "; choose another --grid or --region",
  );
}

/** Multiples of a spacing: the first one as a factor, and how many there are. */
interface Multiples {
  first: number;
  length: number;
}

function findMultiples(from: number, to: number, spacing: number): Multiples {
  const first = Math.ceil((from - EDGE_DEGREES) / spacing);
  const last = Math.floor((to + EDGE_DEGREES) / spacing);
  return { first, length: Math.max(0, last - first + 1) };
}

function listMultiples({ first, length }: Multiples, spacing: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => Number(((first + i) * spacing).toFixed(6)));
}
