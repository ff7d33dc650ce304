/**
 * A forecast file as one HTML page that opens from disk.
 *
 * @module
 */
import {
  type ForecastFile,
  type ForecastVariable,
  isUnpublished,
  MAX_FORECAST_BYTES,
  readForecast,
} from "../output/forecast_file.ts";
import { openStorage } from "../storage/mod.ts";
import type { Outcome, Reporter } from "../util/reporter.ts";
import { formatMegabytes } from "../util/numbers.ts";
import { buildContent } from "./content.ts";
import { formatDocument } from "./document.ts";
import type { PageVariable } from "./page/data.ts";
import { describeError } from "./page/view_state.ts";

/** What to show, and where. */
export interface ViewOptions {
  /** The NetCDF file. */
  input: string;
  /** The page. */
  output: string;
}

/** What was written; it is complete when every field that ECMWF published has a value. */
export interface ViewResult extends Outcome {
  path: string;
  /** Size of the page. */
  bytes: number;
  /** What the page has of each variable. */
  variables: readonly PageVariable[];
}

/** Writes the page of a forecast file, whole or not at all; warns of fields without any value. */
export async function viewForecast(
  { input, output }: ViewOptions,
  reporter: Reporter,
): Promise<ViewResult> {
  const storage = openStorage();
  const forecast = await readForecast(
    await storage.get(input, { maxBytes: MAX_FORECAST_BYTES }),
    input,
  );
  const bar = reporter.progress("variables", forecast.variables.length);
  const data = await buildContent(forecast, () => bar.advance(1)).finally(() => bar.finish());
  const page = new TextEncoder().encode(await formatDocument(data));
  await storage.put(output, [page]);
  const { notPublished } = forecast;
  if (notPublished.length > 0) {
    reporter.info(`${output}: ECMWF published no ${notPublished.join(", ")} for this run`);
  }
  const empty = listEmptyFields(forecast);
  for (const field of empty) reporter.warn(`${output}: no value of ${field}`);
  const { variables } = data;
  reporter.info(`${output}: ${formatMegabytes(page.length)} MB, values as in the file to within`);
  for (const line of formatErrors(variables)) reporter.info(line);
  return { complete: empty.length === 0, path: output, bytes: page.length, variables };
}

/** Fields that ECMWF published in which every value is missing: `sf at 48 h`. */
function listEmptyFields(file: ForecastFile): string[] {
  return file.variables.flatMap((variable) =>
    file.stepHours
      .filter((hours) => !isUnpublished(file, variable.name, hours))
      .filter((hours) => isEmpty(variable, file.stepHours.indexOf(hours)))
      .map((hours) => `${variable.name} at ${hours} h`)
  );
}

function isEmpty(variable: ForecastVariable, step: number): boolean {
  return variable.mean(step).every((value) => Number.isNaN(value));
}

function formatErrors(variables: readonly PageVariable[]): string[] {
  const width = Math.max(...variables.map(({ name }) => name.length));
  return variables.map((variable) =>
    `  ${variable.name.padEnd(width)}  ${describeError(variable)}`
  );
}
