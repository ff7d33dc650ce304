/**
 * Options that several stages share, and how their text is read.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { BUCKET_REGION } from "../../lib/ecmwf/files.ts";
import { ENSEMBLE_SIZE } from "../../lib/ecmwf/members.ts";
import { resolveRun, type RunRequest } from "../../lib/ecmwf/published.ts";
import { parseRun, type Run } from "../../lib/ecmwf/run.ts";
import { parseSources, SOURCES } from "../../lib/ecmwf/sources.ts";
import { UsageError } from "../../lib/errors.ts";
import {
  type GcsOptions,
  openStorage,
  type StageContext,
  type StorageOptions,
} from "../../lib/storage/mod.ts";
import type { Reporter } from "../../lib/util/reporter.ts";
import { findNearest } from "../../lib/util/text.ts";
import { readEnvironment } from "./console.ts";

export const DATE: OptionSpec = {
  name: "date",
  value: "<YYYYMMDD>",
  default: "latest",
  help: "day of the run, or `latest`: the newest run whose last step is published",
};

export const RUN_HOUR: OptionSpec = {
  name: "run",
  value: "<hour>",
  default: "00",
  help: "run hour in UTC: 00, 06, 12 or 18",
};

export const MAX_MEMBERS: OptionSpec = {
  name: "max-members",
  value: "<n>",
  default: String(ENSEMBLE_SIZE),
  help: "use the first n members, the control first",
};

export const STEPS: OptionSpec = {
  name: "steps",
  value: "<h,h,…>",
  help: "forecast steps in hours (default: every step of the run)",
};

export const OUTPUT_DIR: OptionSpec = {
  name: "output-dir",
  value: "<dir>",
  help: "folder of the Parquet files (default: ecmwf_three_stage_<date>_<run>z)",
};

const SOURCE: OptionSpec = {
  name: "source",
  value: "<name,…>",
  default: "aws",
  help: [
    "who serves ECMWF's files, each the stand-in for those before it:",
    ...SOURCES.map(({ name, about }) => `${name.padEnd(7)}${about}`),
    "or a URL or folder with the same keys, as https://mirror.example/ecmwf or ./mirror",
  ].join("\n"),
};

const GIVE_UP_AFTER: OptionSpec = {
  name: "give-up-after",
  value: "<minutes>",
  default: "10",
  help: "ask a server no more once all it did for so long was fail",
};

const ENDPOINT: OptionSpec = {
  name: "endpoint",
  value: "<url>",
  help: "another S3 server, path style (default: AWS_ENDPOINT_URL_S3, else Amazon)",
};

/** Options on who serves ECMWF's files, of every stage that reads them. */
export const SERVER_OPTIONS: readonly OptionSpec[] = [SOURCE, GIVE_UP_AFTER, ENDPOINT];

/** Who serves ECMWF's files, and for how long a failing server is asked. */
export type ServerOptions = Pick<StorageOptions, "mirrors" | "giveUpAfterMs" | "endpoint">;

/** Reads {@linkcode SERVER_OPTIONS}. */
export function parseServerOptions(values: OptionValues): ServerOptions {
  return {
    mirrors: parseSources(values.required(SOURCE.name)),
    giveUpAfterMs: values.count(GIVE_UP_AFTER.name) * 60_000,
    endpoint: parseEndpoint(values),
  };
}

/** Where the S3 server is: the option, else the environment, else Amazon's own. */
function parseEndpoint(values: OptionValues): string | undefined {
  const endpoint = values.text(ENDPOINT.name) ?? readEnvironment("AWS_ENDPOINT_URL_S3");
  if (endpoint !== undefined && !URL.canParse(endpoint)) {
    throw new UsageError(`Cannot use endpoint "${endpoint}": give a URL like http://host:9000`);
  }
  return endpoint;
}

/**
 * Opens storage for one command; what servers make wait for is told.
 *
 * @param signal ends its requests.
 */
export function openContext(
  server: ServerOptions,
  reporter: Reporter,
  gcs?: GcsOptions,
  signal?: AbortSignal,
): StageContext {
  const storage = openStorage({
    ...server,
    gcs,
    signal,
    region: BUCKET_REGION,
    onStatus: (line) => reporter.info(line),
  });
  return { storage, reporter };
}

/** The runs asked for by `--date` and `--run`, none without a date; commas separate several dates. */
export function parseRunRequests(values: OptionValues): RunRequest[] {
  return (values.list(DATE.name) ?? []).map((date) => {
    const hour = values.required(RUN_HOUR.name);
    if (findNearest(date, ["latest"]) !== undefined && date !== "latest") {
      throw new UsageError(`Cannot use date "${date}": did you mean latest?`);
    }
    // The hour is checked even when the day is still to be found.
    const known = parseRun(date === "latest" ? "20260101" : date, hour);
    return { date, hour: known.hour };
  });
}

/** Options that stages 1, 2 and 3 have in common. */
export const STAGE_OPTIONS: readonly OptionSpec[] = [
  DATE,
  RUN_HOUR,
  MAX_MEMBERS,
  OUTPUT_DIR,
  ...SERVER_OPTIONS,
];

/** Which runs, and who serves them. */
export interface RunSource {
  runRequests: RunRequest[];
  server: ServerOptions;
  /** How to reach Google Cloud Storage, for a stage that does. */
  gcs?: GcsOptions;
}

/** The text of {@linkcode STAGE_OPTIONS}, read. */
export interface StageRequest extends RunSource {
  /** The first so many members, the control first. */
  maxMembers: number;
  /** Folder of the Parquet files. @default the folder of the run */
  outputDir?: string;
}

/** Reads {@linkcode STAGE_OPTIONS}. */
export function parseStageRequest(values: OptionValues): StageRequest {
  return {
    runRequests: parseRunRequests(values),
    server: parseServerOptions(values),
    maxMembers: values.count(MAX_MEMBERS.name),
    outputDir: values.text(OUTPUT_DIR.name),
  };
}

/**
 * Opens storage and finds the run of a stage that takes one.
 *
 * @throws {UsageError} when several are asked for.
 */
export async function openRun(
  { runRequests, server, gcs }: RunSource,
  reporter: Reporter,
  signal?: AbortSignal,
): Promise<{ run: Run; context: StageContext }> {
  const [request, ...others] = runRequests;
  if (!request || others.length > 0) {
    throw new UsageError("Cannot use several dates here: the pipeline takes several, a stage one");
  }
  const context = openContext(server, reporter, gcs, signal);
  return { run: await resolveRun(request, context), context };
}
