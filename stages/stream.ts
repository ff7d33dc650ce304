/**
 * Streaming: references in, the NetCDF of ensemble mean and standard deviation out.
 *
 * @module
 */
import type { Command, OptionValues } from "../lib/cli/command.ts";
import { UsageError } from "../lib/cli/errors.ts";
import { suggestNearest } from "../lib/cli/nearest.ts";
import { findVariable, type Variable, VARIABLES } from "../lib/ecmwf/variables.ts";
import { DEFAULT_POLICY } from "../lib/ensemble/fetch_plan.ts";
import { describeFindings, describeRejections } from "../lib/ensemble/result.ts";
import type { Region } from "../lib/grib/mod.ts";
import { GIK } from "../lib/profile.ts";
import { exitWith, listenForSignals, readEnvironment } from "./console.ts";
import {
  findStores,
  parseStoresOptions,
  STORES_OPTIONS,
  STORES_RULE,
  type StoresRequest,
} from "./gcs_options.ts";
import {
  DATE,
  MAX_MEMBERS,
  openContext,
  openRun,
  optional,
  parseRunRequests,
  parseServerOptions,
  RUN_HOUR,
  type RunSource,
  SERVER_OPTIONS,
  STEPS,
} from "./options.ts";
import { summarizeStream } from "./stream_report.ts";
import { runStream, type StreamOptions } from "./stream_run.ts";
import { summarize } from "./stream_summary.ts";

function parseVariables(names: readonly string[]): Variable[] {
  return [...new Set(names)].map((name) => {
    const variable = findVariable(name);
    if (variable) return variable;
    const known = VARIABLES.map((it) => it.name);
    throw new UsageError(
      `Cannot write variable "${name}": the known ones are ${known.join(", ")}` +
        suggestNearest(name, known),
    );
  });
}

function parseRegion(numbers: readonly number[]): Region {
  const [north, west, south, east] = numbers as [number, number, number, number];
  if (north < south || north > 90 || south < -90) {
    throw new UsageError(
      `Cannot use region ${numbers.join(",")}: give north,west,south,east in degrees, north first`,
    );
  }
  return { north, west, south, east };
}

/** `--min-members`, which no run can reach when it is above `--max-members`. */
function parseMinMembers(values: OptionValues): number | undefined {
  if (values.text("min-members") === undefined) return undefined;
  const [least, most] = [values.count("min-members"), values.count("max-members")];
  if (least <= most) return least;
  throw new UsageError(`Cannot require ${least} members: only ${most} are asked for`);
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

/** The options as given on the command line. */
interface StreamRequest
  extends Omit<StreamOptions, "run" | "parquetDir">, RunSource, StoresRequest {
  /** Path of the summary. @default {undefined} (none) */
  summary?: string;
}

const { region } = GIK;

/** The command `stream`. */
export const command: Command<StreamRequest> = {
  name: "stream",
  purpose: "Fetches the messages that the final stores refer to, and writes ensemble mean and\n" +
    `standard deviation over a region as one NetCDF file.\n\n${STORES_RULE}`,
  options: [
    ...STORES_OPTIONS,
    { ...DATE, default: undefined, help: "day of the run (default: what the references say)" },
    RUN_HOUR,
    { ...STEPS, default: GIK.steps.join(","), help: "forecast steps in hours" },
    MAX_MEMBERS,
    {
      name: "min-members",
      value: "<n>",
      help: "leave a field of fewer members empty (default: write it with all that exist)",
    },
    {
      name: "drop-implausible",
      help: "leave messages out whose values cannot be true (default: name them, and use them)",
    },
    {
      name: "variables",
      value: "<v,v,…>",
      default: GIK.variables.join(","),
      help: `variables to write, of ${VARIABLES.map((it) => it.name).join(", ")}`,
    },
    {
      name: "region",
      value: "<N,W,S,E>",
      default: [region.north, region.west, region.south, region.east].join(","),
      help: "degrees, edges included",
    },
    {
      name: "parallel-fetches",
      value: "<n>",
      default: "16",
      help: "requests under way at once, at most; fewer where a server bears fewer",
    },
    {
      name: "whole-messages",
      help: "fetch messages whole, not only the beginning that the region takes",
    },
    { name: "output-dir", value: "<dir>", default: "cgan_output", help: "folder of the NetCDF" },
    { name: "fresh", help: "start over: drop what a stopped command kept in <output>.work" },
    {
      name: "summary",
      value: "<file.json>",
      help: "write what was asked, fetched and left out, timings and peak memory to a file",
    },
    ...SERVER_OPTIONS,
  ],
  examples: [
    "deno task stream --parquet-dir ecmwf_three_stage_20260206_00z",
    "deno task stream --date 20260206 --run 12 --steps 36,39,42",
    "deno task stream --gcs-parquet-path gs://gik-ecmwf-aws-tf/run_par_ecmwf/20260206_00z",
    "deno task stream --date 20260206 --variables tp,t2m --region=5,33,-5,42",
  ],
  parse: (values) => ({
    runRequests: parseRunRequests(values),
    server: parseServerOptions(values),
    profile: GIK,
    ...parseStoresOptions(values),
    ...optional("steps", values.counts("steps")),
    maxMembers: values.count("max-members"),
    ...optional("minMembers", parseMinMembers(values)),
    dropImplausible: values.flag("drop-implausible"),
    variables: parseVariables(values.list("variables") ?? []),
    region: parseRegion(values.numbers("region", 4)),
    parallelFetches: values.count("parallel-fetches"),
    policy: { ...DEFAULT_POLICY, prefixes: !values.flag("whole-messages") },
    outputDir: values.required("output-dir"),
    fresh: values.flag("fresh"),
    ...optional("summary", values.text("summary")),
    now: readClock(),
  }),
  async run({ runRequests, server, gcs, publishedRoot, summary, ...given }, reporter) {
    using interruption = listenForSignals();
    const { signal } = interruption;
    const { run, context } = runRequests.length > 0
      ? await openRun({ runRequests, server, gcs }, reporter, signal)
      : { run: undefined, context: openContext(server, reporter, gcs, signal) };
    const parquetDir = given.parquetDir ?? (run && await findStores(run, publishedRoot, context));
    if (parquetDir === undefined) {
      throw new UsageError(
        "Cannot tell which run to stream: give --date, --parquet-dir or --gcs-parquet-path",
      );
    }
    const started = Date.now();
    const options = { ...given, parquetDir, ...optional("run", run) };
    const result = await runStream(options, context);
    if (summary !== undefined) {
      const json = JSON.stringify(summarize(options, result, context.storage.counters), null, 2);
      await context.storage.put(summary, [new TextEncoder().encode(`${json}\n`)]);
    }
    for (const line of describeRejections(result.fields)) reporter.warn(line);
    for (const line of describeFindings(result.fields)) reporter.warn(`implausible: ${line}`);
    reporter.result(summarizeStream(options, result, context, started));
    return result;
  },
};

if (import.meta.main) await exitWith(command);
