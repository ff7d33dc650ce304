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
    "Writes a forecast as one HTML file for a browser: maps of every statistic at all steps, values\n" +
    "under the pointer, series and members at a point or town, tables. With a second forecast the two\n" +
    "are side by side. The file holds all its data and makes no requests.",
  options: [
    {
      name: "input",
      value: "<file.nc>",
      positional: true,
      help: "the forecast, as stream writes it; --input itself may be left out",
    },
    {
      name: "beside",
      value: "<file.nc>",
      positional: true,
      help: "another forecast, shown beside it at the same valid times, such as yesterday's;\n" +
        "--beside itself may be left out",
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
    "deno task view cgan_output/IFS_20260207_00Z_cgan.nc cgan_output/IFS_20260206_00Z_cgan.nc",
  ],
  parse(values) {
    const input = values.required("input");
    const output = values.text("output") ?? input.replace(/(\.\w+)?$/, ".html");
    const beside = values.text("beside");
    if (output === input || output === beside) {
      throw new UsageError(
        `Cannot write the page to "${output}": it is the forecast itself; give another name`,
      );
    }
    return { input, beside, output };
  },
  run: viewForecast,
};

if (import.meta.main) await exitWith(command);
