/**
 * A forecast as a page: one HTML file that opens from disk and holds every map and number.
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
    "Writes a forecast as one HTML file for a browser: maps of mean and standard deviation at all\n" +
    "steps, values under the pointer, series at a point, tables. The file holds all its data and\n" +
    "makes no requests.",
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
      help: "the page (default: the input with the extension .html)",
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
      throw new UsageError(
        `Cannot write the page to "${output}": it is the forecast itself; give another name`,
      );
    }
    return { input, output };
  },
  run: viewForecast,
};

if (import.meta.main) await exitWith(command);
