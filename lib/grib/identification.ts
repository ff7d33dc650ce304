/**
 * GRIB2 section 1: the centre that made the field, and its run.
 *
 * @module
 */
import { type Cursor, readUint16, readUint8, skipBytes } from "./cursor.ts";
import { GribError } from "./grib_error.ts";

/** The content of section 1. */
export interface Identification {
  /** Originating centre (common code table C-11): 98 ECMWF, 7 NCEP. */
  readonly centre: number;
  readonly subCentre: number;
  /** Start of the forecast (or analysis time), UTC. */
  readonly referenceTime: Date;
  /** Code table 1.4: 0 analysis, 1 forecast, 3 control and 4 perturbed forecast, … */
  readonly typeOfProcessedData: number;
}

/**
 * Reads section 1, octets 6–21.
 *
 * @throws {GribError} when it is cut short or its time is not valid.
 */
export function readIdentification(cursor: Cursor): Identification {
  const centre = readUint16(cursor);
  const subCentre = readUint16(cursor);
  skipBytes(cursor, 3); // table versions, significance of the reference time
  const referenceTime = readTime(cursor);
  skipBytes(cursor, 1); // production status
  return { centre, subCentre, referenceTime, typeOfProcessedData: readUint8(cursor) };
}

/**
 * Reads year (2 octets), month, day, hour, minute and second as UTC.
 *
 * @throws {GribError} when they are not a valid time.
 */
export function readTime(cursor: Cursor): Date {
  const { section, offset } = cursor;
  const year = readUint16(cursor);
  const month = readUint8(cursor);
  const day = readUint8(cursor);
  const hour = readUint8(cursor);
  const minute = readUint8(cursor);
  const second = readUint8(cursor);
  const time = new Date(0);
  // Not Date.UTC, which takes the years 0–99 for 1900–1999.
  time.setUTCFullYear(year, month - 1, day);
  time.setUTCHours(hour, minute, second);
  const isDate = time.getUTCMonth() === month - 1 && time.getUTCDate() === day &&
    hour < 24 && minute < 60 && second < 60;
  if (!isDate) {
    throw new GribError(
      `Cannot read section ${section}: its time is ${year}-${month}-${day} ` +
        `${hour}:${minute}:${second}, which does not exist; the message is damaged`,
      { section, offset },
    );
  }
  return time;
}
