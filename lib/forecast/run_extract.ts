/**
 * A run whose steps are on the server → its references, and one output of them: what `forecast` does where
 * nothing is awaited, and all that `extract` does. Loads nothing that draws, copies or waits.
 *
 * @module
 */
import type { RunRequest } from "../ecmwf/published.ts";
import type { Run } from "../ecmwf/run.ts";
import { EarlyPool } from "../ensemble/decode_pool.ts";
import { OutputRecord, type OutputRules } from "../runs/output_record.ts";
import type { StageContext } from "../storage/mod.ts";
import { chooseRegion } from "../stream/fetch_fields.ts";
import { locateRun } from "../stream/output_format.ts";
import { chooseFieldSteps } from "../stream/product_fields.ts";
import { streamRecorded } from "../stream/recorded_stream.ts";
import type { StreamOptions } from "../stream/stream_options.ts";
import type { DoneResult, StreamResult } from "../stream/stream_result.ts";
import { openLatest } from "./latest_run.ts";
import type { NeededSteps, StepReader } from "./step_reader.ts";

/** What is made of a run whose references are read first. */
export interface ExtractOptions
  extends Omit<StreamOptions, "run" | "parquetDir" | "catalog" | "stores" | "targets"> {
  runRequest: RunRequest;
}

/**
 * Writes fields of a run, unless an earlier command made the same output of the same files.
 *
 * Costs one GET and one HEAD a file of the needed steps, with `latest` what `openLatest` does besides, and
 * for the messages what `streamRecorded` does.
 *
 * @throws {OutputKeptError} for an output that another command made, before a day's run is read.
 * @throws {MissingDataError} when there is no such run, or when no message can be used.
 * @throws as `streamRecorded` does.
 */
export async function runExtract(
  options: ExtractOptions,
  rules: OutputRules,
  context: StageContext,
): Promise<StreamResult | DoneResult> {
  using started = new DisposableStack();
  let early: EarlyPool | undefined;
  const reader = await readPresentSteps(options, context, async ({ run }) => {
    await checkOutput(run, options, rules, context);
    early = started.use(new EarlyPool(chooseRegion(options)));
  });
  const read = { run: reader.run, stores: reader.collectStores() };
  return await streamRecorded({ ...options, ...read, early: early! }, rules, context);
}

/**
 * Reads the indexes of the needed steps as they are.
 *
 * @param check is called when the run is known; of a given day before anything of it is read.
 */
export async function readPresentSteps(
  options: ExtractOptions,
  context: StageContext,
  check: (reader: StepReader) => Promise<void>,
): Promise<StepReader> {
  const reader = await openLatest(options.runRequest, listNeeds(options), context, new Date());
  await check(reader);
  await reader.read();
  reader.report();
  return reader;
}

/** What is read of a run. */
export function listNeeds(options: ExtractOptions): NeededSteps {
  const { profile, maxMembers, members, parallelFetches } = options;
  return {
    stepsOf: (run: Run) => chooseFieldSteps(options, run),
    ...{ maxMembers, members, memberKind: profile.members, parallelFetches },
  };
}

/** @throws {OutputKeptError} for an output that another command made. */
export async function checkOutput(
  run: Run,
  options: ExtractOptions,
  rules: OutputRules,
  { storage }: StageContext,
): Promise<void> {
  await (await OutputRecord.open(run, locateRun(run, options).output, rules, storage)).find();
}
