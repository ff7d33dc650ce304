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
import { findLead } from "../maps/choose_panels.ts";
import { addWinds } from "../maps/wind_pairs.ts";
import { openStorage } from "../storage/mod.ts";
import type { Outcome, Reporter } from "../util/reporter.ts";
import { formatMegabytes } from "../util/numbers.ts";
import { buildContent } from "./content.ts";
import { formatDocument } from "./document.ts";
import type { PageVariable } from "./page/data.ts";
import { describeError } from "./page/describe_view.ts";

/** What to show, and where. */
export interface ViewOptions {
  /** The NetCDF file. */
  input: string;
  /** Another one that is shown beside it. @default {undefined} (none) */
  beside?: string;
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

/**
 * Writes the page of a forecast file, or of two side by side, whole or not at all; warns of fields of the
 * first without any value.
 */
export async function viewForecast(
  { input, beside, output }: ViewOptions,
  reporter: Reporter,
): Promise<ViewResult> {
  const storage = openStorage();
  const read = async (path: string) => {
    const bytes = await storage.get(path, { maxBytes: MAX_FORECAST_BYTES });
    return addWinds(await readForecast(bytes, path));
  };
  const forecast = await read(input);
  const files = beside === undefined ? [forecast] : [forecast, await read(beside)];
  const count = files.reduce((sum, { variables }) => sum + variables.length, 0);
  const bar = reporter.progress("variables", count);
  const content = await buildContent(files, () => bar.advance(1)).finally(() => bar.finish());
  const page = new TextEncoder().encode(await formatDocument(content));
  await storage.put(output, [page]);
  const { notPublished } = forecast;
  if (notPublished.length > 0) {
    reporter.info(`${output}: ECMWF published no ${notPublished.join(", ")} for this run`);
  }
  const empty = listEmptyFields(forecast);
  for (const field of empty) reporter.warn(`${output}: no value of ${field}`);
  const { variables } = content.forecasts[0]!;
  reporter.info(`${output}: ${formatMegabytes(page.length)} MB, values as in the file to within`);
  for (const line of formatErrors(variables)) reporter.info(line);
  return { complete: empty.length === 0, path: output, bytes: page.length, variables };
}

/** Fields that ECMWF published in which every value is missing: `sf at 48 h`. */
function listEmptyFields(file: ForecastFile): string[] {
  return file.variables.flatMap((variable) =>
    variable.steps
      .filter((step) => !isUnpublished(file, variable.name, file.stepHours[step]!))
      .filter((step) => isEmpty(variable, step))
      .map((step) => `${variable.name} at ${file.stepHours[step]} h`)
  );
}

function isEmpty(variable: ForecastVariable, step: number): boolean {
  return findLead(variable).values(step).every((value) => Number.isNaN(value));
}

function formatErrors(variables: readonly PageVariable[]): string[] {
  const width = Math.max(...variables.map(({ name }) => name.length));
  return variables.map((variable) =>
    `  ${variable.name.padEnd(width)}  ${describeError(variable)}`
  );
}
