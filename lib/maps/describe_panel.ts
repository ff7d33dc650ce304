/**
 * The text of a figure: times, sources, headings and captions.
 *
 * @module
 */
import { findVariable } from "../ecmwf/variables.ts";
import {
  type ForecastFile,
  type ForecastVariable,
  isUnpublished,
} from "../output/forecast_file.ts";
import type { ColorScale } from "./color_scale.ts";
import { formatLatitude, formatLongitude } from "./graticule.ts";
import { findDisplay, type Statistic } from "./palettes.ts";
import type { PanelContent } from "./panel.ts";

/** Which variable and statistic a panel shows. */
export interface PanelChoice {
  /** Name of a variable, whether the file has it or not. */
  name: string;
  statistic: Statistic;
}

const SEPARATOR = "  ·  ";

/** When the values of a step are valid. */
export function describeTime(file: ForecastFile, stepIndex: number): string {
  const valid = new Intl.DateTimeFormat("en-GB", {
    timeZone: "UTC",
    dateStyle: "full",
    timeStyle: "short",
  }).format(file.validTimes[stepIndex]);
  return `Ensemble forecast for ${valid} UTC`;
}

/** Run, step, members and region. */
export function describeForecast(file: ForecastFile, stepIndex: number): string {
  return [
    `run of ${file.runLabel}, step ${file.stepHours[stepIndex]} h`,
    describeMembers(file),
    describeRegion(file),
  ].join(SEPARATOR);
}

/** The sources of values and lines, and how to read the colours. */
export function describeSources(file: ForecastFile): string {
  return [
    file.title,
    `colours span all ${file.stepHours.length} steps of the file`,
    "hatched: no value",
    "coasts, borders and lakes: Natural Earth",
  ].join(SEPARATOR);
}

function describeMembers({ memberCount, absentMembers }: ForecastFile): string {
  const count = memberCount === undefined ? "number of members unknown" : `${memberCount} members`;
  return absentMembers.length === 0 ? count : `${count}, without ${absentMembers.join(", ")}`;
}

function describeRegion({ latitudes, longitudes }: ForecastFile): string {
  const [north, south] = [latitudes[0]!, latitudes.at(-1)!].map(formatLatitude);
  const [west, east] = [longitudes[0]!, longitudes.at(-1)!].map(formatLongitude);
  return `${north} to ${south}, ${west} to ${east}`;
}

/** The content of a panel: a field, or a message that says why there is none. */
export function describePanel(
  file: ForecastFile,
  stepIndex: number,
  { name, statistic }: PanelChoice,
  scale: ColorScale | undefined,
): PanelContent {
  const words = statistic === "mean" ? "mean" : "standard deviation";
  const variable = file.variables.find((variable) => variable.name === name);
  if (!variable) {
    const caption = findVariable(name)?.longName ?? "";
    return { heading: `${name} ${words}`, caption, ...explainAbsence(file, name) };
  }
  const { units, factor } = findDisplay(variable);
  const content: PanelContent = {
    heading: `${name} ${words} (${units})`,
    caption: describeVariable(file, stepIndex, variable),
  };
  const values = variable[statistic](stepIndex).map((value) => value * factor);
  if (!scale || values.every(Number.isNaN)) {
    return { ...content, ...explainAbsence(file, name, file.stepHours[stepIndex]) };
  }
  return { ...content, field: { values, columns: file.longitudes.length, scale } };
}

/** Why there is no field of a variable, or none at a step. */
function explainAbsence(
  file: ForecastFile,
  name: string,
  stepHours?: number,
): Pick<PanelContent, "message" | "unpublished"> {
  const absence = stepHours === undefined ? "is not in the file" : "has no values at this step";
  if (!isUnpublished(file, name, stepHours ?? NaN)) return { message: `${name} ${absence}` };
  const scope = stepHours === undefined ? "for this run" : "at this step";
  return { message: `ECMWF published no ${name} ${scope}`, unpublished: true };
}

/** The name of a variable, the hours of an accumulation, and its members if they are fewer. */
function describeVariable(
  file: ForecastFile,
  stepIndex: number,
  variable: ForecastVariable,
): string {
  const { name, longName } = variable;
  const used = variable.membersUsed(stepIndex);
  return [
    longName,
    ...(findVariable(name)?.accumulated ? [`0–${file.stepHours[stepIndex]} h`] : []),
    ...(used === undefined || used === file.memberCount ? [] : [`${used} members`]),
  ].join(", ");
}
