/**
 * GRIB2 section 4: parameter, level, step and ensemble member of a field.
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
  toSigned,
} from "./cursor.ts";
import { GribError } from "./grib_error.ts";
import { readTime } from "./identification.ts";
import { powerOf } from "./scaling.ts";

/** A fixed surface: one end of a layer, or the level itself. */
interface Level {
  /** Code table 4.5: 1 ground, 100 isobaric (Pa), 103 height above ground (m), 151 soil, … */
  readonly type: number;
  /** In the unit of the table; `undefined` where the surface or the message has none. */
  readonly value: number | undefined;
}

/** Hours from the reference time; both are equal for an instantaneous field. */
interface StepRange {
  readonly startHours: number;
  readonly endHours: number;
}

/** The content of section 4, templates 4.0, 4.1, 4.8 and 4.11. */
export interface Product {
  /** Code table 4.0. */
  readonly template: number;
  /** Numbers after the template that define the levels of a hybrid coordinate (NV); mostly 0. */
  readonly coordinateCount: number;
  /** Code table 4.1, within the message's discipline. */
  readonly parameterCategory: number;
  /** Code table 4.2, within the category. */
  readonly parameterNumber: number;
  /** Code table 4.3: 2 forecast, 4 ensemble forecast. */
  readonly typeOfGeneratingProcess: number;
  readonly level: Level;
  /** The other end of a layer; `undefined` for a single level. */
  readonly secondLevel: Level | undefined;
  readonly stepRange: StepRange;
  /** Code table 4.10: 0 average, 1 accumulation, 2 maximum, 3 minimum; templates 4.8 and 4.11. */
  readonly typeOfStatisticalProcessing?: number;
  /** Code table 4.6: 0 and 1 control, 2 and 3 perturbed; templates 4.1 and 4.11. */
  readonly typeOfEnsembleForecast?: number;
  /** Member, 0 for the control; templates 4.1 and 4.11. */
  readonly perturbationNumber?: number;
  /** Templates 4.1 and 4.11. */
  readonly numberOfForecastsInEnsemble?: number;
}

const MISSING_UINT8 = 0xff;

/** The supported templates, and whether they have ensemble octets and time interval octets. */
const TEMPLATES: ReadonlyMap<number, { ensemble: boolean; interval: boolean }> = new Map([
  [0, { ensemble: false, interval: false }],
  [1, { ensemble: true, interval: false }],
  [8, { ensemble: false, interval: true }],
  [11, { ensemble: true, interval: true }],
]);

/** Seconds to a unit of code table 4.4. Months and longer have no fixed length. */
const SECONDS_PER_UNIT: ReadonlyMap<number, number> = new Map([
  [0, 60],
  [1, 3600],
  [2, 86_400],
  [10, 10_800],
  [11, 21_600],
  [12, 43_200],
  [13, 1],
]);

/**
 * Reads section 4.
 *
 * @param referenceTime of section 1, from which steps count.
 * @throws {GribError} for another template (code table 4.0) or time unit (code table 4.4), or a
 *   section cut short.
 */
export function readProduct(cursor: Cursor, referenceTime: Date): Product {
  const coordinateCount = readUint16(cursor);
  const template = readUint16(cursor);
  const parts = TEMPLATES.get(template);
  if (parts === undefined) {
    fail(
      cursor,
      `code table 4.0 (product definition template) is ${template}; ` +
        `only ${[...TEMPLATES.keys()].join(", ")} are supported`,
    );
  }
  const parameterCategory = readUint8(cursor);
  const parameterNumber = readUint8(cursor);
  const typeOfGeneratingProcess = readUint8(cursor);
  skipBytes(cursor, 5); // process identifiers and data cut-off
  const unit = readUint8(cursor);
  const startHours = toHours(cursor, unit, readInt32(cursor));
  const level = readLevel(cursor);
  const secondLevel = readLevel(cursor);
  const ensemble = parts.ensemble ? readEnsemble(cursor) : {};
  const interval = parts.interval ? readTimeInterval(cursor, referenceTime, startHours) : undefined;
  return {
    template,
    coordinateCount,
    parameterCategory,
    parameterNumber,
    typeOfGeneratingProcess,
    level,
    secondLevel: secondLevel.type === MISSING_UINT8 ? undefined : secondLevel,
    stepRange: { startHours, endHours: interval?.endHours ?? startHours },
    ...ensemble,
    ...(interval && { typeOfStatisticalProcessing: interval.typeOfStatisticalProcessing }),
  };
}

/** Reads type, scale factor and scaled value of a fixed surface (octets 23–28 or 29–34). */
function readLevel(cursor: Cursor): Level {
  const type = readUint8(cursor);
  const scaleFactor = readUint8(cursor);
  const scaledValue = readUint32(cursor);
  if (scaleFactor === MISSING_UINT8 || scaledValue === MISSING_UINT32) {
    return { type, value: undefined };
  }
  const decimals = toSigned(scaleFactor, 0x80);
  const magnitude = powerOf(10, Math.abs(decimals));
  const value = toSigned(scaledValue, 0x80000000);
  return { type, value: decimals > 0 ? value / magnitude : value * magnitude };
}

/** Reads octets 35–37 of templates 4.1 and 4.11. */
function readEnsemble(cursor: Cursor) {
  const typeOfEnsembleForecast = readUint8(cursor);
  const perturbationNumber = readUint8(cursor);
  const numberOfForecastsInEnsemble = readUint8(cursor);
  return { typeOfEnsembleForecast, perturbationNumber, numberOfForecastsInEnsemble };
}

/**
 * Reads the time interval of templates 4.8 and 4.11, from the octets of its end to the length of the
 * first time range. A single range spans the whole interval; several nest or repeat, and then only
 * the octets of the end give the end.
 */
function readTimeInterval(cursor: Cursor, referenceTime: Date, startHours: number) {
  const endCursor = { ...cursor };
  skipBytes(cursor, 7);
  const rangeCount = readUint8(cursor);
  skipBytes(cursor, 4); // number of values missing in the statistic
  const typeOfStatisticalProcessing = readUint8(cursor);
  skipBytes(cursor, 1); // type of time increment
  const unit = readUint8(cursor);
  const length = readUint32(cursor);
  const endHours = rangeCount === 1 && length !== MISSING_UINT32
    ? startHours + toHours(cursor, unit, length)
    : (readTime(endCursor).getTime() - referenceTime.getTime()) / 3_600_000;
  return { typeOfStatisticalProcessing, endHours };
}

function toHours(cursor: Cursor, unit: number, count: number): number {
  const seconds = SECONDS_PER_UNIT.get(unit);
  if (seconds === undefined) {
    fail(
      cursor,
      `code table 4.4 (unit of time range) is ${unit}; ` +
        `only ${[...SECONDS_PER_UNIT.keys()].join(", ")} are supported`,
    );
  }
  return count * seconds / 3600;
}

function fail(cursor: Cursor, state: string): never {
  throw new GribError(`Cannot read product: ${state}`, { section: 4, offset: cursor.offset });
}
