/**
 * Options of streaming.
 *
 * @module
 */
import { type ArrayTask, parseTask } from "../../lib/checkpoint/array_task.ts";
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { findEra, listEras } from "../../lib/ecmwf/eras.ts";
import { BUCKET } from "../../lib/ecmwf/files.ts";
import type { RunRequest } from "../../lib/ecmwf/published.ts";
import { formatDate, parseRun } from "../../lib/ecmwf/run.ts";
import { GIK_VARIABLES, VARIABLES } from "../../lib/ecmwf/variables.ts";
import { DEFAULT_POLICY } from "../../lib/ensemble/fetch_plan.ts";
import type { FieldProduct } from "../../lib/ensemble/field_product.ts";
import { UsageError } from "../../lib/errors.ts";
import { GIK, type OutputProfile } from "../../lib/output/profile.ts";
import { formatRegion, requirePoints } from "../../lib/output/regions.ts";
import type { ReferenceTargets } from "../../lib/references/reference_targets.ts";
import { isRemote, trimFolder } from "../../lib/storage/mod.ts";
import type { StreamOptions } from "../../lib/stream/stream_options.ts";
import { sortUnique } from "../../lib/util/numbers.ts";
import { readEnvironment } from "./console.ts";
import { FILE_OPTIONS, parseFileOptions } from "./file_options.ts";
import { FIELDS, parseFieldNames } from "./field_options.ts";
import {
  parseGcsFolder,
  parseStoresOptions,
  readGcs,
  STORES_OPTIONS,
  type StoresRequest,
} from "./gcs_options.ts";
import { OUTPUT_OPTIONS, type OutputLocation, parseOutputOptions } from "./output_options.ts";
import { formatCommandLine, parseProfileOptions, PROFILE_OPTIONS } from "./profile_options.ts";
import {
  chooseStatistics,
  parseProductNames,
  parseProducts,
  PRODUCT_OPTIONS,
} from "./product_options.ts";
import {
  DATES,
  listShapingOptions,
  MAX_MEMBERS,
  MODEL,
  parseMaxMembers,
  parseModelName,
  parseRunRequests,
  parseServerOptions,
  parseSteps,
  RUN_HOURS,
  type RunSource,
  SERVER_OPTIONS,
  type ServerOptions,
  STEPS,
} from "./run_options.ts";

/** {@linkcode STREAM_OPTIONS}, parsed. */
export interface StreamRequest
  extends
    Omit<StreamOptions, "run" | "parquetDir" | keyof OutputLocation>,
    OutputLocation,
    RunSource,
    StoresRequest {
  /** Path of the summary. @default {undefined} (none) */
  summary?: string;
  /** The part of the fields to make. @default {undefined} (all) */
  task?: ArrayTask;
  /** Whether to write the file from the fields of tasks. */
  merge: boolean;
  /** For the ledger. */
  shapingOptions: Record<string, string>;
}

/** A host with or without its port, or a bucket with its scheme. */
const REFERENCE_HOST = /^(?:(?:s3|gs|az):\/\/[\w.-]+|(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?)$/i;

/** A flag of `stream` and `distribute`. */
export const FRESH: OptionSpec = {
  name: "fresh",
  help: "start over: delete the fields that are saved in the folder of --work",
};

const ALLOW_REFERENCE_HOST: OptionSpec = {
  name: "allow-reference-host",
  value: "<host,…>",
  help: "other hosts, as host:port, or buckets, as s3://bucket, that references may point to",
};

/** Options of streaming. */
export const STREAM_OPTIONS: readonly OptionSpec[] = [
  ...STORES_OPTIONS,
  ALLOW_REFERENCE_HOST,
  {
    ...DATES,
    default: undefined,
    help:
      "days of the runs, and ranges of days: 20230301..20230531, 20230301..20230531/7 for every\n" +
      "seventh one (default: the run of the references)",
  },
  RUN_HOURS,
  MODEL,
  {
    ...STEPS,
    defaultName: GIK.steps.join(","),
    help: "forecast steps in hours, and ranges: 36-60/3, 0-144; of the default ones those that\n" +
      "the run has",
  },
  MAX_MEMBERS,
  {
    name: "min-members",
    value: "<n>",
    help: "leave a field with fewer members empty (default: write it with those that exist)",
  },
  {
    name: "drop-implausible",
    help: "leave out messages with implausible values (default: warn and use them)",
  },
  {
    name: "variables",
    value: "<v,v,…>",
    defaultName: GIK_VARIABLES.join(","),
    help: `variables to write, of ${VARIABLES.map((it) => it.name).join(", ")}\n` +
      "speeds as wind10m and wind700; sums and means over periods as tp_24h, t2m_day",
  },
  FIELDS,
  ...PRODUCT_OPTIONS,
  ...PROFILE_OPTIONS,
  {
    name: "work",
    value: "<dir>",
    help: "folder of the finished fields, local or gs://<bucket>/<path> (default: <output>.work)",
  },
  {
    name: "task",
    value: "<i>/<n>",
    help: "make only part i of n of the fields, counted from 0, and save them in --work;\n" +
      "auto/<n> takes i from the variables of an array job, auto takes n as well",
  },
  { name: "merge", help: "write the file from the fields that tasks saved in --work" },
  {
    name: "members-per-batch",
    value: "<n>",
    help: "messages in memory at once (default: 16 MiB worth)",
  },
  {
    name: "parallel-fetches",
    value: "<n>",
    default: "16",
    help: "requests at once, at most; fewer while a server is overloaded",
  },
  {
    name: "whole-messages",
    help: "fetch whole messages, not only the beginning that holds the region",
  },
  ...OUTPUT_OPTIONS,
  FRESH,
  {
    name: "summary",
    value: "<file.json>",
    help: "write what was requested, fetched and left out, timings and peak memory to a file",
  },
  ...FILE_OPTIONS,
  ...SERVER_OPTIONS,
];

/**
 * Parses {@linkcode STREAM_OPTIONS}.
 *
 * @throws {UsageError} for a value that is wrong, and for options that contradict each other.
 */
export function parseStreamRequest(values: OptionValues): StreamRequest {
  const merge = values.flag("merge");
  const fresh = values.flag("fresh");
  const task = values.text("task");
  if (merge && (task !== undefined || fresh)) {
    const other = fresh ? "fresh" : "task";
    throw new UsageError(
      `Cannot use --merge with --${other}: it reads the fields that tasks saved; leave --${other} out`,
    );
  }
  const request = parseOutputRequest(values, "stream", STREAM_OPTIONS);
  checkSeveral(request.runRequests, values);
  return {
    ...request,
    targets: parseTargets(values, request.server),
    ...parseStoresOptions(values),
    ...(request.work?.startsWith("gs:") && { gcs: readGcs(values) }),
    task: task === undefined ? undefined : parseTask(task, readEnvironment),
    merge,
  };
}

/** {@linkcode STREAM_OPTIONS} without those on stores, tasks and several runs, parsed. */
export type OutputRequest = Omit<
  StreamRequest,
  keyof StoresRequest | "targets" | "task" | "merge"
>;

/**
 * Parses what to write, where to, and the servers of the messages.
 *
 * @param command its name, and all of its options.
 * @throws {UsageError} for a value that is wrong.
 */
export function parseOutputRequest(
  values: OptionValues,
  command: string,
  options: readonly OptionSpec[],
): OutputRequest {
  const runRequests = parseRunRequests(values);
  const { profile: named, profileDigest, region, grid } = parseProfileOptions(values);
  const profile = chooseStatistics(named, values);
  if (!grid) requirePoints(region, listSpacings(runRequests));
  // Not every run has the default steps.
  const steps = isDefault(values, "steps", profile.steps) ? undefined : parseSteps(values);
  return {
    runRequests,
    server: parseServerOptions(values),
    profile,
    work: parseWork(values),
    steps,
    model: parseModelName(values),
    maxMembers: parseMaxMembers(values),
    minMembers: parseMinMembers(values),
    dropImplausible: values.flag("drop-implausible"),
    ...parseProducts(values, parseNames(values, profile), profile),
    region,
    grid,
    parallelFetches: values.count("parallel-fetches"),
    membersPerBatch: parseBatch(values),
    policy: { ...DEFAULT_POLICY, prefixes: !values.flag("whole-messages") },
    ...parseOutputOptions(values, profile.folder),
    ...parseFileOptions(values, profile),
    fresh: values.flag("fresh"),
    summary: values.text("summary"),
    shapingOptions: {
      ...listShapingOptions(listOwnOptions(values), values),
      steps: (steps ? sortUnique(steps) : profile.steps).join(","),
      variables: values.text("variables") ?? profile.products.map(({ name }) => name).join(","),
      region: formatRegion(region),
      ...(profileDigest !== undefined && { profile: profileDigest }),
    },
    now: readClock(),
    commandLine: formatCommandLine(command, options, values),
  };
}

/** Options that say what an output is like: the version of an archive is that of its first run. */
function listOwnOptions(values: OptionValues): readonly OptionSpec[] {
  if (values.text("append") === undefined) return STREAM_OPTIONS;
  return STREAM_OPTIONS.filter(({ name }) => name !== "zarr-format" && name !== "format");
}

/** Where references may point: to the sources in use, and to what the option lists. */
function parseTargets(values: OptionValues, { mirrors = [] }: ServerOptions): ReferenceTargets {
  const key = "x";
  const urls = mirrors.flatMap((mirror) => mirror.locate(`s3://${BUCKET}/${key}`) ?? []);
  const hosts = values.list(ALLOW_REFERENCE_HOST.name) ?? [];
  const bad = hosts.find((host) => !REFERENCE_HOST.test(host));
  if (bad !== undefined) {
    throw new UsageError(
      `Cannot use --${ALLOW_REFERENCE_HOST.name} "${bad}": give a host such as mirror.example or ` +
        "a bucket such as s3://bucket, without a path",
    );
  }
  return {
    bases: urls.map((url) => url.slice(0, -`/${key}`.length)),
    hosts: hosts.map((host) => host.toLowerCase()),
  };
}

/** Options that name one file, folder or part of one run, and what to do without them. */
const ONE_RUN_ONLY: readonly (readonly [name: string, remedy: string])[] = [
  ["parquet-dir", "leave it out: each run has a folder of its own"],
  ["gcs-parquet-path", "set GCS_BUCKET instead: each run has a folder of its own"],
  ["summary", "leave it out: runs.json has each run"],
  ["task", "give one --date, or run distribute"],
  ["merge", "give one --date, or run distribute"],
  ["output", "give --output-dir: each run has a file of its own"],
];

/** @throws {UsageError} for several runs with an option that fits only one. */
function checkSeveral(runs: readonly unknown[], values: OptionValues): void {
  if (runs.length <= 1) return;
  for (const [name, remedy] of ONE_RUN_ONLY) {
    if (values.text(name) === undefined && !values.flag(name)) continue;
    throw new UsageError(`Cannot use --${name} with several runs: it is for one; ${remedy}`);
  }
}

/** Whether a list is not given, or is that of the profile. */
function isDefault(
  values: OptionValues,
  name: string,
  ofProfile: readonly (string | number)[],
): boolean {
  const text = values.text(name);
  return text === undefined || text === ofProfile.join(",");
}

/**
 * The products of `--fields` or `--variables`; `extract` has the first alone.
 *
 * @returns `undefined` for the default: what ECMWF did not publish of it is left out.
 */
function parseNames(values: OptionValues, profile: OutputProfile): FieldProduct[] | undefined {
  const { products } = profile;
  const asProfile = isDefault(values, "variables", products.map(({ name }) => name));
  const fields = parseFieldNames(values);
  if (fields && !asProfile) {
    throw new UsageError("Cannot use --fields with --variables: give all of them with --fields");
  }
  return asProfile ? fields : parseProductNames(values.list("variables")!, products);
}

/** Degrees between the points of the grids of these runs; of all eras without any. */
function listSpacings(requests: readonly RunRequest[]): number[] {
  const eras = requests.length === 0 ? listEras({}) : requests.map(({ date, hour, model }) => {
    return findEra(parseRun(date === "latest" ? formatDate(new Date()) : date, hour, model));
  });
  const grids = eras.flatMap(({ folders }) => folders.map(({ grid }) => grid));
  return sortUnique(grids.map(({ spacing }) => spacing));
}

function parseMinMembers(values: OptionValues): number | undefined {
  if (values.text("min-members") === undefined) return undefined;
  const [least, most] = [values.count("min-members"), values.count("max-members")];
  if (least <= most) return least;
  throw new UsageError(
    `Cannot use --min-members ${least}: --max-members is ${most}, so that no field could have as many`,
  );
}

function parseBatch(values: OptionValues): number | undefined {
  const name = "members-per-batch";
  return values.text(name) === undefined ? undefined : values.count(name);
}

/** The folder of finished fields, without slashes at its end. */
function parseWork(values: OptionValues): string | undefined {
  const text = values.text("work");
  if (text === undefined) return undefined;
  if (text.startsWith("gs:")) return parseGcsFolder(text);
  if (isRemote(text)) {
    throw new UsageError(`Cannot use --work "${text}": give a folder or gs://<bucket>/<path>`);
  }
  return trimFolder(text);
}

/** `SOURCE_DATE_EPOCH` in seconds, for files that are equal byte for byte; else the clock. */
function readClock(): Date {
  const epoch = readEnvironment("SOURCE_DATE_EPOCH");
  if (epoch === undefined) return new Date();
  if (!/^\d+$/.test(epoch)) {
    throw new UsageError(`Cannot use SOURCE_DATE_EPOCH "${epoch}": give seconds since 1970`);
  }
  return new Date(Number(epoch) * 1000);
}
