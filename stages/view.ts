/**
 * A forecast as a page: one HTML file that opens from disk, with every map and number in it.
 *
 * @module
 */
import type { Command } from "../lib/cli/command.ts";
import type { Outcome, Reporter } from "../lib/util/reporter.ts";
import { UsageError } from "../lib/errors.ts";
import { formatMegabytes } from "../lib/util/numbers.ts";
import { type ForecastFile, parseForecast } from "../lib/output/forecast_file.ts";
import { openStorage } from "../lib/storage/mod.ts";
import { buildContent } from "../lib/viewer/content.ts";
import { formatDocument } from "../lib/viewer/document.ts";
import type { PageVariable } from "../lib/viewer/page/data.ts";
import { describeError } from "../lib/viewer/page/view.ts";
import { exitWith } from "./cli/console.ts";

/** A forecast over the whole globe is larger than what is read of an object otherwise. */
const MAX_FORECAST_BYTES = 2 ** 32;

/** What to show, and where. */
export interface ViewOptions {
  /** The NetCDF file. */
  input: string;
  /** The page. */
  output: string;
}

/** What was written. */
export interface ViewResult extends Outcome {
  path: string;
  /** Size of the page. */
  bytes: number;
  /** What the page has of each variable. */
  variables: readonly PageVariable[];
}

/** Writes the page of a forecast file, whole or not at all; fields without any value are named. */
export async function runView(
  { input, output }: ViewOptions,
  reporter: Reporter,
): Promise<ViewResult> {
  const storage = openStorage();
  const forecast = parseForecast(await storage.get(input, { maxBytes: MAX_FORECAST_BYTES }), input);
  const bar = reporter.progress("variables", forecast.variables.length);
  const data = await buildContent(forecast, () => bar.advance(1)).finally(() => bar.finish());
  const page = new TextEncoder().encode(await formatDocument(data));
  await storage.put(output, [page]);
  const empty = listEmptyFields(forecast);
  for (const field of empty) reporter.warn(`${output}: no value of ${field}`);
  const { variables } = data;
  reporter.info(`${output}: ${formatMegabytes(page.length)} MB, values as in the file to within`);
  for (const line of formatErrors(variables)) reporter.info(line);
  return { complete: empty.length === 0, path: output, bytes: page.length, variables };
}

/** Fields in which every value is missing. */
function listEmptyFields({ variables, stepHours }: ForecastFile): string[] {
  return variables.flatMap((variable) =>
    stepHours
      .filter((_, step) => variable.mean(step).every((value) => Number.isNaN(value)))
      .map((hours) => `${variable.name} at ${hours} h`)
  );
}

function formatErrors(variables: readonly PageVariable[]): string[] {
  const width = Math.max(...variables.map(({ name }) => name.length));
  return variables.map((variable) =>
    `  ${variable.name.padEnd(width)}  ${describeError(variable)}`
  );
}

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
  run: runView,
};

if (import.meta.main) await exitWith(command);
