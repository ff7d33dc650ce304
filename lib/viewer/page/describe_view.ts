/**
 * The texts of the page.
 *
 * @module
 */
import { formatLatitude, formatLongitude } from "../../maps/graticule.ts";
import type { Cell, PageData, PageField, PageVariable } from "./data.ts";
import {
  appendUnits,
  formatBound,
  formatDay,
  formatEastAfrica,
  formatHour,
  formatUtc,
  formatValue,
} from "./format.ts";
import { findCellOf, findShown, findStep, type Pane, readValue, type View } from "./view_state.ts";

/** A statistic as text: "ensemble mean", "probability above 20 mm". */
export function nameField({ label }: PageField): string {
  return /^probability/.test(label) ? label : `ensemble ${label}`;
}

/** Whether values are shown in °C, and stored in K. */
export function isInCelsius({ celsius }: Pick<View, "celsius">, { scale }: PageField): boolean {
  return celsius && scale?.celsius !== undefined;
}

/** The unit in which a field is shown. */
export function showUnits(view: Pick<View, "celsius">, field: PageField): string {
  return isInCelsius(view, field) ? "°C" : field.units;
}

/** A value as it is shown: in °C on request. */
export function showValue(view: Pick<View, "celsius">, field: PageField, value: number): number {
  return isInCelsius(view, field) ? value - 273.15 : value;
}

/** A value with all its decimals; in °C with those of the difference to K. */
export function formatShown(
  view: Pick<View, "celsius">,
  field: PageField,
  value: number,
): string {
  const digits = isInCelsius(view, field) ? Math.max(2, field.digits) : field.digits;
  return formatValue(showValue(view, field, value), digits);
}

/** What a map shows, for its caption. */
export function describeField(view: View, { layer, field }: Pane): string {
  const shown = showUnits(view, field);
  const units = shown === "" ? "" : ` (${shown})`;
  const { longName, period } = layer.variable;
  const span = period === undefined ? "" : `, ${period}`;
  const run = layer.data === view.data ? "" : `, run of ${layer.data.runLabel}`;
  return `${capitalize(longName)}${span}, ${nameField(field)}${units}${run}`;
}

/** A text with its first letter in upper case. */
export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** When the shown step is valid. */
export function describeTime(view: View): string {
  const { data } = view;
  const step = findShown(view).steps[findStep(view)]!;
  const time = data.times[step]!;
  return `${formatUtc(time)} (${formatEastAfrica(time)}), ${data.stepHours[step]} h into the run`;
}

/** The members of a field, and whether it is a sum. */
export function describeBasis({ layer: { variable }, step }: Pane): string {
  const used = variable.membersUsed[step] ?? "unknown";
  const sum = variable.accumulated ? " Sum from the start of the run." : "";
  const arrows = variable.wind ? " Arrows: the mean wind, the longest the fastest on the map." : "";
  return `Members used: ${used}.${sum}${arrows}`;
}

/** Why there is no map of the other run beside the first, if there should be one. */
export function describeLack({ beside, content: { forecasts } }: View, panes: Pane[]): string {
  const [, other] = forecasts;
  const isLacking = beside === "other" && other && panes.length === 1;
  return isLacking ? ` The run of ${other.runLabel} has no such map.` : "";
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

/** The value of a map at a cell of the first forecast, with its unit. */
export function describeValue(view: View, { layer, field, step }: Pane, cell: Cell): string {
  const value = readValue(layer, field, step, findCellOf(view, layer.data, cell));
  if (Number.isNaN(value)) return "missing";
  return appendUnits(formatShown(view, field, value), showUnits(view, field));
}

/** The value under the cursor, else at the picked cell, else how to see one. */
export function describeReadout(view: View, pane: Pane | undefined): string {
  const cell = view.cursor ?? view.picked;
  if (!cell || !pane) return "Point at the map to read values.";
  const { data } = pane.layer;
  const place = describePlace(data, findCellOf(view, data, cell));
  return `${place}: ${describeValue(view, pane, cell)}`;
}

/** Heads of the table of a point: time, step, every statistic and members used. */
export function listSeriesHeads(view: View, { fields }: PageVariable): string[] {
  const differs = new Set(fields.map((field) => showUnits(view, field))).size > 1;
  const labels = fields.map((field) => {
    const units = showUnits(view, field);
    return differs && units !== "" ? `${field.label}, ${units}` : field.label;
  });
  return ["valid time, UTC", "step", ...labels, "members"];
}

/** Rows of the table of a point. */
export function listSeries(view: View, cell: Cell): string[][] {
  const { layer } = view;
  if (!layer) return [];
  const { data, variable } = layer;
  return variable.steps.map((fileStep, step) => [
    `${formatDay(data.times[fileStep]!)}, ${formatHour(data.times[fileStep]!)}`,
    `${data.stepHours[fileStep]} h`,
    ...variable.fields.map((field) =>
      formatShown(view, field, readValue(layer, field, step, cell))
    ),
    `${variable.membersUsed[step] ?? "unknown"}`,
  ]);
}

/** The largest differences of a variable's values to those of the file, one for each unit. */
export function describeError({ fields }: Pick<PageVariable, "fields">): string {
  const largest = new Map<string, number>();
  for (const { units, largestError } of fields) {
    largest.set(units, Math.max(largest.get(units) ?? 0, largestError));
  }
  const bounds = [...largest].filter(([, error]) => error > 0)
    .map(([units, error]) => appendUnits(`± ${formatBound(error)}`, units));
  return bounds.join(", ") || "none";
}
