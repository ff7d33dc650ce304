/**
 * Pictures of a forecast file, one a step, written to PNG or SVG.
 *
 * @module
 */
import { UsageError } from "../errors.ts";
import { findVariable } from "../ecmwf/variables.ts";
import { type ForecastFile, MAX_FORECAST_BYTES, readForecast } from "../output/forecast_file.ts";
import { openStorage } from "../storage/mod.ts";
import type { Outcome, Reporter } from "../util/reporter.ts";
import { suggestNearest } from "../util/text.ts";
import { chooseAllPanels, chooseDefaultPanels, type PanelChoice } from "./choose_panels.ts";
import { drawFigure, type Figure, planScales } from "./figure.ts";
import { renderPng } from "./render_png.ts";
import { addWinds } from "./wind_pairs.ts";

/** Formats of a picture. */
export type PlotFormat = "png" | "svg";

/**
 * Which steps of a file: one by its index (from 0) or by its hours, each of them, or the first that has
 * the most variables: periods end at some steps only.
 */
export type StepChoice = { index: number } | { hours: number } | "all" | "first";

/** What to draw, and where to. */
export interface PlotOptions {
  /** The NetCDF file. */
  input: string;
  steps: StepChoice;
  /** Variables of which all statistics are drawn. @default {undefined} (`chooseDefaultPanels()`) */
  variables?: readonly string[];
  /**
   * The picture; of all steps each has `_036h` and so on before the extension.
   *
   * @default {the input's name with the step, as of all steps, and the format as its extension}
   */
  output?: string;
  format: PlotFormat;
  /** Pixels an inch of a PNG; the page is 10 inches wide. */
  dpi: number;
  /** Whether temperatures are in °C. @default {false} */
  celsius?: boolean;
}

/** What was drawn; it is complete when every panel has values, or ECMWF published none. */
export interface PlotResult extends Outcome {
  plots: { path: string; figure: Figure }[];
}

/**
 * Draws steps of a forecast file, a picture each. A picture appears whole or not at all.
 *
 * @throws {UsageError} for a step that the file does not have, or a variable that does not exist.
 */
export async function plotForecast(options: PlotOptions, reporter: Reporter): Promise<PlotResult> {
  const { input, steps } = options;
  const storage = openStorage();
  const bytes = await storage.get(input, { maxBytes: MAX_FORECAST_BYTES });
  const file = addWinds(await readForecast(bytes, input));
  const stepIndices = selectSteps(file, steps);
  const choices = selectPanels(file, options.variables);
  const scales = planScales(file, choices, options);
  const result: PlotResult = { plots: [], complete: true };
  const bar = reporter.progress("pages", stepIndices.length);
  for (const stepIndex of stepIndices) {
    const shown = options.variables ? [...choices.keys()] : findShown(file, stepIndex, choices);
    const figure = drawFigure(
      file,
      stepIndex,
      shown.map((i) => choices[i]!),
      shown.map((i) => scales[i]),
      options,
    );
    const bytes = await encodeFigure(figure, options);
    const path = namePicture(options, file.stepHours[stepIndex]!);
    await storage.put(path, [bytes]);
    result.plots.push({ path, figure });
    bar.advance(1);
    reporter.info(
      `${file.stepHours[stepIndex]} h → ${path} (${Math.ceil(bytes.length / 1000)} kB)`,
    );
    const empty = new Map(figure.panels.map(({ message, isSound }) => [message, isSound]));
    for (const [message, isSound] of empty) {
      if (message === undefined) continue;
      if (isSound) reporter.info(`${path}: ${message}`);
      else reporter.warn(`${path}: ${message}`);
      result.complete &&= isSound;
    }
  }
  bar.finish();
  return result;
}

async function encodeFigure({ svg }: Figure, { format, dpi }: PlotOptions): Promise<Uint8Array> {
  return format === "svg" ? new TextEncoder().encode(svg) : await renderPng(svg, dpi);
}

function selectSteps({ path, stepHours, variables }: ForecastFile, choice: StepChoice): number[] {
  if (choice === "all") return [...stepHours.keys()];
  if (choice === "first") {
    const counts = stepHours.map((_, step) =>
      variables.filter(({ steps }) => steps.includes(step)).length
    );
    return [counts.indexOf(Math.max(...counts))];
  }
  const index = "index" in choice ? choice.index : stepHours.indexOf(choice.hours);
  if (stepHours[index] !== undefined) return [index];
  const asked = "index" in choice ? `--step-index ${choice.index}` : `--step ${choice.hours}`;
  const steps = stepHours.map((hours, index) => `${index} (${hours} h)`).join(", ");
  throw new UsageError(`Cannot use ${asked}: "${path}" has the steps ${steps}`);
}

function selectPanels(file: ForecastFile, names?: readonly string[]): readonly PanelChoice[] {
  if (!names) return chooseDefaultPanels(file);
  const present = file.variables.map(({ name }) => name);
  const unknown = names.find((name) => !present.includes(name) && !findVariable(name));
  if (unknown !== undefined) {
    throw new UsageError(
      `Cannot draw variable "${unknown}": the file has ${present.join(", ")}` +
        suggestNearest(unknown, present),
    );
  }
  return chooseAllPanels(file, names);
}

/** The panels whose variables have a step, as indices; all of them where none has. */
function findShown(
  { variables }: ForecastFile,
  stepIndex: number,
  choices: readonly PanelChoice[],
): number[] {
  const present = variables.filter(({ steps }) => steps.includes(stepIndex)).map(({ name }) =>
    name
  );
  const indices = [...choices.keys()];
  const shown = indices.filter((i) => present.includes(choices[i]!.name));
  return shown.length > 0 ? shown : indices;
}

function namePicture({ input, output, steps, format }: PlotOptions, stepHours: number): string {
  if (output === undefined) return nameStep(input.replace(/(\.\w+)?$/, `.${format}`), stepHours);
  return steps === "all" ? nameStep(output, stepHours) : output;
}

/** `panel.png` as `panel_036h.png`. */
function nameStep(output: string, stepHours: number): string {
  const label = `_${String(stepHours).padStart(3, "0")}h`;
  return /\.\w+$/.test(output) ? output.replace(/(\.\w+)$/, `${label}$1`) : output + label;
}
