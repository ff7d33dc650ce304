/**
 * The header of a message, and the field that it should hold → what differs, in words.
 *
 * @module
 */
import type { GribField } from "../grib/mod.ts";
import { type Member, memberKeyName } from "./members.ts";
import { describeRun, referenceTime, type Run } from "./run.ts";
import type { Encoding, Variable } from "./variables.ts";

/** The field that a message should hold. */
export interface ExpectedField {
  run: Run;
  stepHours: number;
  member: Member;
  variable: Variable;
}

/** WMO code table C-11: European Centre for Medium-Range Weather Forecasts. */
const ECMWF_CENTRE = 98;

/** Code table 4.10. */
const ACCUMULATION = 1;
/** Values of code table 4.10 that say nothing: messages of ECMWF's local discipline have them. */
const NO_STATISTIC: readonly (number | undefined)[] = [255, undefined];

/**
 * Compares a message's headers with the field that it should hold: centre, run, parameter, level,
 * step and member, in this order.
 *
 * @returns the first that differs, what it is and what is expected; `undefined` when none does.
 */
export function findMismatch(field: GribField, expected: ExpectedField): string | undefined {
  return checkRun(field, expected.run) ?? checkParameter(field, expected.variable) ??
    checkLevel(field, expected.variable) ?? checkStep(field, expected) ??
    checkMember(field, expected.member);
}

function checkRun(field: GribField, run: Run): string | undefined {
  if (field.centre !== ECMWF_CENTRE) return `its centre is ${field.centre}, expected 98 (ECMWF)`;
  if (field.referenceTime.getTime() === referenceTime(run).getTime()) return undefined;
  return `its run is ${field.referenceTime.toISOString()}, expected ${describeRun(run)}`;
}

/** Degrees east of the first column: 180 in the ensemble, 0 in some runs of other models. */
const FIRST_LONGITUDES: readonly number[] = [0, 180];

/**
 * Whether a grid is laid out as in all eras: the whole globe, from north to south and from west to east,
 * from 180°W or 0°. Its spacing may be any.
 */
export function isEraGrid(grid: GribField["grid"]): boolean {
  const { unitsPerDegree, columnCount, north, south, west, east } = grid;
  const circle = 360 * unitsPerDegree;
  // Longitudes are rounded to a unit.
  const isWholeCircle = Math.abs(east - west - circle * (1 - 1 / columnCount)) <= 1;
  return !grid.rowsFromSouth && !grid.columnsFromEast && isWholeCircle &&
    north === circle / 4 && south === -circle / 4 &&
    FIRST_LONGITUDES.includes(findFirstLongitude(grid));
}

/** Whether a grid begins at 180°W, as all of the ensemble do. */
export function beginsAtDateLine(grid: GribField["grid"]): boolean {
  return findFirstLongitude(grid) === 180;
}

/** Degrees east, in [0, 360). */
function findFirstLongitude({ west, unitsPerDegree }: GribField["grid"]): number {
  const circle = 360 * unitsPerDegree;
  return ((west % circle) + circle) % circle / unitsPerDegree;
}

/** The encoding of a variable that a message has; `undefined` for another parameter. */
export function findEncoding(
  { discipline, product }: Pick<GribField, "discipline" | "product">,
  { encodings }: Pick<Variable, "encodings">,
): Encoding | undefined {
  return encodings.find((code) =>
    code.discipline === discipline && code.category === product.parameterCategory &&
    code.number === product.parameterNumber
  );
}

function checkParameter(field: GribField, variable: Variable): string | undefined {
  if (findEncoding(field, variable)) return undefined;
  const { parameterCategory, parameterNumber } = field.product;
  const found = `${field.discipline}.${parameterCategory}.${parameterNumber}`;
  return `its parameter is ${found}, expected ${variable.param} in ${variable.units}`;
}

function checkLevel(field: GribField, variable: Variable): string | undefined {
  const { surface } = variable;
  const { level } = field.product;
  if (!surface) return undefined;
  const sameValue = surface.value === undefined || surface.value === level.value;
  if (surface.type === level.type && sameValue) return undefined;
  const wanted = `${surface.value ?? ""} on surface type ${surface.type}`;
  return `its level is ${level.value ?? ""} on surface type ${level.type}, expected ${wanted}`;
}

function checkStep(field: GribField, expected: ExpectedField): string | undefined {
  const { stepRange, typeOfStatisticalProcessing } = field.product;
  const { accumulated } = expected.variable;
  const start = accumulated ? 0 : expected.stepHours;
  const found = `${stepRange.startHours}–${stepRange.endHours} h`;
  if (stepRange.startHours !== start || stepRange.endHours !== expected.stepHours) {
    return `its step is ${found}, expected ${start}–${expected.stepHours} h`;
  }
  // In another unit, the code of a sum is that of its rate: only the statistic tells them apart.
  const mayBeSilent = findEncoding(field, expected.variable)?.conversion === undefined;
  const isSum = typeOfStatisticalProcessing === ACCUMULATION ||
    mayBeSilent && NO_STATISTIC.includes(typeOfStatisticalProcessing);
  if (accumulated && !isSum) {
    return `its statistical processing (code table 4.10) is ${typeOfStatisticalProcessing}, ` +
      "expected 1 (accumulation)";
  }
  return undefined;
}

/** The control has number 0, or none when it comes from the deterministic forecast. */
function checkMember(field: GribField, member: Member): string | undefined {
  const found = field.product.perturbationNumber ?? 0;
  if (found === member) return undefined;
  return `its member is ${found}, expected ${memberKeyName(member)}`;
}
