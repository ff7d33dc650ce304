/**
 * Fields → the range of every variable: ensemble mean and deviation, members, fields; and their table.
 *
 * @module
 */
import type { Column, Table } from "../util/reporter.ts";
import { joinRanges, type ResultField } from "../ensemble/field_result.ts";

/** One variable over all steps and points that have a value. */
export interface VariableRange {
  name: string;
  /** As in the file. */
  units: string;
  /** Of the ensemble mean; every point counts the same. */
  minimum: number;
  mean: number;
  maximum: number;
  /** Of the standard deviation of the ensemble. */
  deviationMean: number;
  deviationMaximum: number;
  /** Least and most members of a field. */
  members: { least: number; most: number };
  /** Counts of fields with all members, with some, and with none. */
  fields: { whole: number; partial: number; empty: number };
}

/**
 * The range of every variable, in their order; numbers are `NaN` where there is no value.
 *
 * @param memberCount members of a whole field.
 */
export function measureVariables(
  fields: readonly ResultField[],
  memberCount: number,
): VariableRange[] {
  return [...Map.groupBy(fields, ({ variable }) => variable)].map(([{ name, units }, own]) => {
    const mean = findRange(own, "mean");
    const deviation = findRange(own, "deviation");
    const members = own.map(({ reduced }) => reduced.members.length);
    const whole = members.filter((count) => count === memberCount).length;
    const empty = members.filter((count) => count === 0).length;
    return {
      name,
      units,
      ...mean,
      deviationMean: deviation.mean,
      deviationMaximum: deviation.maximum,
      members: { least: Math.min(...members), most: Math.max(...members) },
      fields: { whole, partial: own.length - whole - empty, empty },
    };
  });
}

function findRange(fields: readonly ResultField[], statistic: "mean" | "deviation") {
  const ranges = fields.map(({ reduced }) => reduced.ranges[statistic]);
  const { minimum, maximum, sum, count } = joinRanges(ranges);
  return count === 0
    ? { minimum: NaN, mean: NaN, maximum: NaN }
    : { minimum, mean: sum / count, maximum };
}

const COLUMNS: readonly Column[] = [
  { head: "variable" },
  { head: "units" },
  { head: "min", align: "right" },
  { head: "mean", align: "right" },
  { head: "max", align: "right" },
  { head: "sd mean", align: "right" },
  { head: "sd max", align: "right" },
  { head: "members", align: "right" },
  { head: "fields" },
];

/** The ranges as a table: `min mean max` are of the ensemble mean, `sd` of the standard deviation. */
export function tabulateVariables(ranges: readonly VariableRange[]): Table {
  const rows = ranges.map((range) => [
    range.name,
    range.units,
    ...[range.minimum, range.mean, range.maximum].map(formatNumber),
    ...[range.deviationMean, range.deviationMaximum].map(formatNumber),
    formatMembers(range.members),
    formatFields(range.fields),
  ]);
  return { columns: COLUMNS, rows };
}

/** Four significant digits; large numbers as people write them: `101325`, `0.01234`, `2.345e+7`. */
function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  return size >= 1e4 && size < 1e6 ? value.toFixed(0) : value.toPrecision(4);
}

function formatMembers({ least, most }: VariableRange["members"]): string {
  return least === most ? `${most}` : `${least}–${most}`;
}

function formatFields(fields: VariableRange["fields"]): string {
  const counts = Object.entries(fields).filter(([, count]) => count > 0);
  return counts.map(([state, count]) => `${count} ${state}`).join(", ");
}
