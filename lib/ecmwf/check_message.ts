/**
 * The header of a message, and the field that it should hold → what differs, in words.
 *
 * @module
 */
import type { GribHeader } from "../grib/headers.ts";
import { type Member, memberKeyName } from "./members.ts";
import { describeRun, referenceTime, type Run } from "./run.ts";
import type { Conversion, Encoding, OverHours, Variable } from "./variables.ts";

/** The field that a message should hold. */
export interface ExpectedField {
  run: Run;
  stepHours: number;
  member: Member;
  variable: Variable;
}

/** WMO code table C-11: European Centre for Medium-Range Weather Forecasts. */
const ECMWF_CENTRE = 98;

/** Code table 4.5. */
const ISOBARIC = 100;
const SOIL = 151;

/** Code table 4.10. */
const AVERAGE = 0;
const ACCUMULATION = 1;
const EXTREMES = { maximum: 2, minimum: 3 } as const;
/** Values of code table 4.10 that say nothing: messages of ECMWF's local discipline have them. */
const NO_STATISTIC: readonly (number | undefined)[] = [255, undefined];

/**
 * Compares a message's headers with the field that it should hold: centre, run, parameter, level,
 * step and member, in this order.
 *
 * @returns the first that differs, what it is and what is expected; `undefined` when none does.
 */
export function findMismatch(field: GribHeader, expected: ExpectedField): string | undefined {
  return checkRun(field, expected.run) ?? checkParameter(field, expected.variable) ??
    checkLevel(field, expected.variable) ?? checkStep(field, expected) ??
    checkMember(field, expected.member);
}

function checkRun(field: GribHeader, run: Run): string | undefined {
  if (field.centre !== ECMWF_CENTRE) return `its centre is ${field.centre}, expected 98 (ECMWF)`;
  if (field.referenceTime.getTime() === referenceTime(run).getTime()) return undefined;
  return `its run is ${field.referenceTime.toISOString()}, expected ${describeRun(run)}`;
}

/** Degrees east of the first column: 180 in the ensemble, 0 in some runs of other models. */
const FIRST_LONGITUDES: readonly number[] = [0, 180];

/**
 * Whether a grid begins where those of all eras do: around the globe from 180°W or 0°. Its spacing may
 * be any, and a part of the globe may begin anywhere.
 */
export function isEraGrid(grid: GribHeader["grid"]): boolean {
  const { unitsPerDegree, columnCount, west, east } = grid;
  const circle = 360 * unitsPerDegree;
  // Longitudes are rounded to a unit.
  const isWholeCircle = columnCount > 1 &&
    Math.abs(east - west - circle * (1 - 1 / columnCount)) <= 1;
  return !isWholeCircle || FIRST_LONGITUDES.includes(findFirstLongitude(grid));
}

/** Whether a grid is laid out as all of the ensemble: from 180°W to the east, from north to south. */
export function isUsualGrid(grid: GribHeader["grid"]): boolean {
  return !grid.rowsFromSouth && !grid.columnsFromEast && findFirstLongitude(grid) === 180;
}

/** Degrees east, in [0, 360). */
function findFirstLongitude({ west, unitsPerDegree }: GribHeader["grid"]): number {
  const circle = 360 * unitsPerDegree;
  return ((west % circle) + circle) % circle / unitsPerDegree;
}

/** The encoding of a variable that a message has; `undefined` for another parameter. */
export function findEncoding(
  { discipline, product }: Pick<GribHeader, "discipline" | "product">,
  { encodings }: Pick<Variable, "encodings">,
): Encoding | undefined {
  return encodings.find((code) =>
    code.discipline === discipline && code.category === product.parameterCategory &&
    code.number === product.parameterNumber
  );
}

/**
 * What makes the values of a message those of a variable. Whether an accumulated one is a sum or the
 * average of its rate is what the message's product template says.
 *
 * @returns `undefined` where nothing has to be converted.
 */
export function findConversion(
  field: Pick<GribHeader, "discipline" | "product">,
  variable: Pick<Variable, "encodings" | "accumulated">,
): Conversion | undefined {
  const encoding = findEncoding(field, variable);
  const isAverage = variable.accumulated && field.product.typeOfStatisticalProcessing === AVERAGE;
  return isAverage ? encoding?.ofAverage : encoding?.conversion;
}

/** By what the values of a message are multiplied. */
export function findFactor(conversion: Conversion | undefined, stepHours: number): number {
  const { factor, bySeconds } = conversion ?? { factor: 1 };
  return bySeconds ? factor * stepHours * 3600 : factor;
}

function checkParameter(field: GribHeader, variable: Variable): string | undefined {
  if (findEncoding(field, variable)) return undefined;
  const { parameterCategory, parameterNumber } = field.product;
  const found = `${field.discipline}.${parameterCategory}.${parameterNumber}`;
  return `its parameter is ${found}, expected ${variable.param} in ${variable.units}`;
}

function checkLevel(field: GribHeader, variable: Variable): string | undefined {
  const { surface } = variable;
  const { level } = field.product;
  if (!surface) {
    const isLevel = ISOBARIC === level.type || SOIL === level.type;
    return isLevel
      ? `its level is ${level.value} on surface type ${level.type}, expected none`
      : undefined;
  }
  const sameValue = surface.value === undefined || surface.value === level.value;
  if (surface.type === level.type && sameValue) return undefined;
  const wanted = `${surface.value ?? ""} on surface type ${surface.type}`;
  return `its level is ${level.value ?? ""} on surface type ${level.type}, expected ${wanted}`;
}

function checkStep(field: GribHeader, expected: ExpectedField): string | undefined {
  const { overHours } = expected.variable;
  return overHours
    ? checkHours(field.product, overHours, expected.stepHours)
    : checkMomentOrSum(field, expected);
}

/** Compares the hours before a step, and what the values are over them, with those of an extreme. */
function checkHours(
  { stepRange: { startHours, endHours }, typeOfStatisticalProcessing }: GribHeader["product"],
  { method, hours }: OverHours,
  stepHours: number,
): string | undefined {
  const isLong = hours === undefined
    ? startHours < endHours || method === undefined && startHours === endHours
    : endHours - startHours === hours;
  if (endHours !== stepHours || !isLong) {
    const before = `${hours === undefined ? "some" : hours} h before ${stepHours} h`;
    return `its step is ${startHours}–${endHours} h, expected the ${before}`;
  }
  if (method === undefined || typeOfStatisticalProcessing === EXTREMES[method]) return undefined;
  return `its statistical processing (code table 4.10) is ${typeOfStatisticalProcessing}, ` +
    `expected ${EXTREMES[method]} (${method})`;
}

function checkMomentOrSum(field: GribHeader, expected: ExpectedField): string | undefined {
  const { stepRange, typeOfStatisticalProcessing } = field.product;
  const { accumulated } = expected.variable;
  const start = accumulated ? 0 : expected.stepHours;
  const found = `${stepRange.startHours}–${stepRange.endHours} h`;
  if (stepRange.startHours !== start || stepRange.endHours !== expected.stepHours) {
    return `its step is ${found}, expected ${start}–${expected.stepHours} h`;
  }
  // In another unit, the code of a sum is that of its rate: only the statistic tells them apart.
  const encoding = findEncoding(field, expected.variable);
  const mayBeSilent = encoding?.conversion === undefined;
  const isSum = typeOfStatisticalProcessing === ACCUMULATION ||
    typeOfStatisticalProcessing === AVERAGE && encoding?.ofAverage !== undefined ||
    mayBeSilent && NO_STATISTIC.includes(typeOfStatisticalProcessing);
  if (accumulated && !isSum) {
    return `its statistical processing (code table 4.10) is ${typeOfStatisticalProcessing}, ` +
      "expected 1 (accumulation)";
  }
  return undefined;
}

/** The control has number 0, or none when it comes from the deterministic forecast. */
function checkMember(field: GribHeader, member: Member): string | undefined {
  const found = field.product.perturbationNumber ?? 0;
  if (found === member) return undefined;
  return `its member is ${found}, expected ${memberKeyName(member)}`;
}
