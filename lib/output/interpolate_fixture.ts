/**
 * Points and fields on them, for tests of interpolation.
 *
 * @module
 */
import type { WindowAxes } from "../ensemble/field_reducer.ts";

/** Points `spacing` apart, north first, west first. */
export function makeAxes(
  [north, west, south, east]: [number, number, number, number],
  spacing: number,
): WindowAxes {
  const count = (from: number, to: number) => Math.round((to - from) / spacing) + 1;
  return {
    latitudes: Float64Array.from(
      { length: count(south, north) },
      (_, i) => Number((north - i * spacing).toFixed(6)),
    ),
    longitudes: Float64Array.from(
      { length: count(west, east) },
      (_, i) => Number((west + i * spacing).toFixed(6)),
    ),
  };
}

/** A field of these values on the points of axes, row-major. */
export function makeField(
  { latitudes, longitudes }: WindowAxes,
  value: (latitude: number, longitude: number) => number,
): Float32Array {
  return Float32Array.from(
    [...latitudes].flatMap((latitude) => [...longitudes].map((it) => value(latitude, it))),
  );
}
