/**
 * A run goes in; its NetCDF comes out, with a picture, a page and published copies where they are asked
 * for, in one process and without files in between.
 *
 * This room joins the others: indexes are read by `references/`, fields are made by `stream/`, pictures
 * and pages by `maps/` and `viewer/`.
 *
 * @module
 */
import { resolve } from "node:path";
import { UsageError } from "../errors.ts";
import { isRemote, type StageContext, StorageError } from "../storage/mod.ts";
import type { LedgerEntry } from "../runs/ledger.ts";
import type { OutputRules } from "../runs/output_record.ts";
import { FieldSession } from "../stream/field_session.ts";
import { markSource, streamRecorded } from "../stream/recorded_stream.ts";
import { runStream, saveFields } from "../stream/run_stream.ts";
import type { StreamOptions } from "../stream/stream_options.ts";
import type { DoneResult, FieldsCount, StreamResult } from "../stream/stream_result.ts";
import { openNewest } from "./latest_run.ts";
import type { ForecastContext, ForecastFiles, ForecastOutput } from "./publish_results.ts";
import { checkOutput, type ExtractOptions, listNeeds, readPresentSteps } from "./run_extract.ts";
import type { StepReader } from "./step_reader.ts";
import { lateError, waitForSteps, type WaitOptions } from "./wait_for_steps.ts";

/** What a forecast is made of, and what else is made of it. */
export interface ForecastOptions extends ExtractOptions {
  /** How long to wait for steps that are not there. @default {undefined} (not at all) */
  wait?: WaitOptions;
  /** Whether to write what is there when the time of `wait` is over. */
  allowMissing: boolean;
  /** Folder for the Parquet files of stages 2 and 3. @default {undefined} (none are written) */
  keepReferences?: string;
  /** Whether to draw the first step, beside the NetCDF. */
  plot: boolean;
  /** Whether to write the page, beside the NetCDF. */
  view: boolean;
  /** Folder, local or on a server, for copies of what was written. @default {undefined} (none) */
  publish?: string;
}

/** What a forecast left. */
export type ForecastResult = StreamResult & ForecastFiles;

/** What is made when the NetCDF is there. */
export type MadeForecastFiles = FieldsCount & ForecastFiles & Pick<LedgerEntry, "source">;

/** What a command gives that makes one forecast after another. */
export interface ForecastHooks {
  /** Called before the NetCDF is written. */
  onWrite(): Promise<void>;
  /**
   * Called when everything is written and copied, before saved fields are removed; those of an
   * incomplete output then stay.
   */
  onMade(made: MadeForecastFiles): Promise<void>;
}

/** What it left where the NetCDF was there already: what was drawn of that, and copied. */
export type DoneForecast = DoneResult & ForecastFiles;

/**
 * Makes the NetCDF of a run, equal byte for byte to that of the pipeline without a template and
 * streaming.
 *
 * Costs one GET and one HEAD a file of the needed steps (9 files by default, 18 where the control has a
 * file of its own), and for the messages what `runStream` does. With `latest` one GET and one HEAD more,
 * or two, for each newer run that lacks a step. Waiting costs one HEAD a poll.
 *
 * Finished fields are saved as `runStream` does it. While steps are awaited, those that are there are
 * fetched; before the file is written, one HEAD a file shows whether any was replaced since.
 *
 * @param hooks of a command that makes one forecast after another. @default {undefined}
 * @throws {MissingDataError} when there is no such run, when steps are late, or when no message can be
 * used.
 * @throws {UsageError} {StorageError} as `runStream` does.
 */
export async function runForecast(
  options: ForecastOptions,
  context: ForecastContext,
  hooks?: ForecastHooks,
): Promise<ForecastResult> {
  return await completeForecast(options, context, {
    stream: hooks ? streamWith(hooks) : finishAfter(runStream),
    check: () => Promise.resolve(),
  });
}

/** Makes what else is made of the NetCDF once its work has ended. */
function finishAfter<Result extends ForecastOutput>(
  stream: (options: StreamOptions, context: StageContext) => Promise<Result>,
): ForecastWork<Result>["stream"] {
  return async (options, context, finish) => {
    const result = await stream(options, context);
    return { ...result, ...await finish(result) };
  };
}

/** Makes what else is made of the NetCDF before its saved fields are removed. */
function streamWith({ onWrite, onMade }: ForecastHooks): ForecastWork<StreamResult>["stream"] {
  return async (options, context, finish) => {
    const session = await FieldSession.open(options, context);
    const { run, path } = session.plan;
    let files: ForecastFiles | undefined;
    const result = await runStream(options, context, {
      session,
      onWrite,
      async onWritten(count) {
        files = await finish({ run, path, complete: count.complete });
        await onMade({ ...count, ...files, source: await markSource(session) });
      },
      keepsFields: true,
    });
    return { ...result, ...files! };
  };
}

/**
 * Does what `runForecast` does, unless an earlier command made the same NetCDF of the same files: then
 * no message is fetched, and pictures, page and copies are made of what is there.
 *
 * @throws {OutputKeptError} for an output that another command made, before a day's run is read.
 * @throws as `runForecast` does.
 */
export async function runRecordedForecast(
  options: ForecastOptions,
  rules: OutputRules,
  context: ForecastContext,
): Promise<ForecastResult | DoneForecast> {
  return await completeForecast(options, context, {
    stream: finishAfter((options, context) => streamRecorded(options, rules, context)),
    check: ({ run }) => checkOutput(run, options, rules, context),
  });
}

/** What a forecast does about outputs that are there. */
interface ForecastWork<Result> {
  /** @param finish makes what else is made of the NetCDF, and the copies. */
  stream(
    options: StreamOptions,
    context: StageContext,
    finish: (output: ForecastOutput) => Promise<ForecastFiles>,
  ): Promise<Result & ForecastFiles>;
  /** Called when the run is known; of a given day before anything of it is read. */
  check(reader: StepReader): Promise<void>;
}

async function completeForecast<Result extends StreamResult | DoneResult>(
  options: ForecastOptions,
  context: ForecastContext,
  { stream, check }: ForecastWork<Result>,
): Promise<Result & ForecastFiles> {
  const { keepReferences, publish } = options;
  checkTarget(publish, options.outputDir);
  if (publish !== undefined) {
    const { checkServer } = await import("./publish_results.ts");
    await checkServer(publish, context);
  }
  const { reader, resumed } = await readSteps(options, context, check);
  const hasSaved = resumed !== undefined;
  if (keepReferences !== undefined) {
    const { writeReferences } = await import("./keep_references.ts");
    await writeReferences(reader, keepReferences, context);
  }
  // Files may have been replaced since fields of them were saved.
  if (hasSaved) reader.forgetVersions();
  const result = await stream(
    {
      ...options,
      run: reader.run,
      stores: reader.collectStores(),
      fresh: options.fresh && !hasSaved,
      checkSaved: hasSaved || (options.checkSaved ?? false),
    },
    context,
    (output) => makeOthers(output, options, context),
  );
  // Those that waiting has saved are not of an earlier command.
  if (hasSaved && "fieldsResumed" in result) result.fieldsResumed = resumed;
  return result;
}

/** Makes what is asked for of the NetCDF, and the copies of all. */
export async function makeOthers(
  output: ForecastOutput,
  options: Pick<ForecastOptions, "plot" | "view" | "publish">,
  context: ForecastContext,
): Promise<ForecastFiles> {
  const outputs = [output.path, ...await drawResult(output, options, context)];
  if (options.publish === undefined) return { outputs };
  const { publishResults } = await import("./publish_results.ts");
  const manifest = await publishResults({ ...output, outputs }, options.publish, context);
  return { outputs, manifest };
}

/**
 * Checks that copies would not replace what they are made of.
 *
 * @throws {UsageError} when both are in the same folder.
 */
export function checkTarget(target: string | undefined, outputDir: string): void {
  if (target === undefined) return;
  if (isRemote(target) || isRemote(outputDir) || resolve(target) !== resolve(outputDir)) return;
  throw new UsageError(
    `Cannot publish to ${target}: it is the folder of --output-dir; give --publish another one`,
  );
}

/** The references of a run, and what waiting for them has saved. */
interface ReadSteps {
  reader: StepReader;
  /** Fields that an earlier command had saved. @default {undefined} (nothing was saved so far) */
  resumed?: number;
}

/** Reads the indexes of the needed steps, and waits for them where that is asked for. */
async function readSteps(
  options: ForecastOptions,
  context: StageContext,
  check: (reader: StepReader) => Promise<void>,
): Promise<ReadSteps> {
  const { runRequest, wait } = options;
  if (!wait) return { reader: await readPresentSteps(options, context, check) };
  const reader = await openNewest(
    runRequest,
    listNeeds(options),
    context,
    new Date(wait.clock.now()),
  );
  await check(reader);
  let resumed: number | undefined;
  const late = await waitForSteps(reader, wait, context.reporter, async () => {
    const fresh = options.fresh && resumed === undefined;
    const found = await saveLanded(reader, { ...options, fresh }, context);
    resumed ??= found;
  });
  const isAnyThere = late.length < reader.steps.length;
  if (late.length > 0 && !(options.allowMissing && isAnyThere)) {
    throw await lateError(reader, late, wait);
  }
  reader.report();
  return { reader, resumed };
}

/**
 * Fetches and saves the fields of the steps that have landed. What the output lacks is not known yet. A
 * server that fails ends no waiting: what could not be read is asked for again with the next step.
 *
 * @returns how many of the fields had been saved before.
 */
async function saveLanded(
  reader: StepReader,
  options: ForecastOptions,
  { storage, reporter }: StageContext,
): Promise<number> {
  const { run, waiting } = reader;
  const stores = reader.collectStores({ onlyLanded: true });
  const landed = reader.steps.filter((step) => !waiting.includes(step));
  reporter.info(`reading the steps that are there: ${landed.join(", ")}`);
  const context = { storage, reporter: { ...reporter, info: () => {} } };
  try {
    return await saveFields({ ...options, run, stores }, context);
  } catch (error) {
    if (!(error instanceof StorageError) || error.kind === "permission") throw error;
    reporter.warn(`${error.message}; going on waiting`);
    return 0;
  }
}

/** @returns the files that were drawn. */
async function drawResult(
  { path: input }: ForecastOutput,
  { plot, view }: Pick<ForecastOptions, "plot" | "view">,
  { reporter }: StageContext,
): Promise<string[]> {
  const outputs: string[] = [];
  if (plot) {
    const { plotForecast } = await import("../maps/plot_forecast.ts");
    const options = { input, steps: "first", format: "png", dpi: 200 } as const;
    const drawn = await plotForecast(options, reporter);
    outputs.push(...drawn.plots.map(({ path }) => path));
  }
  if (view) {
    const { viewForecast } = await import("../viewer/view_forecast.ts");
    const output = renameTo(input, ".html");
    await viewForecast({ input, output }, reporter);
    outputs.push(output);
  }
  return outputs;
}

/** A path with another extension. */
function renameTo(path: string, extension: string): string {
  return path.replace(/(\.\w+)?$/, extension);
}
