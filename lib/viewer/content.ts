/**
 * The data of a page from one or two forecasts: packed fields, their colours, and the lines of the map.
 *
 * @module
 */
// @ts-types="npm:@types/d3-array@3.2.2"
import { ticks } from "npm:d3-array@3.2.5";
import { isValue } from "../output/forecast_fields.ts";
import type { ForecastField, ForecastFile, ForecastVariable } from "../output/forecast_file.ts";
import { rankVariables } from "../maps/choose_panels.ts";
import { type Extent, findExtent, planColorScale } from "../maps/color_scale.ts";
import { type Bounds, findBounds, fitFrame } from "../maps/frame.ts";
import { traceLines } from "../maps/geography.ts";
import { findDisplay, type Palette } from "../maps/palettes.ts";
import { listTowns } from "../maps/places.ts";
import { packVariables, type PlanScale } from "./pack_fields.ts";
import type { Outlines, PageContent, PageData, PageScale } from "./page/data.ts";

/** Width of the map that lines are traced for, with two decimals. */
const OUTLINES_WIDTH = 100;

/**
 * The data of a page. Scales of two forecasts are the same for the same statistic of a variable.
 *
 * @param onVariable called after each variable is packed, and again if all are packed more
 * coarsely.
 */
export async function buildContent(
  files: readonly ForecastFile[],
  onVariable: () => void = () => {},
): Promise<PageContent> {
  const ranked = files.map((file) => ({ ...file, variables: rankVariables(file.variables) }));
  const planScale = planScales(ranked);
  const forecasts: PageData[] = [];
  for (const file of ranked) forecasts.push(await buildForecast(file, planScale, onVariable));
  return { forecasts, towns: listTowns(forecasts[0]!.bounds) };
}

async function buildForecast(
  forecast: ForecastFile,
  planScale: PlanScale,
  onVariable: () => void,
): Promise<PageData> {
  const { path, title, absentMembers, memberCount, validTimes, latitudes, longitudes } = forecast;
  const bounds = findBounds(latitudes, longitudes);
  return {
    title,
    fileName: path.replace(/^.*[\\/]/, ""),
    runTime: forecast.referenceTime.getTime(),
    runLabel: forecast.runLabel,
    times: validTimes.map((time) => time.getTime()),
    stepHours: forecast.stepHours,
    bounds,
    latitudes: [...latitudes],
    longitudes: [...longitudes],
    memberCount: memberCount ?? null,
    absentMembers,
    ...(forecast.notPublished.length > 0 && { notPublished: forecast.notPublished }),
    variables: await packVariables(forecast, planScale, onVariable),
    palettes: collectPalettes(forecast.variables),
    outlines: traceOutlines(bounds),
  };
}

/** The lines of the map, to about a twentieth of a 0.25° cell. */
function traceOutlines(bounds: Bounds): Outlines {
  const frame = fitFrame(bounds, { x: 0, y: 0, width: OUTLINES_WIDTH, height: Infinity });
  return { width: OUTLINES_WIDTH, paths: traceLines(frame) };
}

/** Scales that hold the values of all files; all statistics that are values of a variable share one. */
function planScales(files: readonly ForecastFile[]): PlanScale {
  const extents = new Map<string, Extent>();
  const identify = ({ name, units }: ForecastVariable, { key, statistic }: ForecastField) =>
    [name, units, isValue(statistic) ? "values" : key].join(" ");
  for (const variable of files.flatMap(({ variables }) => variables)) {
    for (const field of variable.fields) {
      const id = identify(variable, field);
      const own = findFieldExtent(variable, field);
      const known = extents.get(id) ?? own;
      if (!own || !known) continue;
      extents.set(id, [Math.min(own[0], known[0]), Math.max(own[1], known[1])]);
    }
  }
  return (variable, field) => {
    const extent = extents.get(identify(variable, field));
    return extent ? formatScale(variable, field, extent) : null;
  };
}

function findFieldExtent(variable: ForecastVariable, field: ForecastField): Extent | undefined {
  const { factor } = findDisplay(variable, field);
  return findExtent(variable.steps.map((step) => field.values(step)), factor);
}

function formatScale(
  variable: ForecastVariable,
  { statistic }: ForecastField,
  extent: Extent,
): PageScale {
  const { shading } = findDisplay(variable, { statistic });
  const { palette, ...scale } = planColorScale(shading, extent);
  const { offset } = findDisplay(variable, { statistic, celsius: true });
  const celsius = offset === 0
    ? {}
    : { celsius: ticks(scale.least + offset, scale.most + offset, 5) };
  return { palette: palette.name, ...scale, ...celsius };
}

function collectPalettes(variables: readonly ForecastVariable[]): PageData["palettes"] {
  const palettes = variables.flatMap((variable) =>
    variable.fields.map((field) => findDisplay(variable, field).shading.palette)
  );
  return Object.fromEntries(palettes.map((palette) => [palette.name, formatColors(palette)]));
}

/** Colours as the page has them: six hexadecimal digits each. */
function formatColors({ colors }: Palette): string {
  return colors.toHex();
}
