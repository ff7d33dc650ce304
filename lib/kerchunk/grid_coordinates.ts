/**
 * A grid as ecCodes describes it, and its coordinates.
 *
 * @module
 */
import { fullWindow, type RegularLatLonGrid } from "../grib/headers.ts";

/** Numbers and texts of a grid, by their names in ecCodes. */
export type GridDescription = Record<string, number | string>;

/** Describes a grid as ecCodes does, without the `GRIB_` before each name. */
export function describeGrid(grid: RegularLatLonGrid): GridDescription {
  const { rowCount, columnCount, unitsPerDegree, north, south, west, east } = grid;
  const degrees = (units: number) => units / unitsPerDegree;
  // In the message longitudes lie between 0 and 360°, so the last may be less than the first.
  const lastEast = east > 360 * unitsPerDegree ? east - 360 * unitsPerDegree : east;
  const spacing = (span: number, count: number) =>
    degrees(count === 1 ? 0 : Math.round(span / (count - 1)));
  return {
    gridDefinitionDescription: "Latitude/longitude",
    gridType: "regular_ll",
    Nx: columnCount,
    iDirectionIncrementInDegrees: spacing(east - west, columnCount),
    iScansNegatively: Number(grid.columnsFromEast),
    longitudeOfFirstGridPointInDegrees: degrees(grid.columnsFromEast ? lastEast : west),
    longitudeOfLastGridPointInDegrees: degrees(grid.columnsFromEast ? west : lastEast),
    Ny: rowCount,
    jDirectionIncrementInDegrees: spacing(north - south, rowCount),
    jPointsAreConsecutive: 0,
    jScansPositively: Number(grid.rowsFromSouth),
    latitudeOfFirstGridPointInDegrees: degrees(grid.rowsFromSouth ? south : north),
    latitudeOfLastGridPointInDegrees: degrees(grid.rowsFromSouth ? north : south),
  };
}

/**
 * Latitudes and longitudes in degrees, in the order of the message. Longitudes ascend eastward across
 * the seam of the grid, as those of ecCodes do.
 */
export function gridCoordinates(grid: RegularLatLonGrid) {
  const { latitudes, longitudes } = fullWindow(grid);
  const turn = grid.east > 360 * grid.unitsPerDegree ? 360 : 0;
  const shifted = longitudes.map((longitude) => longitude - turn);
  return {
    latitudes: grid.rowsFromSouth ? latitudes.reverse() : latitudes,
    longitudes: grid.columnsFromEast ? shifted.reverse() : shifted,
  };
}
