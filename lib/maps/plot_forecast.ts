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
import {
  choosePanels,
  DEFAULT_PANELS,
  drawFigure,
  type Figure,
  type PanelChoice,
  planScales,
} from "./figure.ts";
import { renderPng } from "./render_png.ts";

/** Formats of a picture. */
export type PlotFormat = "png" | "svg";

/** Which steps of a file: one by its index (from 0) or by its hours, or each of them. */
export type StepChoice = { index: number } | { hours: number } | "all";

/** What to draw, and where to. */
export interface PlotOptions {
  /** The NetCDF file. */
  input: string;
  steps: StepChoice;
  /** Variables of which mean and deviation are drawn. @default {undefined} (`DEFAULT_PANELS`) */
  variables?: readonly string[];
  /** The picture. */
  output: string;
  /** Whether `_036h` and so on is put before its extension. @default with all steps */
  namesStep?: boolean;
  format: PlotFormat;
  /** Pixels an inch of a PNG; the page is 10 inches wide. */
  dpi: number;
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
  const { input, output } = options;
  const storage = openStorage();
  const file = await readForecast(
    await storage.get(input, { maxBytes: MAX_FORECAST_BYTES }),
    input,
  );
  const stepIndices = selectSteps(file, options.steps);
  const choices = selectPanels(file, options.variables);
  const scales = planScales(file, choices);
  const result: PlotResult = { plots: [], complete: true };
  const bar = reporter.progress("pages", stepIndices.length);
  for (const stepIndex of stepIndices) {
    const figure = drawFigure(file, stepIndex, choices, scales);
    const bytes = await encodeFigure(figure, options);
    const namesStep = options.steps === "all" || options.namesStep;
    const path = namesStep ? nameStep(output, file.stepHours[stepIndex]!) : output;
    await storage.put(path, [bytes]);
    result.plots.push({ path, figure });
    bar.advance(1);
    reporter.info(
      `${file.stepHours[stepIndex]} h → ${path} (${Math.ceil(bytes.length / 1000)} kB)`,
    );
    const empty = new Map(figure.panels.map(({ message, unpublished }) => [message, unpublished]));
    for (const [message, unpublished] of empty) {
      if (message === undefined) continue;
      if (unpublished) reporter.info(`${path}: ${message}`);
      else reporter.warn(`${path}: ${message}`);
      result.complete &&= unpublished;
    }
  }
  bar.finish();
  return result;
}

async function encodeFigure({ svg }: Figure, { format, dpi }: PlotOptions): Promise<Uint8Array> {
  return format === "svg" ? new TextEncoder().encode(svg) : await renderPng(svg, dpi);
}

function selectSteps({ path, stepHours }: ForecastFile, choice: StepChoice): number[] {
  if (choice === "all") return [...stepHours.keys()];
  const index = "index" in choice ? choice.index : stepHours.indexOf(choice.hours);
  if (stepHours[index] !== undefined) return [index];
  const asked = "index" in choice ? `--step-index ${choice.index}` : `--step ${choice.hours}`;
  const steps = stepHours.map((hours, index) => `${index} (${hours} h)`).join(", ");
  throw new UsageError(`Cannot use ${asked}: "${path}" has the steps ${steps}`);
}

function selectPanels(file: ForecastFile, names?: readonly string[]): readonly PanelChoice[] {
  if (!names) return DEFAULT_PANELS;
  const present = file.variables.map(({ name }) => name);
  const unknown = names.find((name) => !present.includes(name) && !findVariable(name));
  if (unknown !== undefined) {
    throw new UsageError(
      `Cannot draw variable "${unknown}": the file has ${present.join(", ")}` +
        suggestNearest(unknown, present),
    );
  }
  return [...choosePanels(names, "mean"), ...choosePanels(names, "deviation")];
}

/** `panel.png` as `panel_036h.png`. */
function nameStep(output: string, stepHours: number): string {
  const label = `_${String(stepHours).padStart(3, "0")}h`;
  return /\.\w+$/.test(output) ? output.replace(/(\.\w+)$/, `${label}$1`) : output + label;
}
