/**
 * The options of `forecast`: those of `stream` without stores and tasks, and its own.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/errors.ts";
import type { ForecastOptions } from "../../lib/forecast/run_forecast.ts";
import { isRemote } from "../../lib/storage/mod.ts";
import { readGcs } from "./gcs_options.ts";
import { parsePublishOptions, PUBLISH_OPTIONS, type PublishTarget } from "./publish_options.ts";
import { DATE, RUN_HOUR, type RunSource } from "./run_options.ts";
import { parseOutputRequest, STREAM_OPTIONS } from "./stream_request.ts";

/** {@linkcode FORECAST_OPTIONS}, parsed. */
export interface ForecastRequest
  extends Omit<ForecastOptions, "runRequest" | "wait">, RunSource, PublishTarget {
  /** Path of the summary. @default {undefined} (none) */
  summary?: string;
  /** How long to wait for steps, in milliseconds. @default {undefined} (not at all) */
  waitMs?: number;
  /** Whether to replace a file that was made with other options. */
  overwrite: boolean;
  /** For the ledger. */
  shapingOptions: Record<string, string>;
}

/** Options of `stream` that `forecast` has no use for, or that mean something else there. */
const OTHERS: readonly string[] = [
  "date",
  "run",
  "allow-reference-host",
  "parquet-dir",
  "gcs-parquet-path",
  "catalog",
  "task",
  "merge",
];

const DEFAULT_WAIT = "6h";

/** Options of `forecast`. */
export const FORECAST_OPTIONS: readonly OptionSpec[] = [
  {
    ...DATE,
    help: "day of the run, or `latest`: the newest run that has every step that is needed;\n" +
      "with --wait the newest run that has begun",
  },
  RUN_HOUR,
  ...STREAM_OPTIONS.filter(({ name }) => !OTHERS.includes(name)),
  {
    name: "wait",
    value: "[<duration>]",
    bare: DEFAULT_WAIT,
    help: "wait for steps that are not there, so long at most, for example 90m or 4h\n" +
      `(without a duration: ${DEFAULT_WAIT}); each step is read as soon as it is there`,
  },
  {
    name: "allow-missing",
    help: "write what is there when the time of --wait is over, and exit with 5\n" +
      "(default: write nothing and exit with 3)",
  },
  {
    name: "keep-references",
    value: "<dir>",
    help: "also write the Parquet files of stages 2 and 3 for these steps",
  },
  { name: "plot", help: "also draw the first step, as `plot` does" },
  { name: "view", help: "also write the page for a browser, as `view` does" },
  ...PUBLISH_OPTIONS,
];

/**
 * Parses {@linkcode FORECAST_OPTIONS}.
 *
 * @throws {UsageError} for a value that is wrong, and for `--allow-missing` without `--wait`.
 */
export function parseForecastRequest(values: OptionValues): ForecastRequest {
  const wait = values.text("wait");
  const allowMissing = values.flag("allow-missing");
  if (allowMissing && wait === undefined) {
    throw new UsageError(
      "Cannot use --allow-missing without --wait: what is there is written anyway; leave it out",
    );
  }
  const target = parsePublishOptions(values);
  const request = parseOutputRequest(values, "forecast", FORECAST_OPTIONS);
  const { work, outputDir } = request;
  const drawn = ["plot", "view"].find((name) => values.flag(name));
  if (drawn !== undefined && isRemote(outputDir)) {
    throw new UsageError(
      `Cannot use --${drawn} with --output-dir ${outputDir}: it reads files of this machine; ` +
        "give a folder here, and --publish for the copies",
    );
  }
  const usesGcs = [target.publish, work, outputDir].some((folder) => folder?.startsWith("gs:"));
  if (values.flag("gcs-anonymous") && !usesGcs) {
    throw new UsageError("Cannot use --gcs-anonymous without gs://: leave it out");
  }
  return {
    ...request,
    ...(usesGcs && { gcs: readGcs(values) }),
    waitMs: wait === undefined ? undefined : parseDuration(wait),
    allowMissing,
    keepReferences: values.text("keep-references"),
    plot: values.flag("plot"),
    view: values.flag("view"),
    ...target,
  };
}

const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000 };

/** `4h`, `90m`, `1h30m` in milliseconds. */
function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+)([hms])/g)];
  const isWhole = parts.map(([part]) => part).join("") === text;
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS_MS[unit!]!, 0);
  if (isWhole && ms > 0) return ms;
  throw new UsageError(`Cannot read --wait "${text}": give a duration such as 90m, 4h or 1h30m`);
}
