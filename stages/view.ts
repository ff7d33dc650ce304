/**
 * A forecast as a page: one HTML file that opens from disk, with every map and number in it.
 *
 * @module
 */
import type { Command } from "../lib/cli/command.ts";
import { UsageError } from "../lib/errors.ts";
import { viewForecast, type ViewOptions } from "../lib/viewer/view_forecast.ts";
import { exitWith } from "./cli/console.ts";

/** The command `view`. */
export const command: Command<ViewOptions> = {
  name: "view",
  purpose:
    "Makes one HTML file of a forecast, to be opened in a browser: maps of mean and standard\n" +
    "deviation through all steps, values under the pointer, series of points, tables. It holds all\n" +
    "its data and asks for nothing from anywhere.",
  options: [
    {
      name: "input",
      value: "<file.nc>",
      positional: true,
      help: "the forecast, as stream writes it; --input itself may be left out",
    },
    {
      name: "output",
      value: "<file.html>",
      help: "the page (default: the name of the input, ending in .html)",
    },
  ],
  examples: [
    "deno task view cgan_output/IFS_20260206_00Z_cgan.nc",
    "deno task view cgan_output/IFS_20260206_00Z_cgan.nc --output today.html",
    "deno task view --input IFS_20260206_00Z_cgan.nc --quiet",
  ],
  parse(values) {
    const input = values.required("input");
    const output = values.text("output") ?? input.replace(/(\.\w+)?$/, ".html");
    if (output === input) {
      throw new UsageError(`Cannot write the page to "${output}": that is the forecast itself`);
    }
    return { input, output };
  },
  run: viewForecast,
};

if (import.meta.main) await exitWith(command);
