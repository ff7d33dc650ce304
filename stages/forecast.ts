/**
 * The whole job: from nothing to the NetCDF of a run, in one process.
 *
 * @module
 */
import type { Command } from "../lib/cli/command.ts";
import { runRecordedForecast } from "../lib/forecast/run_forecast.ts";
import { systemClock } from "../lib/forecast/wait_for_steps.ts";
import { UsageError } from "../lib/errors.ts";
import { openStorage } from "../lib/storage/mod.ts";
import { exitWith, listenForSignals } from "./cli/console.ts";
import {
  FORECAST_OPTIONS,
  type ForecastRequest,
  parseForecastRequest,
} from "./cli/forecast_request.ts";
import { openContext } from "./cli/run_stage.ts";
import { reportStream, writeSummary } from "./cli/stream_report.ts";

/** The command `forecast`. */
export const command: Command<ForecastRequest> = {
  name: "forecast",
  purpose:
    "From nothing to the NetCDF of ensemble mean and standard deviation: reads the indexes of the\n" +
    "steps that it needs, fetches the messages, and writes. The file is that of pipeline and stream,\n" +
    "byte for byte. With --wait it takes each step as it lands.",
  options: FORECAST_OPTIONS,
  examples: [
    "deno task forecast",
    "deno task forecast --date 20260206 --run 12 --plot --view",
    "deno task forecast --wait 4h --publish /srv/forecasts",
    "deno task forecast --wait --allow-missing --quiet",
    "deno task forecast:gcs --publish gs://bucket/forecasts",
    "deno task forecast:s3 --publish s3://bucket/forecasts --publish-region eu-west-1",
    "deno task forecast --date 20260206 --variables tp,t2m --region kenya --output kenya/rain.nc",
  ],
  parse: parseForecastRequest,
  async run({ runRequests, server, gcs, summary, waitMs, ...given }, reporter) {
    using interruption = listenForSignals();
    const { signal } = interruption;
    const [runRequest] = runRequests;
    if (!runRequest || runRequests.length > 1) {
      throw new UsageError("Cannot make forecasts of several dates: give one --date");
    }
    const startedMs = Date.now();
    const context = openContext(server, reporter, gcs, signal);
    const wait = waitMs === undefined ? undefined : { limitMs: waitMs, clock: systemClock(signal) };
    const { shapingOptions, overwrite, publishServer, ...others } = given;
    const options = { ...others, runRequest, wait };
    const onStatus = (line: string) => reporter.info(line);
    // A storage of its own: ECMWF's servers never see the key.
    const copies = publishServer && openStorage({ ...publishServer, signal, onStatus });
    const rules = {
      ...{ command: "forecast", options: shapingOptions, overwrite: overwrite || given.replace },
      remake: options.fresh,
    };
    const result = await runRecordedForecast(options, rules, { ...context, copies });
    await writeSummary(summary, options, result, context);
    reportStream(options, result, context, startedMs);
    return result;
  },
};

if (import.meta.main) await exitWith(command);
