/**
 * A field and a window of its grid → the values on the points of the window.
 *
 * @module
 */
import { type Bitmap, countValues, spreadOverBitmap } from "./bitmap.ts";
import { GribError, ShortPrefixError } from "./grib_error.ts";
import type { GribField } from "./parse_fields.ts";
import { equalGrids } from "./lat_lon_grid.ts";
import { openPacking } from "./open_packing.ts";
import type { OpenData, ValueReader } from "./scaling.ts";
import { fullWindow, type GridWindow } from "./window.ts";

/** Adjacent grid points of the message, and their position in the output. */
interface PointRun {
  /** First point, counted in file order. */
  readonly startPoint: number;
  readonly count: number;
  /** Index of the first one in the output. */
  readonly outStart: number;
}

/** A point run with its packed values; points that the bitmap excludes have none. */
interface ValueRun extends PointRun {
  /** First value, counted among the packed values. */
  readonly startValue: number;
  readonly valueCount: number;
}

/**
 * Decodes a field on a window: row-major, north first, each row from west to east, NaN where the
 * message has no value. Units are those of the parameter (code table 4.2).
 *
 * Values are computed in float64 as ecCodes does, and equal its own to the last bit. Only what the
 * window needs is decoded: with simple packing its own points, with CCSDS of each reference interval
 * that it touches the samples up to its last there, with complex packing all points up to its last.
 *
 * @param window a window of the field's grid. @default the whole grid
 * @param out an array to fill and return, with at least as many elements as the window has points.
 *   @default allocated
 * @throws {GribError} when the data are damaged, the window is for another grid, or `out` is short.
 */
export function decodeField(
  field: GribField,
  window: GridWindow = fullWindow(field.grid),
  out?: Float64Array,
): Float64Array {
  return decodeMeasured(field, window, out).values;
}

/** What a window of a message holds, and how many bytes of the message give it. */
interface Measured {
  /**
   * The fewest bytes from the beginning of the message that give these values; with complex packing
   * all bytes that were given.
   */
  neededBytes: number;
}

/** Values of a window. */
interface PrefixValues extends Measured {
  /** As of {@linkcode decodeField}. */
  values: Float64Array;
}

/** Packed integers of a window: X of `value = (R + X·2^E)·10^-D`. */
interface PrefixIntegers extends Measured {
  /** One for each point, in the order of the values of {@linkcode decodeField}. */
  integers: Uint16Array<ArrayBuffer>;
}

/** Arrays of some length, with any content. */
export interface DecodeMemory {
  takeValues(length: number): Float64Array;
  takeIntegers(length: number): Uint16Array<ArrayBuffer>;
}

/**
 * Decodes a window of a field whose data may be cut short, as `parsePrefix()` gives it. The values
 * equal those of the whole message.
 *
 * @param out as of {@linkcode decodeField}.
 * @throws {ShortPrefixError} when more of the message is needed: with simple packing exactly as much
 *   as the window needs; with other packings, which do not say how much, the whole message.
 * @throws {GribError} as `decodeField()`.
 */
export function decodePrefix(
  field: GribField,
  window: GridWindow,
  out?: Float64Array,
): PrefixValues {
  return explainCut(field, () => decodeMeasured(field, window, out));
}

/**
 * Reads a window likewise: its packed integers, a quarter of the memory, which `scaleIntegers()` makes the
 * same values of; or its values, where the message has no integer of 16 bits for each point, as it is packed
 * in another way, has a bitmap, or columns from the east.
 *
 * @param memory where they are written. @default allocated
 * @throws {ShortPrefixError} as `decodePrefix()`.
 * @throws {GribError} as `decodePrefix()`.
 */
export function decodePacked(
  field: GribField,
  window: GridWindow,
  memory?: DecodeMemory,
): PrefixIntegers | PrefixValues {
  return explainCut(field, () => {
    const open = openWindow(field, window);
    return readIntegers(field, window, open, memory) ??
      readValues(field, window, open, memory?.takeValues(countPoints(window)));
  });
}

/** Asks for the whole message where data that are cut short look damaged: only the whole shows which. */
function explainCut<Result>(field: GribField, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    const isFinal = error instanceof ShortPrefixError || !isCut(field);
    if (!(error instanceof GribError) || isFinal) throw error;
    throw new ShortPrefixError(field.messageLength, countGivenBytes(field), error);
  }
}

/** Whether the data are cut short. */
function isCut({ data, dataLength }: GribField): boolean {
  return data.length < dataLength;
}

function countGivenBytes({ dataOffset, data }: GribField): number {
  return dataOffset + data.length;
}

function decodeMeasured(field: GribField, window: GridWindow, out?: Float64Array): PrefixValues {
  return readValues(field, window, openWindow(field, window), out);
}

/** A window of packed data, open for reading. */
interface OpenWindow {
  /** In file order. */
  runs: ValueRun[];
  packing: OpenData;
}

function openWindow(field: GribField, window: GridWindow): OpenWindow {
  checkGrid(field, window);
  const runs = locateValues(planPointRuns(window), field.bitmap);
  const last = runs.at(-1)!;
  const endValue = last.startValue + last.valueCount;
  checkValuesEnd(field, endValue);
  const { representation, data, dataOffset } = field;
  const packing = openPacking(representation, data, endValue);
  if (isCut(field) && packing.dataBytes > data.length) {
    throw new ShortPrefixError(dataOffset + packing.dataBytes, countGivenBytes(field));
  }
  return { runs, packing };
}

function readValues(
  field: GribField,
  window: GridWindow,
  { runs, packing }: OpenWindow,
  out: Float64Array | undefined,
): PrefixValues {
  const values = prepareOut(countPoints(window), out);
  for (const run of runs) readRun(run, packing.readValues, field, values);
  return { values, neededBytes: field.dataOffset + packing.dataBytes };
}

/** @returns `undefined` where there is none of 16 bits for each point. */
function readIntegers(
  { bitmap, grid, dataOffset }: GribField,
  window: GridWindow,
  { runs, packing }: OpenWindow,
  memory: DecodeMemory | undefined,
): PrefixIntegers | undefined {
  if (!packing.readIntegers || bitmap || grid.columnsFromEast) return undefined;
  const count = countPoints(window);
  const integers = memory?.takeIntegers(count) ?? new Uint16Array(count);
  for (const { startValue, valueCount, outStart } of runs) {
    packing.readIntegers(startValue, valueCount, integers, outStart);
  }
  return { integers, neededBytes: dataOffset + packing.dataBytes };
}

function countPoints({ rowCount, columnCount }: GridWindow): number {
  return rowCount * columnCount;
}

/** The runs of points that make up a window, in file order. */
function planPointRuns(window: GridWindow): PointRun[] {
  const { grid, firstRow, rowCount } = window;
  const runs: PointRun[] = [];
  for (let row = 0; row < rowCount; row++) {
    const fromNorth = firstRow + row;
    const fileRow = grid.rowsFromSouth ? grid.rowCount - 1 - fromNorth : fromNorth;
    let outStart = row * window.columnCount;
    for (const { firstColumn, columnCount } of window.columnRuns) {
      const fileColumn = grid.columnsFromEast
        ? grid.columnCount - firstColumn - columnCount
        : firstColumn;
      const startPoint = fileRow * grid.columnCount + fileColumn;
      runs.push({ startPoint, count: columnCount, outStart });
      outStart += columnCount;
    }
  }
  return runs.sort((a, b) => a.startPoint - b.startPoint);
}

/** Finds the packed values of runs that are in file order, in one pass over the bitmap. */
function locateValues(runs: readonly PointRun[], bitmap: Bitmap | undefined): ValueRun[] {
  let point = 0;
  let value = 0;
  return runs.map((run) => {
    if (bitmap === undefined) return { ...run, startValue: run.startPoint, valueCount: run.count };
    const startValue = value + countValues(bitmap, point, run.startPoint);
    const valueCount = countValues(bitmap, run.startPoint, run.startPoint + run.count);
    point = run.startPoint + run.count;
    value = startValue + valueCount;
    return { ...run, startValue, valueCount };
  });
}

function readRun(
  run: ValueRun,
  readValues: ValueReader,
  { bitmap, grid }: GribField,
  out: Float64Array,
): void {
  const { startPoint, count, startValue, valueCount, outStart } = run;
  readValues(startValue, valueCount, out, outStart);
  if (bitmap) spreadOverBitmap(bitmap, startPoint, count, valueCount, out, outStart);
  if (grid.columnsFromEast) out.subarray(outStart, outStart + count).reverse();
}

function checkGrid(field: GribField, window: GridWindow): void {
  if (equalGrids(field.grid, window.grid)) return;
  throw new GribError(
    `Cannot decode the field at byte ${field.messageOffset}: it has another grid than the window; ` +
      `select the window from field.grid`,
  );
}

function prepareOut(pointCount: number, out: Float64Array | undefined): Float64Array {
  if (out === undefined) return allocateValues(pointCount);
  if (out.length >= pointCount) return out;
  throw new GribError(
    `Cannot decode ${pointCount} points into an array of ${out.length}; give a longer one`,
  );
}

function allocateValues(pointCount: number): Float64Array {
  try {
    return new Float64Array(pointCount);
  } catch (cause) {
    throw new GribError(
      `Cannot decode ${pointCount} points: there is no memory for them; select a smaller window`,
      { cause },
    );
  }
}

function checkValuesEnd(field: GribField, endValue: number): void {
  if (endValue <= field.representation.valueCount) return;
  throw new GribError(
    `Cannot decode the field at byte ${field.messageOffset}: its bitmap needs at least ${endValue} ` +
      `values and ${field.representation.valueCount} are packed; the message is damaged`,
    { section: 6, offset: field.messageOffset },
  );
}
