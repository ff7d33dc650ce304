/**
 * Reduced fields by variable and step, and what they lack.
 *
 * @module
 */
import { describeMembers } from "../ecmwf/members.ts";
import type { Variable } from "../ecmwf/variables.ts";
import {
  type CountedConversion,
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

/**
 * Empties the fields with fewer members than wanted; each of their members becomes a rejection. Where
 * values are missing, it empties the points that fewer members have a value at.
 */
export function requireMembers(fields: readonly ResultField[], wanted: number): ResultField[] {
  return fields.map((field) => {
    const { members, rejections, counts } = field.reduced;
    const most = counts?.reduce((most, count) => Math.max(most, count), 0) ?? members.length;
    if (members.length === 0) return field;
    if (most >= wanted) return { ...field, reduced: emptyScarcePoints(field.reduced, wanted) };
    const reason = `the field has ${most} members and ${wanted} are required`;
    const left = members.map((member) => ({ member, reason, fault: "scarce" }) as const);
    return { ...field, reduced: emptyField([...rejections, ...left]) };
  });
}

function emptyScarcePoints(reduced: ReducedField, wanted: number): ReducedField {
  const { counts } = reduced;
  const isScarce = (point: number) => counts![point]! > 0 && counts![point]! < wanted;
  if (!counts?.some((_, point) => isScarce(point))) return reduced;
  const empty = (values: Float32Array) =>
    values.map((value, point) => isScarce(point) ? NaN : value);
  return {
    ...reduced,
    mean: empty(reduced.mean),
    deviation: empty(reduced.deviation),
    ...(reduced.further && { further: reduced.further.map(empty) }),
    counts: counts.map((count, point) => isScarce(point) ? 0 : count),
    scarcePoints: counts.filter((_, point) => isScarce(point)).length,
  };
}

/** The least members at a point that has a value. */
export function countLeastMembers({ members, counts }: ReducedField): number {
  return counts?.filter((count) => count > 0)
    .reduce((least, count) => Math.min(least, count), members.length) ?? members.length;
}

/** Describes the points that are empty for lack of members, in lines like those on rejections. */
export function describeScarcePoints(fields: readonly ResultField[]): string[] {
  return fields.flatMap(({ variable: { name }, stepHours, reduced: { scarcePoints, mean } }) =>
    scarcePoints
      ? [
        `${name} (${stepHours} h): ${scarcePoints} of ${mean.length} points are empty, as fewer members ` +
        "than required have a value there",
      ]
      : []
  );
}

/** The messages in each other unit, over some fields. */
export function sumConversions(
  fields: readonly Pick<ReducedField, "conversions">[],
): CountedConversion[] {
  const all = fields.flatMap(({ conversions }) => conversions ?? []);
  return [...Map.groupBy(all, ({ units }) => units).values()].map((own) => ({
    ...own[0]!,
    messages: own.reduce((sum, { messages }) => sum + messages, 0),
  }));
}

/** Describes the messages that were converted: `tp: 459 messages in kg m-2, converted to m`. */
export function describeConversions(fields: readonly ResultField[]): string[] {
  const byVariable = Map.groupBy(fields, ({ variable }) => variable);
  return [...byVariable].flatMap(([{ name, units: own }, group]) =>
    sumConversions(group.map(({ reduced }) => reduced)).map(({ units, messages }) =>
      `${name}: ${messages} messages in ${units}, converted to ${own}`
    )
  );
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
