/**
 * The header of a message, and the field that it should hold → what differs, in words.
 *
 * @module
 */
import type { GribField } from "../grib/mod.ts";
import { type Member, memberKeyName } from "./members.ts";
import { describeRun, referenceTime, type Run } from "./run.ts";
import type { ParameterCode, Variable } from "./variables.ts";

/** The field that a message should hold. */
export interface ExpectedField {
  run: Run;
  stepHours: number;
  member: Member;
  variable: Variable;
}

/** WMO code table C-11: European Centre for Medium-Range Weather Forecasts. */
const ECMWF_CENTRE = 98;

/** Code table 4.10: accumulation, or missing, as in messages of ECMWF's local discipline. */
const ACCUMULATION: readonly (number | undefined)[] = [1, 255, undefined];

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

function checkParameter(field: GribField, variable: Variable): string | undefined {
  const { parameterCategory, parameterNumber } = field.product;
  const matches = (code: ParameterCode) =>
    code.discipline === field.discipline && code.category === parameterCategory &&
    code.number === parameterNumber;
  if (variable.encodings.some(matches)) return undefined;
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
  if (accumulated && !ACCUMULATION.includes(typeOfStatisticalProcessing)) {
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
