/**
 * The whole job: from nothing to the NetCDF of a run, in one process.
 *
 * @module
 */
import type { Command } from "../lib/cli/command.ts";
import { runRecordedForecast } from "../lib/forecast/run_forecast.ts";
import { systemClock } from "../lib/forecast/wait_for_steps.ts";
import type { Run } from "../lib/ecmwf/run.ts";
import { UsageError } from "../lib/errors.ts";
import {
  openStorage,
  type StageContext,
  type Storage,
  type StorageOptions,
} from "../lib/storage/mod.ts";
import type { Reporter } from "../lib/util/reporter.ts";
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
    const wait = waitMs === undefined ? undefined : {
      limitMs: waitMs,
      clock: systemClock(signal),
      explainDelay: (run: Run, step: number) => explainDelay(run, step, given.outputDir, context),
    };
    const { shapingOptions, overwrite, publishServer, ...others } = given;
    const options = { ...others, runRequest, wait };
    // A storage of its own: ECMWF's servers never see the key.
    const copies = publishServer && openCopies(publishServer, reporter, signal);
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

function openCopies(server: StorageOptions, reporter: Reporter, signal: AbortSignal): Storage {
  const copies = openStorage({ ...server, signal, onStatus: (line) => reporter.info(line) });
  reporter.explainSilence?.(() => copies.describeWaits());
  return copies;
}

/** How unusual a delay is, as far as the ledger beside the output knows. */
async function explainDelay(
  run: Run,
  step: number,
  folder: string,
  { storage }: StageContext,
): Promise<string | undefined> {
  const { Ledger } = await import("../lib/runs/ledger.ts");
  const { describeDelay } = await import("../lib/runs/step_delays.ts");
  const { stepsSeen } = await Ledger.open(folder, storage);
  return describeDelay(stepsSeen, run, step, Date.now());
}

if (import.meta.main) await exitWith(command);
