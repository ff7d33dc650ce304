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
import { findField } from "../output/forecast_fields.ts";
import type { PanelChoice } from "./choose_panels.ts";
import type { ColorScale } from "./color_scale.ts";
import { formatLatitude, formatLongitude } from "./graticule.ts";
import { findDisplay } from "./palettes.ts";
import type { PanelContent } from "./panel.ts";
import { describePeriod, labelStatistic } from "./statistic_names.ts";
import { pairWinds } from "./wind_pairs.ts";

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
  const { length } = file.stepHours;
  return [
    file.title,
    ...(length > 1 ? [`colours span all ${length} steps of the file`] : []),
    "hatched: no value",
    "lines: Natural Earth",
    "data © ECMWF, CC-BY-4.0",
  ].join(SEPARATOR);
}

function describeMembers({ memberCount, absentMembers }: ForecastFile): string {
  const count = memberCount === undefined ? "number of members unknown" : `${memberCount} members`;
  return absentMembers.length === 0 ? count : `${count}, without ${absentMembers.join(", ")}`;
}

function describeRegion({ latitudes, longitudes }: ForecastFile): string {
  const [north, south] = [latitudes[0]!, latitudes.at(-1)!].map(formatLatitude);
  const [west, east] = [longitudes[0]!, longitudes.at(-1)!].map(formatLongitude);
  const down = north === south ? north! : `${north} to ${south}`;
  return `${down}, ${west === east ? west! : `${west} to ${east}`}`;
}

/** The content of a panel: a field, or a message that says why there is none. */
export function describePanel(
  file: ForecastFile,
  stepIndex: number,
  { name, statistic: key }: PanelChoice,
  { scale, celsius }: { scale: ColorScale | undefined; celsius?: boolean },
): PanelContent {
  const variable = file.variables.find((variable) => variable.name === name);
  const field = variable && findField(variable, key);
  if (!field) {
    const caption = findVariable(name)?.longName ?? "";
    return { heading: `${name} ${key}`, caption, ...explainAbsence(file, name) };
  }
  const { units, factor, offset } = findDisplay(variable, { ...field, celsius });
  const content: PanelContent = {
    heading: `${name} ${labelStatistic(field.statistic)}${units === "" ? "" : ` (${units})`}`,
    caption: describeVariable(file, stepIndex, variable),
  };
  if (!variable.steps.includes(stepIndex)) {
    const what = typeof variable.period !== "number" && variable.period !== "day"
      ? "is not in the file at"
      : "has no period to";
    return { ...content, message: `${name} ${what} this step`, isSound: true };
  }
  const values = field.values(stepIndex).map((value) => value * factor + offset);
  if (!scale || values.every(Number.isNaN)) {
    return { ...content, ...explainAbsence(file, name, file.stepHours[stepIndex]) };
  }
  const wind = field.statistic.kind === "mean" ? readWind(file, name, stepIndex) : undefined;
  return { ...content, field: { values, columns: file.longitudes.length, scale, wind } };
}

/** The components of a wind at a step, where the file holds their means. */
function readWind(file: ForecastFile, name: string, stepIndex: number) {
  const pair = pairWinds(file.variables).find((pair) => pair.name === name);
  if (!pair || ![pair.u, pair.v].every(({ steps }) => steps.includes(stepIndex))) return undefined;
  const [u, v] = [pair.u, pair.v].map((it) => findField(it, "mean")!.values(stepIndex));
  return { u: u!, v: v! };
}

/** Why there is no field of a variable, or none at a step. */
function explainAbsence(
  file: ForecastFile,
  name: string,
  stepHours?: number,
): Pick<PanelContent, "message" | "isSound"> {
  const absence = stepHours === undefined ? "is not in the file" : "has no values at this step";
  if (!isUnpublished(file, name, stepHours ?? NaN)) return { message: `${name} ${absence}` };
  const scope = stepHours === undefined ? "for this run" : "at this step";
  return { message: `ECMWF published no ${name} ${scope}`, isSound: true };
}

/** The name of a variable, the hours of an accumulation, and its members if they are fewer. */
function describeVariable(
  file: ForecastFile,
  stepIndex: number,
  variable: ForecastVariable,
): string {
  const used = variable.membersUsed(stepIndex);
  const period = describePeriod(variable, file.stepHours[stepIndex]);
  return [
    variable.longName,
    ...(period === undefined ? [] : [period]),
    ...(used === undefined || used === file.memberCount ? [] : [`${used} members`]),
  ].join(", ");
}
