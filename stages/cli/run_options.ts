/**
 * Options on the run, its servers, members and indexes, which several commands share.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import {
  DATASETS,
  DEFAULT_MODEL,
  MODEL_NAMES,
  type ModelName,
  parseModel,
} from "../../lib/ecmwf/datasets.ts";
import { ENSEMBLE_SIZE } from "../../lib/ecmwf/members.ts";
import { parseRunList, type RunRequest } from "../../lib/ecmwf/published.ts";
import { checkSteps, expandSteps, parseRun, type RunHour } from "../../lib/ecmwf/run.ts";
import type { Stage2Options } from "../../lib/pipeline/run_stage2.ts";
import { parseSources, SOURCES } from "../../lib/ecmwf/sources.ts";
import { UsageError } from "../../lib/errors.ts";
import type { GcsOptions, StorageOptions } from "../../lib/storage/mod.ts";
import { suggestNearest } from "../../lib/util/text.ts";
import { readEnvironment } from "./console.ts";

export const DATE: OptionSpec = {
  name: "date",
  value: "<YYYYMMDD>",
  default: "latest",
  help: "day of the run, or `latest`: the newest run whose last step is published",
};

/** The days of a command that takes several runs. */
export const DATES: OptionSpec = {
  ...DATE,
  value: "<YYYYMMDD,…>",
  help:
    "days of the runs, and ranges of days: 20230301..20230531, 20230301..20230531/7 for every\n" +
    "seventh one; `latest` is the newest run whose last step is published",
};

export const RUN_HOUR: OptionSpec = {
  name: "run",
  value: "<hour>",
  default: "00",
  help: "run hour in UTC: 00, 06, 12 or 18",
};

/** The hours of a command that takes several runs. */
export const RUN_HOURS: OptionSpec = {
  ...RUN_HOUR,
  value: "<hour,…>",
  help: "run hours in UTC: 00, 06, 12 or 18",
};

/** The dataset of the run. */
export const MODEL: OptionSpec = {
  name: "model",
  value: "<name>",
  defaultName: `${DEFAULT_MODEL}, without --date that of the references`,
  help: [
    "the ensemble, by the model that makes it:",
    ...MODEL_NAMES.map((name) => `${name.padEnd(10)}${DATASETS[name].about}`),
  ].join("\n"),
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
  help: "forecast steps in hours, and ranges: 36-60/3, 0-144 (default: every step of the run)",
};

const OUTPUT_DIR: OptionSpec = {
  name: "output-dir",
  value: "<dir>",
  help: "folder of the Parquet files (default: ecmwf_three_stage_<date>_<run>z)",
};

const SOURCE: OptionSpec = {
  name: "source",
  value: "<name,…>",
  default: "aws",
  help: [
    "servers of ECMWF's files; each is used when those before it fail:",
    ...SOURCES.map(({ name, about }) => `${name.padEnd(7)}${about}`),
    "or a URL or folder with the same keys, as https://mirror.example/ecmwf or ./mirror",
  ].join("\n"),
};

const GIVE_UP_AFTER: OptionSpec = {
  name: "give-up-after",
  value: "<minutes>",
  default: "10",
  help: "stop using a server after this long without success",
};

const ENDPOINT: OptionSpec = {
  name: "endpoint",
  value: "<url>",
  help: "another S3 server, path style (default: AWS_ENDPOINT_URL_S3, else Amazon)",
};

/** Options on the servers of ECMWF's files, of every command that reads them. */
export const SERVER_OPTIONS: readonly OptionSpec[] = [SOURCE, GIVE_UP_AFTER, ENDPOINT];

/** The servers of ECMWF's files, and how long a failing one is used. */
export type ServerOptions = Pick<StorageOptions, "mirrors" | "giveUpAfterMs" | "endpoint">;

/** Parses {@linkcode SERVER_OPTIONS}; the endpoint also comes from the environment. */
export function parseServerOptions(values: OptionValues): ServerOptions {
  return {
    mirrors: parseSources(values.required(SOURCE.name)),
    giveUpAfterMs: values.count(GIVE_UP_AFTER.name) * 60_000,
    endpoint: parseEndpoint(values),
  };
}

function parseEndpoint(values: OptionValues): string | undefined {
  const endpoint = values.text(ENDPOINT.name) ?? readEnvironment("AWS_ENDPOINT_URL_S3");
  return endpoint === undefined ? undefined : parseUrl(ENDPOINT.name, endpoint);
}

/** The address of a server. @throws {UsageError} for any other text. */
export function parseUrl(name: string, text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text;
  throw new UsageError(`Cannot use ${name} "${text}": give a URL like http://host:9000`);
}

/**
 * The model of `--model`; `undefined` where it is not given.
 *
 * @throws {UsageError} for another name.
 */
export function parseModelName(values: OptionValues): ModelName | undefined {
  const text = values.text(MODEL.name);
  const model = text === undefined ? undefined : parseModel(text);
  if (text === undefined || model !== undefined) return model;
  throw new UsageError(
    `Cannot use model "${text}": the known ones are ${MODEL_NAMES.join(", ")}` +
      suggestNearest(text, MODEL_NAMES),
  );
}

/**
 * The runs of `--date`, `--run` and `--model`, each once; none without a date.
 *
 * @throws {RunError} for a date or an hour that no run has.
 * @throws {UsageError} for a model that is not known.
 */
export function parseRunRequests(values: OptionValues): RunRequest[] {
  const dates = values.list(DATE.name);
  const model = parseModelName(values);
  return dates ? parseRunList(dates, values.list(RUN_HOUR.name) ?? [], model) : [];
}

/**
 * The steps of `--steps`, or of another option like it; `undefined` when not given.
 *
 * @throws {UsageError} {RunError} for anything else, and a step that one of the runs does not have.
 */
export function parseSteps(values: OptionValues, name = STEPS.name): number[] | undefined {
  const model = parseModelName(values);
  const steps = values.counts(name, (item) => expandSteps(item, model));
  if (!steps) return undefined;
  const hours = parseRunRequests(values).map(({ hour }) => hour);
  // Without a date the run is that of the references. No day has other steps than the others.
  for (const hour of new Set<RunHour>(hours.length > 0 ? hours : ["00"])) {
    checkSteps(parseRun("20260101", hour, model), steps);
  }
  return steps;
}

/**
 * The number of members of `--max-members`; all of them for a command without it.
 *
 * @throws {UsageError} when the ensemble has fewer.
 */
export function parseMaxMembers(values: OptionValues): number {
  const { name } = MAX_MEMBERS;
  if (values.text(name) === undefined) return ENSEMBLE_SIZE;
  const count = values.count(name);
  if (count <= ENSEMBLE_SIZE) return count;
  throw new UsageError(
    `Cannot use --${name} ${count}: the ensemble has ${ENSEMBLE_SIZE} members with the control; ` +
      "give fewer",
  );
}

/** Options that change which runs are made, how or where, but no byte of an output. */
const NOT_SHAPING = new Set([
  ...["date", "run", "model", "source", "give-up-after", "endpoint", "gcs-anonymous"],
  ...["output", "output-dir", "overwrite", "keep-references", "plot", "view", "wait"],
  ...["publish", "publish-endpoint", "publish-region"],
  ...["parallel-workers", "parallel-fetches", "members-per-batch", "whole-messages"],
  ...[
    "work",
    "task",
    "merge",
    "fresh",
    "append",
    "replace",
    "summary",
    "template-cache",
    "allow-missing",
  ],
  ...["parquet-dir", "gcs-parquet-path", "catalog", "catalog-dir", "skip-grib-scan"],
  ...["allow-reference-host"],
]);

/**
 * The options that shape an output, as text by name, defaults included: what an output must be made with
 * to be the one that is asked for. An option that is not known here counts.
 */
export function listShapingOptions(
  options: readonly OptionSpec[],
  values: OptionValues,
): Record<string, string> {
  const shaping = options.filter(({ name }) => !NOT_SHAPING.has(name));
  return Object.fromEntries(shaping.flatMap(({ name, value }) => {
    const text = value === undefined ? (values.flag(name) ? "yes" : undefined) : values.text(name);
    return text === undefined ? [] : [[name, text]];
  }));
}

/** Options of stages 1, 2 and 3 and the pipeline. */
export const STAGE_OPTIONS: readonly OptionSpec[] = [
  DATE,
  RUN_HOUR,
  MODEL,
  MAX_MEMBERS,
  OUTPUT_DIR,
  ...SERVER_OPTIONS,
];

/** Runs, and the servers of their files. */
export interface RunSource {
  runRequests: RunRequest[];
  server: ServerOptions;
  /** Access to Google Cloud Storage, for a command that uses it. */
  gcs?: GcsOptions;
}

/** {@linkcode STAGE_OPTIONS}, parsed. */
export interface StageRequest extends RunSource {
  /** Number of members, the control first. */
  maxMembers: number;
  /** Folder of the Parquet files. @default the folder of the run */
  outputDir?: string;
}

/** Parses {@linkcode STAGE_OPTIONS}. */
export function parseStageRequest(values: OptionValues): StageRequest {
  return {
    runRequests: parseRunRequests(values),
    server: parseServerOptions(values),
    maxMembers: parseMaxMembers(values),
    outputDir: values.text(OUTPUT_DIR.name),
  };
}

/** Options of stage 2 and the pipeline. */
export const INDEX_OPTIONS: readonly OptionSpec[] = [
  STEPS,
  {
    name: "parallel-workers",
    value: "<n>",
    default: "8",
    help: "indexes fetched at once",
  },
  {
    name: "allow-missing",
    help: "exit with 0 even if files or fields are missing; warnings still name them",
  },
];

/** {@linkcode INDEX_OPTIONS}, parsed. */
export type IndexOptions = Pick<Stage2Options, "steps" | "parallelWorkers" | "allowMissing">;

/** Parses {@linkcode INDEX_OPTIONS}. */
export function parseIndexOptions(values: OptionValues): IndexOptions {
  return {
    steps: parseSteps(values),
    parallelWorkers: values.count("parallel-workers"),
    allowMissing: values.flag("allow-missing"),
  };
}
