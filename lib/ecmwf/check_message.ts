/**
 * Whether a message is the one that was asked for.
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

/** Code table 4.10: accumulation, and missing, which messages in ECMWF's local discipline carry. */
const ACCUMULATED: readonly (number | undefined)[] = [1, 255, undefined];

/**
 * Compares a message's headers with the field that was asked for: centre, run, step, parameter,
 * level and member.
 *
 * @returns what differs, in words; `undefined` when nothing does.
 */
export function findMismatch(field: GribField, expected: ExpectedField): string | undefined {
  return checkRun(field, expected.run) ?? checkParameter(field, expected.variable) ??
    checkLevel(field, expected.variable) ?? checkStep(field, expected) ??
    checkMember(field, expected.member);
}

function checkRun(field: GribField, run: Run): string | undefined {
  if (field.centre !== ECMWF_CENTRE) return `it is of centre ${field.centre}, not ECMWF (98)`;
  if (field.referenceTime.getTime() === referenceTime(run).getTime()) return undefined;
  return `it is of the run ${field.referenceTime.toISOString()}, not ${describeRun(run)}`;
}

function checkParameter(field: GribField, variable: Variable): string | undefined {
  const { parameterCategory, parameterNumber } = field.product;
  const matches = (code: ParameterCode) =>
    code.discipline === field.discipline && code.category === parameterCategory &&
    code.number === parameterNumber;
  if (variable.encodings.some(matches)) return undefined;
  const found = `${field.discipline}.${parameterCategory}.${parameterNumber}`;
  return `it holds parameter ${found}, not ${variable.param} in ${variable.units}`;
}

function checkLevel(field: GribField, variable: Variable): string | undefined {
  const { surface } = variable;
  const { level } = field.product;
  if (!surface) return undefined;
  const sameValue = surface.value === undefined || surface.value === level.value;
  if (surface.type === level.type && sameValue) return undefined;
  const wanted = `${surface.value ?? ""} on surface type ${surface.type}`;
  return `it lies at ${level.value ?? ""} on surface type ${level.type}, not ${wanted}`;
}

function checkStep(field: GribField, expected: ExpectedField): string | undefined {
  const { stepRange, typeOfStatisticalProcessing } = field.product;
  const { accumulated } = expected.variable;
  const start = accumulated ? 0 : expected.stepHours;
  const found = `${stepRange.startHours}–${stepRange.endHours} h`;
  if (stepRange.startHours !== start || stepRange.endHours !== expected.stepHours) {
    return `it is of step ${found}, not ${start}–${expected.stepHours} h`;
  }
  if (accumulated && !ACCUMULATED.includes(typeOfStatisticalProcessing)) {
    return `it is processed by ${typeOfStatisticalProcessing} (code table 4.10), not accumulated`;
  }
  return undefined;
}

/** The control carries number 0, or none when it comes from the deterministic forecast. */
function checkMember(field: GribField, member: Member): string | undefined {
  const found = field.product.perturbationNumber ?? 0;
  if (found === member) return undefined;
  return `it is of member ${found}, not ${memberKeyName(member)}`;
}
