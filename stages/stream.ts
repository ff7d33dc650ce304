/**
 * Streaming: references in, the NetCDF of ensemble mean and standard deviation out.
 *
 * @module
 */
import type { Command } from "../lib/cli/command.ts";
import { UsageError } from "../lib/errors.ts";
import { findStores } from "../lib/references/publish.ts";
import { runMerge } from "../lib/stream/run_merge.ts";
import { runStream } from "../lib/stream/run_stream.ts";
import { runTask } from "../lib/stream/run_task.ts";
import type { StreamOptions } from "../lib/stream/stream_options.ts";
import type { StreamResult, TaskResult } from "../lib/stream/stream_result.ts";
import type { StageContext } from "../lib/storage/mod.ts";
import { exitWith, listenForSignals } from "./cli/console.ts";
import { NO_STORES, STORES_RULE } from "./cli/gcs_options.ts";
import { openContext, openRun } from "./cli/run_stage.ts";
import { reportStream } from "./cli/stream_report.ts";
import { parseStreamRequest, STREAM_OPTIONS, type StreamRequest } from "./cli/stream_request.ts";

/** The command `stream`. */
export const command: Command<StreamRequest> = {
  name: "stream",
  purpose: "Fetches the messages that the final stores refer to, and writes ensemble mean and\n" +
    `standard deviation over a region as one NetCDF file.\n\n${STORES_RULE}`,
  options: STREAM_OPTIONS,
  examples: [
    "deno task stream --parquet-dir ecmwf_three_stage_20260206_00z",
    "deno task stream --date 20260206 --run 12 --steps 36,39,42",
    "deno task stream --gcs-parquet-path gs://gik-ecmwf-aws-tf/run_par_ecmwf/20260206_00z",
    "deno task stream:gcs --date 20260206 --work gs://bucket/work --task 3/9",
    "deno task stream:gcs --date 20260206 --work gs://bucket/work --merge",
    "deno task stream --date 20260206 --variables tp,t2m --region=5,33,-5,42",
  ],
  parse: parseStreamRequest,
  async run({ runRequests, server, gcs, publishedRoot, summary, task, merge, ...given }, reporter) {
    using interruption = listenForSignals();
    const { signal } = interruption;
    const { run, context } = runRequests.length > 0
      ? await openRun({ runRequests, server, gcs }, reporter, signal)
      : { run: undefined, context: openContext(server, reporter, gcs, signal) };
    const parquetDir = given.parquetDir ?? (run && await findStores(run, publishedRoot, context));
    if (parquetDir === undefined) {
      throw new UsageError(NO_STORES);
    }
    const startedMs = Date.now();
    const options = { ...given, parquetDir, run };
    const result = await streamPart(options, { task, merge }, context);
    await reportStream(options, result, { summary, startedMs }, context);
    return result;
  },
};

/** Streams all fields, those of one task, or merges those of all tasks. */
async function streamPart(
  options: StreamOptions,
  { task, merge }: Pick<StreamRequest, "task" | "merge">,
  context: StageContext,
): Promise<StreamResult | TaskResult> {
  if (merge) return await runMerge(options, context);
  if (task) return await runTask(task, options, context);
  return await runStream(options, context);
}

if (import.meta.main) await exitWith(command);
