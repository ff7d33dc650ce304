/**
 * Any fields of a run over a region, in one file: from nothing, in one process.
 *
 * @module
 */
import type { Command } from "../lib/cli/command.ts";
import { UsageError } from "../lib/errors.ts";
import { exitWith, listenForSignals } from "./cli/console.ts";
import {
  EXTRACT_OPTIONS,
  type ExtractRequest,
  parseExtractRequest,
} from "./cli/extract_request.ts";
import { openContext } from "./cli/run_stage.ts";

/** The command `extract`. */
export const command: Command<ExtractRequest> = {
  name: "extract",
  purpose:
    "Writes any fields of a run over a region as one file: reads the indexes of the steps\n" +
    "that are asked for, fetches the beginnings of the messages that hold the region, and writes.\n" +
    "No stage is run before.",
  options: EXTRACT_OPTIONS,
  examples: [
    "deno task extract --date latest --fields tp,u@700 --region=5,33,-5,42 --output nairobi.nc",
    "deno task extract --fields msl,2d,10u,10v --steps 0-72/6 --members 0,1-10 --output surface.nc",
    "deno task extract --date 20260206 --fields gh@500,vsw@1 --steps 36 --output levels.nc",
    "deno task extract --date 20260206 --fields 2t --steps 0-72/6 --append members.zarr",
    "deno task extract --model aifs-ens --fields t@850,z@500 --steps 24,48 --output aifs.nc",
    "deno task extract:mirrors --source gcs --fields 2t --output t2m.nc",
  ],
  parse: parseExtractRequest,
  async run({ runRequests, server, summary, shapingOptions, overwrite, ...given }, reporter) {
    using interruption = listenForSignals();
    const [runRequest] = runRequests;
    if (!runRequest || runRequests.length > 1) {
      throw new UsageError("Cannot extract fields of several dates: give one --date");
    }
    const startedMs = Date.now();
    const context = openContext(server, reporter, undefined, interruption.signal);
    const options = { ...given, runRequest };
    const rules = {
      ...{ command: "extract", options: shapingOptions, overwrite: overwrite || given.replace },
      remake: options.fresh || given.replace,
    };
    // Loaded when the command line is known to be right.
    const { runExtract } = await import("../lib/forecast/run_extract.ts");
    const { reportStream, writeSummary } = await import("./cli/stream_report.ts");
    const result = await runExtract(options, rules, context);
    await writeSummary(summary, options, result, context);
    reportStream(options, result, context, startedMs);
    return result;
  },
};

if (import.meta.main) await exitWith(command);
