/**
 * GRIB2 section 3 with grid definition template 3.0: the regular latitude–longitude grid.
 *
 * @module
 */
import {
  type Cursor,
  MISSING_UINT32,
  readInt32,
  readUint16,
  readUint32,
  readUint8,
  skipBytes,
} from "./cursor.ts";
import { GribError } from "./grib_error.ts";

/**
 * A regular latitude–longitude grid. Coordinates are whole numbers of units, so that they compare
 * and divide exactly; degrees are `units / unitsPerDegree`.
 */
export interface RegularLatLonGrid {
  /** Points along a parallel (Ni). */
  readonly columnCount: number;
  /** Points along a meridian (Nj). */
  readonly rowCount: number;
  /** Units to a degree: 1,000,000 unless the message sets a basic angle. */
  readonly unitsPerDegree: number;
  /** Latitude of the northernmost row, in units. */
  readonly north: number;
  /** Latitude of the southernmost row, in units. */
  readonly south: number;
  /** Longitude of the westernmost column, in units and the message's own convention. */
  readonly west: number;
  /** Longitude of the easternmost column, in units; at least `west`, so it may exceed 360°. */
  readonly east: number;
  /** Whether the first row in the message is the southernmost (flag table 3.4, bit 2). */
  readonly rowsFromSouth: boolean;
  /** Whether the first point of a row is the easternmost (flag table 3.4, bit 1). */
  readonly columnsFromEast: boolean;
}

/** Octets 31–72 as template 3.0 writes them, angles in units. */
interface Corners {
  readonly columnCount: number;
  readonly rowCount: number;
  readonly unitsPerDegree: number;
  readonly firstLatitude: number;
  readonly firstLongitude: number;
  readonly resolutionFlags: number;
  readonly lastLatitude: number;
  readonly lastLongitude: number;
  readonly columnStep: number;
  readonly rowStep: number;
  readonly scanningMode: number;
}

const DEFAULT_UNITS_PER_DEGREE = 1_000_000;
/** No forecast grid comes near it (0.1° has 6.5 million points): a larger count is damage. */
const MAXIMUM_POINTS = 2 ** 26;

// Flag table 3.3, octet 55.
const COLUMN_STEP_GIVEN = 0x20;
const ROW_STEP_GIVEN = 0x10;
// Flag table 3.4, octet 72.
const COLUMNS_FROM_EAST = 0x80;
const ROWS_FROM_SOUTH = 0x40;

/**
 * Reads section 3.
 *
 * @throws {GribError} when it is not a whole regular latitude–longitude grid, scans by columns or
 *   boustrophedon (flag table 3.4), or contradicts itself.
 */
export function readGrid(cursor: Cursor): RegularLatLonGrid {
  const pointCount = readTemplateNumber(cursor);
  const corners = readCorners(cursor);
  const { columnCount, rowCount } = corners;
  if (columnCount * rowCount !== pointCount) {
    fail(
      cursor,
      `${columnCount} × ${rowCount} points do not make the ${pointCount} that it claims`,
    );
  }
  if (pointCount === 0 || pointCount > MAXIMUM_POINTS) {
    fail(cursor, `it has ${pointCount} points; from 1 to ${MAXIMUM_POINTS} are supported`);
  }
  return orientGrid(cursor, corners);
}

/** Whether two grids have the same points in the same order. */
export function equalGrids(a: RegularLatLonGrid, b: RegularLatLonGrid): boolean {
  return a.columnCount === b.columnCount && a.rowCount === b.rowCount &&
    a.unitsPerDegree === b.unitsPerDegree && a.north === b.north && a.south === b.south &&
    a.west === b.west && a.east === b.east && a.rowsFromSouth === b.rowsFromSouth &&
    a.columnsFromEast === b.columnsFromEast;
}

/** Reads octets 6–14 and returns the number of points; rejects templates other than 3.0. */
function readTemplateNumber(cursor: Cursor): number {
  const source = readUint8(cursor);
  if (source !== 0) {
    fail(cursor, `code table 3.0 (source of grid definition) is ${source}; only 0 is supported`);
  }
  const pointCount = readUint32(cursor);
  const listOctets = readUint8(cursor);
  if (listOctets !== 0) {
    fail(cursor, "it lists a number of points for each row; only regular grids are supported");
  }
  skipBytes(cursor, 1); // interpretation of that list
  const template = readUint16(cursor);
  if (template !== 0) {
    fail(cursor, `code table 3.1 (grid definition template) is ${template}; only 0 is supported`);
  }
  return pointCount;
}

/** Reads octets 15–72. */
function readCorners(cursor: Cursor): Corners {
  skipBytes(cursor, 16); // shape of the Earth
  return {
    columnCount: readUint32(cursor),
    rowCount: readUint32(cursor),
    unitsPerDegree: readUnitsPerDegree(cursor),
    firstLatitude: readInt32(cursor),
    firstLongitude: readInt32(cursor),
    resolutionFlags: readUint8(cursor),
    lastLatitude: readInt32(cursor),
    lastLongitude: readInt32(cursor),
    columnStep: readUint32(cursor),
    rowStep: readUint32(cursor),
    scanningMode: readUint8(cursor),
  };
}

/** Reads the basic angle and its subdivisions; 0 or missing means 1° and 10^6. */
function readUnitsPerDegree(cursor: Cursor): number {
  const basicAngle = readUint32(cursor);
  const subdivisions = readUint32(cursor);
  const isDefault = (value: number) => value === 0 || value === MISSING_UINT32;
  return (isDefault(subdivisions) ? DEFAULT_UNITS_PER_DEGREE : subdivisions) /
    (isDefault(basicAngle) ? 1 : basicAngle);
}

/** Turns first and last point into compass corners. */
function orientGrid(cursor: Cursor, corners: Corners): RegularLatLonGrid {
  const { columnCount, rowCount, unitsPerDegree, scanningMode } = corners;
  checkScanningMode(cursor, scanningMode);
  const rowsFromSouth = (scanningMode & ROWS_FROM_SOUTH) !== 0;
  const columnsFromEast = (scanningMode & COLUMNS_FROM_EAST) !== 0;
  const { firstLatitude, lastLatitude, firstLongitude, lastLongitude } = corners;
  const north = rowsFromSouth ? lastLatitude : firstLatitude;
  const south = rowsFromSouth ? firstLatitude : lastLatitude;
  const west = columnsFromEast ? lastLongitude : firstLongitude;
  const eastModulo = columnsFromEast ? firstLongitude : lastLongitude;
  const circle = 360 * unitsPerDegree;
  const width = columnCount === 1 ? 0 : spanEastward(west, eastModulo, circle);
  checkSpans(cursor, corners, north - south, width);
  if (north > circle / 4 || south < -circle / 4 || Math.abs(west) > circle) {
    fail(cursor, "its corners are outside the globe");
  }
  const orientation = { rowsFromSouth, columnsFromEast };
  return {
    columnCount,
    rowCount,
    unitsPerDegree,
    north,
    south,
    west,
    east: west + width,
    ...orientation,
  };
}

function checkScanningMode(cursor: Cursor, scanningMode: number): void {
  if ((scanningMode & ~(COLUMNS_FROM_EAST | ROWS_FROM_SOUTH)) === 0) return;
  fail(
    cursor,
    `flag table 3.4 (scanning mode) is ${scanningMode}; only rows that all run the same way ` +
      `(0, 64, 128, 192) are supported`,
  );
}

/** Distance eastward, in (0, circle]: a grid of several columns never has width 0. */
function spanEastward(west: number, east: number, circle: number): number {
  const span = (east - west) % circle;
  return span > 0 ? span : span + circle;
}

/** Checks that counts, corners and, where they are given, increments agree. */
function checkSpans(cursor: Cursor, corners: Corners, height: number, width: number): void {
  const { resolutionFlags, rowCount, columnCount } = corners;
  const rowStep = resolutionFlags & ROW_STEP_GIVEN ? corners.rowStep : MISSING_UINT32;
  const columnStep = resolutionFlags & COLUMN_STEP_GIVEN ? corners.columnStep : MISSING_UINT32;
  checkSpan(cursor, "latitudes", height, rowCount, rowStep);
  checkSpan(cursor, "longitudes", width, columnCount, columnStep);
}

function checkSpan(
  cursor: Cursor,
  axis: string,
  span: number,
  count: number,
  step: number,
): void {
  // Increments are rounded to a unit, so a span may be off by one for each point.
  const stepAgrees = step === MISSING_UINT32 || Math.abs(span - step * (count - 1)) <= count;
  if (stepAgrees && (count === 1 ? span === 0 : span > 0)) return;
  fail(
    cursor,
    `its ${axis} contradict each other: ${count} points, ` +
      `${step === MISSING_UINT32 ? "no" : step} units apart, over ${span} units`,
  );
}

function fail(cursor: Cursor, state: string): never {
  throw new GribError(`Cannot read grid: ${state}`, { section: 3, offset: cursor.offset });
}
