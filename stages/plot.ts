/**
 * Pictures of a forecast: statistics of its members on maps, one page a step.
 *
 * @module
 */
import type { Command, OptionValues } from "../lib/cli/command.ts";
import { UsageError } from "../lib/errors.ts";
import {
  plotForecast,
  type PlotFormat,
  type PlotOptions,
  type StepChoice,
} from "../lib/maps/plot_forecast.ts";
import { exitWith } from "./cli/console.ts";

/** The command `plot`. */
export const command: Command<PlotOptions> = {
  name: "plot",
  purpose:
    "Draws what a forecast's file holds on maps: sums over periods first, means, probabilities,\n" +
    "percentiles, deviations, winds as arrows; up to 12 panels on a page, with coasts, borders, lakes\n" +
    "and a colour bar each. Where there is no value the map is hatched.",
  options: [
    {
      name: "input",
      value: "<file.nc>",
      positional: true,
      help: "the forecast, as stream writes it; --input itself may be left out",
    },
    {
      name: "output",
      value: "<file>",
      help: "the picture (default: the input with the step and .png or .svg, as in _036h.png)",
    },
    {
      name: "step-index",
      value: "<n>",
      help: "index of the step in the file, counted from 0 (default: the first with all variables)",
    },
    { name: "step", value: "<hours>", help: "the step by its hours, for example 48" },
    {
      name: "all-steps",
      help: "draw every step, a picture each, with _036h and so on in its name",
    },
    {
      name: "variables",
      value: "<names>",
      help: "all statistics of these, for example tp_24h,t2m,wind700\n" +
        "(default: what matters most of what the file holds, on 12 maps)",
    },
    { name: "celsius", help: "temperatures in °C, not in K" },
    {
      name: "format",
      value: "<kind>",
      help: "png or svg (default: by the extension of the output, else png)",
    },
    {
      name: "dpi",
      value: "<n>",
      default: "200",
      help: "pixels per inch of a PNG; a page is 10 inches wide, so 200 gives 2000 pixels",
    },
  ],
  examples: [
    "deno task plot cgan_output/IFS_20260206_00Z_cgan.nc --step-index 4",
    "deno task plot --input cgan_output/IFS_20260206_00Z_cgan.nc --all-steps --format svg",
    "deno task plot --input cgan_output/IFS_20260206_00Z_cgan.nc --step 48 --variables tp,t2m --celsius",
  ],
  parse(values) {
    const input = values.required("input");
    const format = parseFormat(values);
    const output = values.text("output");
    if (output === input) {
      throw new UsageError(`Cannot use --output "${output}": it is the input; give another name`);
    }
    return {
      input,
      output,
      format,
      // Pictures of two steps must not replace each other.
      steps: parseSteps(values),
      variables: values.list("variables"),
      dpi: values.count("dpi", 20),
      celsius: values.flag("celsius"),
    };
  },
  run: plotForecast,
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
  return given[0] ? { index: values.count("step-index", 0) } : "first";
}

if (import.meta.main) await exitWith(command);
