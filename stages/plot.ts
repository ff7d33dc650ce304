/**
 * Pictures of a forecast: means and standard deviations on maps, one page a step.
 *
 * @module
 */
import type { Command, OptionValues } from "../lib/cli/command.ts";
import type { Outcome, Reporter } from "../lib/util/reporter.ts";
import { UsageError } from "../lib/errors.ts";
import { suggestNearest } from "../lib/util/text.ts";
import { findVariable } from "../lib/ecmwf/variables.ts";
import { type ForecastFile, parseForecast } from "../lib/output/forecast_file.ts";
import {
  choosePanels,
  DEFAULT_PANELS,
  drawFigure,
  type Figure,
  type PanelChoice,
  planScales,
} from "../lib/maps/figure.ts";
import { renderPng } from "../lib/maps/render_png.ts";
import { openStorage } from "../lib/storage/mod.ts";
import { exitWith } from "./cli/console.ts";

/** A forecast over the whole globe is larger than what is read of an object otherwise. */
const MAX_FORECAST_BYTES = 2 ** 32;

/** Kinds of pictures. */
export type PlotFormat = "png" | "svg";

/** Steps of a file: one by its place, counted from 0, or by its hours; or each of them. */
export type StepChoice = { index: number } | { hours: number } | "all";

/** What to draw, and where to. */
export interface PlotOptions {
  /** The NetCDF file. */
  input: string;
  steps: StepChoice;
  /** Variables of which mean and deviation are drawn. @default {undefined} (the usual panel) */
  variables?: readonly string[];
  /** The picture; with several steps `_036h` and so on is put before its ending. */
  output: string;
  format: PlotFormat;
  /** Pixels an inch of a PNG; the page is 10 inches wide. */
  dpi: number;
}

/** What was drawn. */
export interface PlotResult {
  plots: { path: string; figure: Figure }[];
  /** Whether every panel has values. */
  complete: boolean;
}

/**
 * Draws steps of a forecast file, a picture each. A picture appears whole or not at all.
 *
 * @throws {UsageError} for a step that the file does not have, or a variable that does not exist.
 */
export async function runPlot(options: PlotOptions, reporter: Reporter): Promise<PlotResult> {
  const { input, output } = options;
  const storage = openStorage();
  const file = parseForecast(await storage.get(input, { maxBytes: MAX_FORECAST_BYTES }), input);
  const stepIndices = selectSteps(file, options.steps);
  const choices = selectPanels(file, options.variables);
  const scales = planScales(file, choices);
  const result: PlotResult = { plots: [], complete: true };
  const bar = reporter.progress("pages", stepIndices.length);
  for (const stepIndex of stepIndices) {
    const figure = drawFigure(file, stepIndex, choices, scales);
    const bytes = await encodeFigure(figure, options);
    const path = options.steps === "all" ? nameStep(output, file.stepHours[stepIndex]!) : output;
    await storage.put(path, [bytes]);
    result.plots.push({ path, figure });
    bar.advance(1);
    reporter.info(
      `${file.stepHours[stepIndex]} h → ${path} (${Math.ceil(bytes.length / 1000)} kB)`,
    );
    for (const message of new Set(figure.panels.flatMap(({ message }) => message ?? []))) {
      reporter.warn(`${path}: ${message}`);
      result.complete = false;
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

/** `deno task plot`. */
export const command: Command<PlotOptions> = {
  name: "plot",
  purpose:
    "Draws ensemble means and standard deviations of a forecast on maps: 12 panels on a page,\n" +
    "with coasts, borders, lakes and a colour bar each. Where there is no value the map is hatched.",
  options: [
    { name: "input", value: "<file.nc>", help: "the forecast, as stream writes it" },
    {
      name: "output",
      value: "<file>",
      help: "the picture (default: the name of the input, ending in .png or .svg)",
    },
    {
      name: "step-index",
      value: "<n>",
      help: "which step of the file, counted from 0 (default: 0)",
    },
    { name: "step", value: "<hours>", help: "the same by its hours, for example 48" },
    { name: "all-steps", help: "every step, a picture each: _036h and so on is put in its name" },
    {
      name: "variables",
      value: "<names>",
      help: "mean and deviation of these, for example tp,t2m\n" +
        "(default: mean of tp, t2m, sp, tcc, u700, v700, tcwv, ssr and deviation of tp, t2m, u700, tcc)",
    },
    { name: "format", value: "<kind>", help: "png or svg (default: as the output ends, else png)" },
    {
      name: "dpi",
      value: "<n>",
      default: "200",
      help: "pixels an inch of a PNG; a page is 10 inches wide, 200 makes 2000 pixels",
    },
  ],
  examples: [
    "deno task plot --input cgan_output/IFS_20260206_00Z_cgan.nc --step-index 4",
    "deno task plot --input cgan_output/IFS_20260206_00Z_cgan.nc --all-steps --format svg",
    "deno task plot --input cgan_output/IFS_20260206_00Z_cgan.nc --step 48 --variables tp --dpi 300",
  ],
  parse(values) {
    const input = values.required("input");
    const format = parseFormat(values);
    const output = values.text("output") ?? input.replace(/(\.\w+)?$/, `.${format}`);
    if (output === input) {
      throw new UsageError(`Cannot use --output "${output}": it is the input, give another name`);
    }
    return {
      input,
      output,
      format,
      steps: parseSteps(values),
      variables: values.list("variables"),
      dpi: values.count("dpi", 20),
    };
  },
  run: (options, reporter): Promise<Outcome> => runPlot(options, reporter),
};

function parseFormat(values: OptionValues): PlotFormat {
  const ending = /\.(png|svg)$/i.exec(values.text("output") ?? "")?.[1]?.toLowerCase();
  const format = values.text("format") ?? ending ?? "png";
  if (format === "png" || format === "svg") return format;
  throw new UsageError(`Cannot use --format "${format}": it is png or svg`);
}

function parseSteps(values: OptionValues): StepChoice {
  const given = ["step-index", "step", "all-steps"].filter((name) =>
    values.flag(name) || values.text(name) !== undefined
  );
  if (given.length > 1) {
    throw new UsageError(`Cannot use --${given.join(" with --")}: give one of them`);
  }
  if (given[0] === "all-steps") return "all";
  if (given[0] === "step") return { hours: values.count("step", 0) };
  return { index: given[0] ? values.count("step-index", 0) : 0 };
}

if (import.meta.main) await exitWith(command);
