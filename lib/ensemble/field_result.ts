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
  type Rejection,
  rejectStray,
  sameAxes,
  type WindowAxes,
} from "./field_reducer.ts";

/** Extremes and sum of the values of a statistic, without those that are missing. */
export interface ValueRange {
  /** Infinity where there is no value. */
  minimum: number;
  /** -Infinity where there is no value. */
  maximum: number;
  sum: number;
  count: number;
}

/** What is known of a reduced field without its numbers. */
export interface FieldSummary
  extends Omit<ReducedField, "mean" | "deviation" | "further" | "points" | "kept"> {
  pointCount: number;
  ranges: FieldRanges;
}

/** The ranges of the two statistics that every field has. */
export interface FieldRanges {
  mean: ValueRange;
  deviation: ValueRange;
}

/** A summary of a reduced field and which field it is. */
export interface ResultField {
  variable: Variable;
  stepHours: number;
  reduced: FieldSummary;
}

/** What is held of a field once its numbers are elsewhere: some kilobytes, counts of members aside. */
export function summarizeField(
  { mean, deviation, further: _, points: __, kept: ___, ...rest }: ReducedField,
): FieldSummary {
  const ranges = { mean: measureRange(mean), deviation: measureRange(deviation) };
  return { ...rest, pointCount: mean.length, ranges };
}

/** The summary of a field without any member. */
export function emptySummary(rejections: Rejection[]): FieldSummary {
  return summarizeField(emptyField(rejections));
}

/** Measures the values that are there. */
export function measureRange(values: Float32Array): ValueRange {
  let [minimum, maximum, sum, count] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== value) continue; // NaN
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
    sum += value;
    count++;
  }
  return { minimum, maximum, sum, count };
}

/** The range of several fields. */
export function joinRanges(ranges: readonly ValueRange[]): ValueRange {
  return ranges.reduce((joined, { minimum, maximum, sum, count }) => ({
    minimum: Math.min(joined.minimum, minimum),
    maximum: Math.max(joined.maximum, maximum),
    sum: joined.sum + sum,
    count: joined.count + count,
  }), { minimum: Infinity, maximum: -Infinity, sum: 0, count: 0 });
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
    return { ...field, reduced: emptySummary([...rejections, ...left]) };
  });
}

/** Counts nobody at points with too few members; `emptyUncounted` empties their values. */
function emptyScarcePoints(reduced: FieldSummary, wanted: number): FieldSummary {
  const { counts } = reduced;
  const isScarce = (count: number) => count > 0 && count < wanted;
  if (!counts?.some(isScarce)) return reduced;
  return {
    ...reduced,
    counts: counts.map((count) => isScarce(count) ? 0 : count),
    scarcePoints: counts.filter(isScarce).length,
  };
}

/** Values of a statistic as they may be written: none at points that no member is counted at. */
export function emptyUncounted<Values extends Float32Array>(
  values: Values,
  { counts, scarcePoints = 0 }: FieldSummary,
): Values {
  if (scarcePoints === 0) return values;
  for (const [point, count] of counts!.entries()) if (count === 0) values[point] = NaN;
  return values;
}

/** The least members at a point that has a value. */
export function countLeastMembers({ members, counts }: FieldSummary): number {
  return counts?.filter((count) => count > 0)
    .reduce((least, count) => Math.min(least, count), members.length) ?? members.length;
}

/** Describes the points that are empty for lack of members, in lines like those on rejections. */
export function describeScarcePoints(fields: readonly ResultField[]): string[] {
  return fields.flatMap((
    { variable: { name }, stepHours, reduced: { scarcePoints, pointCount } },
  ) =>
    scarcePoints
      ? [
        `${name} (${stepHours} h): ${scarcePoints} of ${pointCount} points are empty, as fewer members ` +
        "than required have a value there",
      ]
      : []
  );
}

/** The messages in each other unit, over some fields. */
export function sumConversions(
  fields: readonly Pick<FieldSummary, "conversions">[],
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
  return { ...field, reduced: emptySummary([...reduced.rejections, ...strays]) };
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
  lossesOf: (reduced: FieldSummary) => readonly Finding[],
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
