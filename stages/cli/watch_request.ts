/**
 * The options of `watch`: those of `forecast` for every run, and its own.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { parseRunList } from "../../lib/ecmwf/published.ts";
import { parseRun, type RunHour } from "../../lib/ecmwf/run.ts";
import { UsageError } from "../../lib/errors.ts";
import { isRemote } from "../../lib/storage/mod.ts";
import { chooseFieldSteps } from "../../lib/stream/product_fields.ts";
import type { WatchOptions } from "../../lib/watch/watch_options.ts";
import type { ListenAddress } from "../../lib/watch/watch_server.ts";
import { readEnvironment } from "./console.ts";
import {
  FORECAST_OPTIONS,
  type ForecastRequest,
  parseForecastRequest,
} from "./forecast_request.ts";
import { parseModelName, RUN_HOURS } from "./run_options.ts";

/** {@linkcode WATCH_OPTIONS}, parsed. */
export interface WatchRequest
  extends WatchOptions, Pick<ForecastRequest, "server" | "gcs" | "publishServer"> {
  /** Where to serve the state and the files. @default {undefined} (nowhere) */
  listen?: ListenAddress;
}

/** Options of `forecast` that are of one run, or that mean something else here. */
const OTHERS: readonly string[] = [
  ...["date", "run", "work", "output", "fresh", "summary", "wait"],
  ...["format", "zarr-format", "append", "replace"],
];
const FORECAST_ONLY = FORECAST_OPTIONS.filter(({ name }) => !OTHERS.includes(name));

/** Options of `watch`. */
export const WATCH_OPTIONS: readonly OptionSpec[] = [
  { ...RUN_HOURS, name: "runs", help: "hours of the runs of each day, in UTC: 00, 06, 12 or 18" },
  ...FORECAST_ONLY.map((option) =>
    option.name === "keep-references"
      ? { ...option, help: `${option.help},\nin a folder for each run` }
      : option
  ),
  {
    name: "wait",
    value: "<duration>",
    default: "6h",
    help:
      "how long after it is due a run is waited for, for example 90m or 4h; after that it is\n" +
      "looked for once an hour",
  },
  {
    name: "catch-up",
    value: "<days>",
    default: "3",
    help: "days before today whose runs are made, too, the newest first",
  },
  {
    name: "keep-days",
    value: "<days>",
    help: "remove the outputs, references and saved fields of runs that are older\n" +
      "(default: everything is kept)",
  },
  {
    name: "min-free",
    value: "<MB>",
    default: "500",
    help: "start no run with less free space on the disk of --output-dir",
  },
  { name: "once", help: "do what is due now without waiting, and end: for cron" },
  {
    name: "listen",
    value: "<host:port>",
    help: "serve /healthz, /metrics and a page with the runs, for example 127.0.0.1:8080",
  },
  {
    name: "notify",
    value: "<url>",
    help: "post a JSON message when something is wrong and when it is well again,\n" +
      "one an hour at most; the host takes a permission of its own",
  },
];

/**
 * Parses {@linkcode WATCH_OPTIONS}.
 *
 * @throws {UsageError} {RunError} for a value that is wrong, and for options that contradict each other.
 */
export function parseWatchRequest(values: OptionValues): WatchRequest {
  const { runRequests: _, summary: __, now, ...request } = parseForecastRequest(values);
  const { server, gcs, publishServer, waitMs, allowMissing, overwrite, ...rest } = request;
  const { shapingOptions, ...forecast } = rest;
  const { outputDir } = forecast;
  if (isRemote(outputDir)) {
    throw new UsageError(
      `Cannot watch with --output-dir ${outputDir}: its ledger and lock are on this machine; ` +
        "give a folder here, and --publish for the copies",
    );
  }
  const catchUpDays = values.count("catch-up", 0);
  const keepDays = parseKeepDays(values, catchUpDays);
  const hours = parseHours(values, forecast);
  const notify = parseNotify(values);
  return {
    // Slashes at the end would stand twice in the paths of files.
    forecast: { ...forecast, outputDir: outputDir.replace(/(?<=.)\/+$/, "") },
    ...(readEnvironment("SOURCE_DATE_EPOCH") !== undefined && { now }),
    server,
    ...(gcs && { gcs }),
    ...(publishServer && { publishServer }),
    overwrite,
    hours,
    model: parseModelName(values),
    waitMs: waitMs!,
    allowMissing,
    catchUpDays,
    ...(keepDays !== undefined && { keepDays }),
    minFreeBytes: values.count("min-free", 0) * 1e6,
    once: values.flag("once"),
    shapingOptions,
    ...(notify !== undefined && { notify }),
    listen: parseListen(values),
  };
}

/** The hours of `--runs`, whose runs must have the steps. */
function parseHours(values: OptionValues, forecast: WatchOptions["forecast"]): RunHour[] {
  const model = parseModelName(values);
  const requests = parseRunList(["latest"], values.list("runs") ?? [], model);
  // No day has other steps than the others.
  for (const { hour } of requests) chooseFieldSteps(forecast, parseRun("20260101", hour, model));
  return requests.map(({ hour }) => hour);
}

function parseKeepDays(values: OptionValues, catchUpDays: number): number | undefined {
  if (values.text("keep-days") === undefined) return undefined;
  const days = values.count("keep-days");
  if (days > catchUpDays) return days;
  throw new UsageError(
    `Cannot use --keep-days ${days} with --catch-up ${catchUpDays}: what is removed would be made ` +
      "again; keep more days",
  );
}

/** `127.0.0.1:8080`, `[::1]:8080`. */
function parseListen(values: OptionValues): ListenAddress | undefined {
  const text = values.text("listen");
  if (text === undefined) return undefined;
  if (values.flag("once")) throw new UsageError("Cannot use --listen with --once: leave one out");
  const [, hostname, port] = /^(\[[\da-f:.]+\]|[\w.-]+):(\d{1,5})$/i.exec(text) ?? [];
  if (hostname === undefined || Number(port) > 65_535) {
    throw new UsageError(`Cannot use --listen "${text}": give <host>:<port>, as 127.0.0.1:8080`);
  }
  return { hostname: hostname.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** An address, which may hold a secret: messages do not quote it. */
function parseNotify(values: OptionValues): string | undefined {
  const text = values.text("notify");
  if (text === undefined || (/^https?:\/\//.test(text) && URL.canParse(text))) return text;
  throw new UsageError("Cannot use --notify: it is no address; give https://<host>/<path>");
}
