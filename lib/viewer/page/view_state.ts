/**
 * The state of the page, and its texts.
 *
 * @module
 */
import type { Frame } from "../../maps/frame.ts";
import { formatLatitude, formatLongitude } from "../../maps/graticule.ts";
import type { Cell, PageData, PageVariable, Statistic } from "./data.ts";
import {
  appendUnits,
  formatBound,
  formatDay,
  formatEastAfrica,
  formatHour,
  formatUtc,
  formatValue,
} from "./format.ts";

/** Values of a variable, one field for each step. */
export type FieldValues = Record<Statistic, Float64Array[]>;

/** The state of the page. */
export interface View {
  data: PageData;
  variable: PageVariable;
  statistic: Statistic;
  /** Index of the step on the map. */
  step: number;
  /** Values of `variable`, once they are unpacked. */
  values: FieldValues | undefined;
  /** Values of the variables shown so far, by name. */
  unpacked: Map<string, Promise<FieldValues>>;
  /** The frame of the map in its element. */
  frame: Frame | undefined;
  /** The cell under the pointer, or where keys have moved it. */
  cursor: Cell | undefined;
  /** The cell whose series is shown. */
  picked: Cell | undefined;
  /** Timer of playing. */
  timer: ReturnType<typeof setInterval> | undefined;
}

/** A statistic as text. */
export function nameStatistic(statistic: Statistic): string {
  return statistic === "mean" ? "ensemble mean" : "ensemble standard deviation";
}

/** What the map shows, for its caption. */
export function describeField({ variable, statistic }: View): string {
  const units = variable.units === "" ? "" : ` (${variable.units})`;
  return `${capitalize(variable.longName)}, ${nameStatistic(statistic)}${units}`;
}

/** A text with its first letter in upper case. */
export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** When the shown step is valid. */
export function describeTime({ data, step }: View): string {
  const time = data.times[step]!;
  return `${formatUtc(time)} (${formatEastAfrica(time)}), ${data.stepHours[step]} h into the run`;
}

/** The members of the shown field, and whether it is a sum. */
export function describeBasis({ variable, step }: View): string {
  const used = variable.membersUsed[step] ?? "unknown";
  const sum = variable.accumulated ? " Sum from the start of the run." : "";
  return `Members used: ${used}.${sum}`;
}

/** The members of the whole file, and what it cannot have. */
export function describeMembers({ memberCount, absentMembers, notPublished }: PageData): string {
  const absent = absentMembers.map((name) => name === "control" ? "the control" : `member ${name}`);
  const unpublished = notPublished ? ` Not published by ECMWF: ${notPublished.join(", ")}.` : "";
  return `Members used: ${memberCount ?? "unknown"}. Absent: ${absent.join(", ") || "none"}.` +
    unpublished;
}

/** Latitude and longitude of a cell. */
export function describePlace({ latitudes, longitudes }: PageData, { row, column }: Cell): string {
  return `${formatLatitude(latitudes[row]!)} ${formatLongitude(longitudes[column]!)}`;
}

/** A value of the variable at a cell; `NaN` where it is missing. */
export function readValue(
  { values, data }: View,
  statistic: Statistic,
  step: number,
  { row, column }: Cell,
): number {
  return values?.[statistic][step]?.[row * data.longitudes.length + column] ?? NaN;
}

/** The value of the shown statistic at a cell with its unit. */
export function describeValue(view: View, cell: Cell): string {
  const { digits, units } = view.variable;
  const value = readValue(view, view.statistic, view.step, cell);
  return Number.isNaN(value) ? "missing" : appendUnits(formatValue(value, digits), units);
}

/** Rows of the table of a point: time, step, mean, deviation and members used. */
export function listSeries(view: View, cell: Cell): string[][] {
  const { data, variable } = view;
  return data.times.map((time, step) => [
    `${formatDay(time)}, ${formatHour(time)}`,
    `${data.stepHours[step]} h`,
    formatValue(readValue(view, "mean", step, cell), variable.digits),
    formatValue(readValue(view, "deviation", step, cell), variable.digits),
    `${variable.membersUsed[step] ?? "unknown"}`,
  ]);
}

/** The largest difference of a variable's values to those of the file. */
export function describeError({ largestError, units }: PageVariable): string {
  return largestError === 0 ? "none" : appendUnits(`± ${formatBound(largestError)}`, units);
}
