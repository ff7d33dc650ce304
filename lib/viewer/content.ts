/**
 * The data of a page from a forecast: packed fields, their colours, and the lines of the map.
 *
 * @module
 */
import { findVariable } from "../ecmwf/variables.ts";
import type { ForecastFile, ForecastVariable } from "../output/forecast_file.ts";
import { findExtent, planColorScale } from "../maps/color_scale.ts";
import { type Bounds, findBounds, fitFrame } from "../maps/frame.ts";
import { traceLines } from "../maps/geography.ts";
import { findDisplay, type Palette, type Shading, type Statistic } from "../maps/palettes.ts";
import { chooseQuantum, countDigits, packCodes, quantize } from "./pack_values.ts";
import type { Outlines, PageData, PageField, PageVariable } from "./page/data.ts";

/** Shares of a variable's typical spread to which its values may be rounded, the finest first. */
const SPREAD_SHARES: readonly number[] = [1 / 64, 1 / 32, 1 / 16, 1 / 8];

/** Text that a packed value may take: 3 MB for 12 variables at 9 steps on 157 × 145 points. */
const BYTES_PER_VALUE = 0.58;

/** Width of the map that lines are traced for, with two decimals. */
const OUTLINES_WIDTH = 100;

const NO_BREAK_SPACE = "\u00a0";

const STATISTICS: readonly Statistic[] = ["mean", "deviation"];

/**
 * The data of a forecast's page. Values are rounded to a share of their typical spread: the finest
 * of four with which the page stays small, else the coarsest, an eighth. `largestError` of a
 * variable is measured.
 *
 * @param onVariable called after each variable is packed, and again if all are packed more
 * coarsely.
 */
export async function buildContent(
  forecast: ForecastFile,
  onVariable: () => void = () => {},
): Promise<PageData> {
  const { path, title, absentMembers, memberCount, validTimes, latitudes, longitudes } = forecast;
  const bounds = findBounds(latitudes, longitudes);
  return {
    title,
    fileName: path.replace(/^.*[\\/]/, ""),
    runTime: forecast.referenceTime.getTime(),
    times: validTimes.map((time) => time.getTime()),
    stepHours: forecast.stepHours,
    bounds,
    latitudes: [...latitudes],
    longitudes: [...longitudes],
    memberCount: memberCount ?? null,
    absentMembers,
    ...(forecast.notPublished.length > 0 && { notPublished: forecast.notPublished }),
    variables: await packVariables(forecast, SPREAD_SHARES, onVariable),
    palettes: collectPalettes(forecast.variables),
    outlines: traceOutlines(bounds),
  };
}

/** The lines of the map, to about a twentieth of a 0.25° cell. */
function traceOutlines(bounds: Bounds): Outlines {
  const frame = fitFrame(bounds, { x: 0, y: 0, width: OUTLINES_WIDTH, height: Infinity });
  return { width: OUTLINES_WIDTH, paths: traceLines(frame) };
}

async function packVariables(
  forecast: ForecastFile,
  [share, ...coarser]: readonly number[],
  onVariable: () => void,
): Promise<PageVariable[]> {
  const packed: PageVariable[] = [];
  for (const variable of forecast.variables) {
    packed.push(await packVariable(forecast, variable, share!));
    onVariable();
  }
  const { validTimes, latitudes, longitudes } = forecast;
  const values = validTimes.length * latitudes.length * longitudes.length;
  const fields = packed.flatMap(({ mean, deviation }) => [mean, deviation]);
  const bytes = fields.reduce((sum, field) => sum + field.packed.bytes.length, 0);
  const isSmall = bytes <= values * fields.length * BYTES_PER_VALUE;
  return isSmall || coarser.length === 0 ? packed : packVariables(forecast, coarser, onVariable);
}

async function packVariable(
  { validTimes, longitudes }: ForecastFile,
  variable: ForecastVariable,
  share: number,
): Promise<PageVariable> {
  const display = findDisplay(variable);
  const fields = {
    mean: validTimes.map((_, step) => variable.mean(step)),
    deviation: validTimes.map((_, step) => variable.deviation(step)),
  };
  const quantum = chooseQuantum(fields, display.factor, share);
  const packField = async (statistic: Statistic) => {
    const codes = quantize(fields[statistic], display.factor, quantum);
    const scale = planScale(display[statistic], fields[statistic], display.factor);
    const field: PageField = { packed: await packCodes(codes, longitudes.length), scale };
    return { field, largestError: codes.largestError };
  };
  const [mean, deviation] = [await packField("mean"), await packField("deviation")];
  return {
    name: variable.name,
    longName: variable.longName,
    units: display.units.replaceAll(" ", NO_BREAK_SPACE),
    accumulated: findVariable(variable.name)?.accumulated ?? false,
    quantum,
    digits: countDigits(quantum),
    largestError: Math.max(mean.largestError, deviation.largestError),
    membersUsed: validTimes.map((_, step) => variable.membersUsed(step) ?? null),
    mean: mean.field,
    deviation: deviation.field,
  };
}

function planScale(
  shading: Shading,
  fields: readonly Float32Array[],
  factor: number,
): PageField["scale"] {
  const extent = findExtent(fields, factor);
  if (!extent) return null;
  const { palette, ...scale } = planColorScale(shading, extent);
  return { palette: palette.name, ...scale };
}

function collectPalettes(variables: readonly ForecastVariable[]): PageData["palettes"] {
  const displays = variables.map((variable) => findDisplay(variable));
  const palettes = displays.flatMap((display) => STATISTICS.map((it) => display[it].palette));
  return Object.fromEntries(palettes.map((palette) => [palette.name, formatColors(palette)]));
}

/** Colours as the page has them: six hexadecimal digits each. */
function formatColors({ colors }: Palette): string {
  return colors.toHex();
}
