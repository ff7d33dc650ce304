/**
 * Reduced fields by variable and step, and what they lack.
 *
 * @module
 */
import { describeMembers } from "../ecmwf/members.ts";
import type { Variable } from "../ecmwf/variables.ts";
import {
  emptyField,
  type Fault,
  type Finding,
  mostCommon,
  type ReducedField,
  rejectStray,
  sameAxes,
  type WindowAxes,
} from "./field_reducer.ts";

/** A reduced field and which one it is. */
export interface ResultField {
  variable: Variable;
  stepHours: number;
  reduced: ReducedField;
}

/** Fields on the points that most of them share. */
export interface AlignedFields {
  /** `undefined` when no field has a value. */
  axes: WindowAxes | undefined;
  fields: ResultField[];
}

/** Finds the points that most fields share, and empties the fields on other points. */
export function alignFields(fields: readonly ResultField[]): AlignedFields {
  const axes = mostCommon(fields.flatMap(({ reduced }) => reduced.axes ?? []));
  const aligned = fields.map((field) => {
    const own = field.reduced.axes;
    return !own || !axes || sameAxes(own, axes) ? field : emptyStray(field);
  });
  return { axes, fields: aligned };
}

/** Empties the fields with fewer members than wanted; each of their members becomes a rejection. */
export function requireMembers(fields: readonly ResultField[], wanted: number): ResultField[] {
  return fields.map((field) => {
    const { members, rejections } = field.reduced;
    if (members.length === 0 || members.length >= wanted) return field;
    const reason = `the field has ${members.length} members and ${wanted} are required`;
    const left = members.map((member) => ({ member, reason, fault: "scarce" }) as const);
    return { ...field, reduced: emptyField([...rejections, ...left]) };
  });
}

function emptyStray({ reduced, ...field }: ResultField): ResultField {
  const strays = reduced.members.map(rejectStray);
  return { ...field, reduced: emptyField([...reduced.rejections, ...strays]) };
}

/**
 * Describes what is missing or was left out, in one line for the same members, reason and fields:
 * `u700 (36, 39 h), members 2: …`, `all fields, members 4-50: …`.
 */
export function describeRejections(fields: readonly ResultField[]): string[] {
  return describeLosses(fields, ({ rejections }) => rejections);
}

/** Counts the messages left out, by reason; `missing` are those that could not be fetched. */
export function countRejections(
  fields: readonly ResultField[],
): Record<Fault | "missing", number> {
  const counts = { missing: 0, mismatched: 0, damaged: 0, implausible: 0, scarce: 0 };
  for (const { reduced: { rejections } } of fields) {
    for (const { fault = "missing" } of rejections) counts[fault]++;
  }
  return counts;
}

/** Describes implausible messages that were averaged in, in lines like those on rejections. */
export function describeFindings(fields: readonly ResultField[]): string[] {
  return describeLosses(fields, ({ implausible }) => implausible);
}

function describeLosses(
  fields: readonly ResultField[],
  lossesOf: (reduced: ReducedField) => readonly Finding[],
): string[] {
  const lacking = fields.flatMap((field) => {
    const byReason = Map.groupBy(lossesOf(field.reduced), ({ reason }) => reason);
    return [...byReason].map(([reason, losses]) => {
      const members = describeMembers(losses.map(({ member }) => member));
      return { field, loss: `members ${members}: ${reason}` };
    });
  });
  return [...Map.groupBy(lacking, ({ loss }) => loss)].map(([loss, group]) => {
    const affected = group.map(({ field }) => field);
    return `${
      affected.length === fields.length ? "all fields" : describeFields(affected)
    }, ${loss}`;
  });
}

function describeFields(fields: readonly ResultField[]): string {
  const byVariable = Map.groupBy(fields, ({ variable }) => variable.name);
  return [...byVariable]
    .map(([name, own]) => `${name} (${own.map((it) => it.stepHours).join(", ")} h)`)
    .join(", ");
}
