/**
 * Fields on the points of a regular grid → the same on the points of another one, bilinearly.
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
 * The multiples of `spacing` in a region that lie between points of a grid, so that no value is
 * extrapolated.
 *
 * @param axes of the grid; longitudes in the convention of the region, ascending.
 * @param spacing in degrees.
 * @throws {UsageError} when there is no such point, or too many.
 */
export function chooseTargetAxes(
  { latitudes, longitudes }: WindowAxes,
  { north, west, south, east }: Region,
  spacing: number,
): WindowAxes {
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

/**
 * Checks that a region has multiples of `spacing`, and not too many, before anything is fetched for
 * them. Between the points of a field there may be fewer.
 *
 * @throws {UsageError} when it has no such point, or too many.
 */
export function checkSpacing({ north, west, south, east }: Region, spacing: number): void {
  const rows = findMultiples(south, north, spacing);
  const columns = findMultiples(west, west + widthOf({ west, east }), spacing);
  requirePoints(rows.length * columns.length, spacing);
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

/** Two neighbours on an axis, and the share of the second in a point between them. */
interface Neighbours {
  first: number;
  second: number;
  share: number;
}

/** @param axis ascending or descending; each target lies on it or between two of its points. */
function findNeighbours(axis: Float64Array, targets: Float64Array): Neighbours[] {
  const sign = axis.length > 1 && axis[1]! < axis[0]! ? -1 : 1;
  let first = 0;
  return Array.from(targets, (target) => {
    while (first < axis.length - 2 && sign * axis[first + 1]! <= sign * target) first++;
    const second = Math.min(first + 1, axis.length - 1);
    const distance = axis[second]! - axis[first]!;
    const share = distance === 0 ? 0 : (target - axis[first]!) / distance;
    if (Math.abs(distance * share) <= EDGE_DEGREES) return { first, second: first, share: 0 };
    if (Math.abs(distance * (1 - share)) <= EDGE_DEGREES) {
      return { first: second, second, share: 0 };
    }
    return { first, second, share };
  });
}

/**
 * Makes the function that interpolates a field, (latitude, longitude), row-major, from one grid to
 * another, in float64: the mean of the four points around, weighted by nearness. On a row or column
 * of the grid only the points on it count. NaN where a point that counts is NaN.
 *
 * Costs about 20 ns a point of the target.
 */
export function makeInterpolation(
  from: WindowAxes,
  to: WindowAxes,
): (values: Float32Array) => Float32Array {
  const rows = findNeighbours(from.latitudes, to.latitudes);
  const columns = findNeighbours(from.longitudes, to.longitudes);
  const width = from.longitudes.length;
  return (values) => {
    const along = (row: number, { first, second, share }: Neighbours) => {
      const value = values[row * width + first]!;
      return share === 0 ? value : value + share * (values[row * width + second]! - value);
    };
    const result = new Float32Array(rows.length * columns.length);
    let point = 0;
    for (const { first, second, share } of rows) {
      for (const column of columns) {
        const value = along(first, column);
        result[point++] = share === 0 ? value : value + share * (along(second, column) - value);
      }
    }
    return result;
  };
}
