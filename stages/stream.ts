/**
 * Streaming: references in, the NetCDF of ensemble mean and standard deviation out.
 *
 * @module
 */
import { dirname } from "node:path";
import type { Command } from "../lib/cli/command.ts";
import type { Run } from "../lib/ecmwf/run.ts";
import { UsageError } from "../lib/errors.ts";
import { findStores } from "../lib/references/stage_folders.ts";
import type { OutputRules } from "../lib/runs/output_record.ts";
import type { StreamOptions } from "../lib/stream/stream_options.ts";
import type { DoneResult, StreamResult, TaskResult } from "../lib/stream/stream_result.ts";
import type { StageContext } from "../lib/storage/mod.ts";
import type { Outcome, Reporter } from "../lib/util/reporter.ts";
import { exitWith, listenForSignals } from "./cli/console.ts";
import { NO_STORES, STORES_RULE } from "./cli/gcs_options.ts";
import { openContext, openRun } from "./cli/run_stage.ts";
import { parseStreamRequest, STREAM_OPTIONS, type StreamRequest } from "./cli/stream_request.ts";

/** The command `stream`. */
export const command: Command<StreamRequest> = {
  name: "stream",
  purpose: "Fetches the messages that the final stores refer to, and writes ensemble mean and\n" +
    `standard deviation over a region as one NetCDF file.\n\n${STORES_RULE}`,
  options: STREAM_OPTIONS,
  examples: [
    "deno task stream ecmwf_three_stage_20260206_00z",
    "deno task stream --date 20260206 --run 12 --steps 36,39,42",
    "deno task stream --gcs-parquet-path gs://gik-ecmwf-aws-tf/run_par_ecmwf/20260206_00z",
    "deno task stream:catalog --date 20240715 --catalog icpac-hf",
    "deno task stream:gcs --date 20260206 --work gs://bucket/work --task 3/9",
    "deno task stream:gcs --date 20260206 --work gs://bucket/work --merge",
    "deno task stream --date 20260206 --variables tp,t2m --region kenya --output kenya/rain.nc",
    "deno task stream --date 20240301..20240531 --run 00,12 --variables tp",
    "deno task stream --date 20240301..20240531 --variables tp,t2m --append archive.zarr",
  ],
  parse: parseStreamRequest,
  async run(request, reporter) {
    using interruption = listenForSignals();
    const { signal } = interruption;
    if (request.runRequests.length > 1) return await streamRuns(request, reporter, signal);
    const { runRequests, server, gcs, summary, ...given } = request;
    const { run, context } = runRequests.length > 0
      ? await openRun({ runRequests, server, gcs }, reporter, signal)
      : { run: undefined, context: openContext(server, reporter, gcs, signal) };
    const parquetDir = given.parquetDir ?? (run && await findRunStores(run, request, context));
    if (parquetDir === undefined && !given.catalog) throw new UsageError(NO_STORES);
    const startedMs = Date.now();
    const options = { ...given, parquetDir, run };
    const result = await streamPart(options, request, context);
    const { reportStream, writeSummary } = await import("./cli/stream_report.ts");
    await writeSummary(summary, options, result, context);
    reportStream(options, result, context, startedMs);
    return result;
  },
};

/** The folder of a run's final stores; none where a catalogue has its references. */
async function findRunStores(
  run: Run,
  { catalog, publishedRoot }: StreamRequest,
  context: StageContext,
): Promise<string | undefined> {
  return catalog === undefined ? await findStores(run, publishedRoot, context) : undefined;
}

/** Streams several runs, one after the other. */
async function streamRuns(
  request: StreamRequest,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<Outcome> {
  const { streamWork } = await import("../lib/stream/stream_runs.ts");
  const { runRange } = await import("./cli/run_range.ts");
  const { reportStream } = await import("./cli/stream_report.ts");
  const work = streamWork(request, {
    findStores: (run, context) => findRunStores(run, request, context),
    report: reportStream,
  });
  // The ledger of an archive is beside it.
  const folder = request.append === undefined ? request.outputDir : dirname(request.append);
  const options = { ...rulesOf(request), folder, signal };
  return await runRange(request, work, options, reporter);
}

/** Streams all fields, those of one task, or merges those of all tasks. Loads what that needs. */
async function streamPart(
  options: StreamOptions,
  request: StreamRequest,
  context: StageContext,
): Promise<StreamResult | TaskResult | DoneResult> {
  const { task, merge } = request;
  if (task) {
    const { runTask } = await import("../lib/stream/run_task.ts");
    return await runTask(task, options, context);
  }
  const { mergeRecorded, streamRecorded } = await import("../lib/stream/recorded_stream.ts");
  const write = merge ? mergeRecorded : streamRecorded;
  return await write(options, rulesOf(request), context);
}

/** What an output that is there must have been made with. */
function rulesOf(
  { shapingOptions, overwrite, replace = false, fresh }: StreamRequest,
): OutputRules {
  return {
    command: "stream",
    options: shapingOptions,
    overwrite: overwrite || replace,
    remake: fresh || replace,
  };
}

if (import.meta.main) await exitWith(command);
