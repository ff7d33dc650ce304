/**
 * Streaming: references in, the NetCDF of ensemble mean and standard deviation out.
 *
 * @module
 */
import type { Command, OptionValues, Outcome } from "../lib/cli/command.ts";
import { MissingDataError, UsageError } from "../lib/cli/errors.ts";
import { describeMembers, firstMembers, type Member } from "../lib/ecmwf/members.ts";
import { checkSteps, describeRun, isSameRun, type Run } from "../lib/ecmwf/run.ts";
import { findVariable, findVariables, type Variable, VARIABLES } from "../lib/ecmwf/variables.ts";
import { DEFAULT_POLICY } from "../lib/ensemble/fetch_plan.ts";
import { markShrunk } from "../lib/ensemble/implausible.ts";
import { findRun, neededKeys, planFields } from "../lib/ensemble/plan.ts";
import {
  alignFields,
  countRejections,
  describeFindings,
  describeRejections,
  requireMembers,
  type ResultField,
} from "../lib/ensemble/result.ts";
import type { Region } from "../lib/grib/mod.ts";
import { encodeNetcdf } from "../lib/netcdf.ts";
import { buildDataset, type OutputField } from "../lib/output.ts";
import { mapInParallel } from "../lib/parallel.ts";
import { GIK } from "../lib/profile.ts";
import { openPublished } from "../lib/publish.ts";
import type { Store } from "../lib/references.ts";
import { readStageStore, stageFolder } from "../lib/stage_files.ts";
import { removeWorkFolder, workFolderOf } from "../lib/work_folder.ts";
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
  describeTraffic,
  MAX_MEMBERS,
  openContext,
  openRun,
  optional,
  parseRunRequests,
  parseServerOptions,
  RUN_HOUR,
  type RunSource,
  SERVER_OPTIONS,
  type StageContext,
  STEPS,
} from "./options.ts";
import {
  dropImplausible,
  type FetchContext,
  type FieldsOptions,
  openWork,
  reducePlan,
} from "./stream_fields.ts";
import { PhaseTimer, summarize } from "./stream_summary.ts";

/** What streaming works on. */
export interface StreamOptions extends FieldsOptions {
  /** Folder of the final stores, local or `gs://`. @default the local folder of `run` */
  parquetDir?: string;
  /** @default the run that the references point to */
  run?: Run;
  /** Forecast steps in hours. @default the profile's */
  steps?: readonly number[];
  /** The first so many members, the control first. */
  maxMembers: number;
  /** Fields of fewer members stay empty. @default {1} (a field has the members that there are) */
  minMembers?: number;
  /** Whether messages whose values cannot be true are left out. @default {false} (they are told) */
  dropImplausible?: boolean;
  /** @default the profile's */
  variables?: readonly Variable[];
  /** Folder of the NetCDF. */
  outputDir: string;
  /** The time that `history` gives. */
  now: Date;
}

/** What streaming left. */
export interface StreamResult extends Outcome {
  /** The NetCDF. */
  path: string;
  run: Run;
  fields: ResultField[];
  /** Members that went into at least one field. */
  membersUsed: Member[];
  /** Messages asked for, one a member and field. */
  messagesWanted: number;
  messagesUsed: number;
  /** Fields that a command before had finished. */
  fieldsTakenOver: number;
  /** Milliseconds that `references`, `messages` and `output` took. */
  phasesMs: Readonly<Record<string, number>>;
  /** Messages whose beginning, as much as was asked for, was too short. */
  secondRequests: number;
}

/**
 * Fetches every message that the output needs, reduces members to mean and standard deviation over
 * the region, and writes the NetCDF.
 *
 * Costs at most one GET a message (5,508 for 51 members, 12 variables and 9 steps), a second one for
 * up to 3 % of them; those near each other share one. A step that was replaced on the server is read
 * again from its index, once, and told of. For published stores two or three GETs a member come
 * before, and two requests for the whole folder.
 *
 * Finished fields are kept in the folder `<output>.work` until the output is there: when the command is
 * stopped, the same command goes on from them and does not fetch them again.
 *
 * @throws {MissingDataError} when there are no stores, when they are not completely published, or when
 * no message of any of them can be used.
 * @throws {StorageError} when the server cannot be reached or refuses.
 */
export async function runStream(
  options: StreamOptions,
  context: StageContext,
): Promise<StreamResult> {
  const { profile, maxMembers, outputDir } = options;
  const variables = options.variables ?? findVariables(profile.variables);
  const members = firstMembers(maxMembers);
  const steps = [...new Set(options.steps ?? profile.steps)].sort((a, b) => a - b);
  const timer = new PhaseTimer();
  timer.start("references");
  const stores = await readStores(options, members, variables, steps, context);
  const run = chooseRun(options, stores);
  checkSteps(run, steps);

  const plan = planFields(stores, members, variables, steps, run);
  const path = `${outputDir}/${profile.fileName(run)}`;
  timer.start("messages");
  const work = await openWork(plan, run, path, options, context);
  const fieldsTakenOver = work.kept.size;
  const fetching: FetchContext = { ...context, secondRequests: 0 };
  const reduced = markShrunk(await reducePlan(plan, work, run, options, fetching));
  const believed = options.dropImplausible
    ? await dropImplausible(plan, reduced, run, options, fetching)
    : reduced;
  const { axes, fields } = alignFields(requireMembers(believed, options.minMembers ?? 1));
  if (!axes) throw explainEmptiness(run, fields);

  timer.start("output");
  const membersUsed = members.filter((member) =>
    fields.some(({ reduced }) => reduced.members.includes(member))
  );
  const dataset = buildDataset({
    profile,
    run,
    variables,
    steps,
    axes,
    fields: fields.flatMap(toOutputField),
    membersUsed,
    membersAbsent: members.filter((member) => !membersUsed.includes(member)),
    history: formatHistory(options.now),
  });
  await context.storage.put(path, encodeNetcdf(dataset));
  await removeWorkFolder(workFolderOf(path));

  const messagesWanted = fields.length * members.length;
  const messagesUsed = fields.reduce((sum, { reduced }) => sum + reduced.members.length, 0);
  const complete = messagesUsed === messagesWanted;
  return {
    path,
    run,
    fields,
    membersUsed,
    messagesWanted,
    messagesUsed,
    secondRequests: fetching.secondRequests,
    complete,
    fieldsTakenOver,
    phasesMs: timer.end(),
  };
}

/** The `history` of the output. */
export function formatHistory(now: Date): string {
  return `${now.toISOString()} written by gik-deno stream from byte references`;
}

async function readStores(
  options: StreamOptions,
  members: readonly Member[],
  variables: readonly Variable[],
  steps: readonly number[],
  { storage, reporter }: StageContext,
): Promise<Map<Member, Store>> {
  const folder = options.parquetDir ?? stageFolder(options.run!);
  const isPublished = folder.startsWith("gs:");
  const sizes = isPublished ? await openPublished(storage, folder, reporter) : undefined;
  const stores = new Map<Member, Store>();
  const bar = reporter.progress("references", members.length);
  const reads = mapInParallel(options.parallelFetches, members, async (member) => {
    const keys = neededKeys(variables, steps, member);
    const store = await readStageStore(storage, folder, 3, member, {
      keys,
      ...optional("sizes", sizes),
    });
    return [member, store] as const;
  });
  for await (const [member, store] of reads) {
    if (store) stores.set(member, store);
    bar.advance(1);
  }
  bar.finish();
  if (stores.size === 0) {
    const remedy = `run the pipeline first${isPublished ? ", with --upload-gcs" : ""}`;
    throw new MissingDataError(
      `Cannot find stage3_<member>_final.parquet in ${folder}: ${remedy}`,
    );
  }
  const absent = members.filter((member) => !stores.has(member));
  if (absent.length > 0) reporter.warn(`no store of ${describeMembers(absent)} in ${folder}`);
  return stores;
}

function chooseRun(options: StreamOptions, stores: ReadonlyMap<Member, Store>): Run {
  const found = findRun(stores);
  if (!found) {
    throw new MissingDataError(
      "Cannot find references of these variables and steps: run the pipeline for them",
    );
  }
  const { run } = options;
  if (run && !isSameRun(run, found)) {
    throw new MissingDataError(
      `Cannot stream ${describeRun(run)}: the references are of ${describeRun(found)}`,
    );
  }
  return found;
}

function explainEmptiness(run: Run, fields: readonly ResultField[]): MissingDataError {
  const [example = "nothing is referenced"] = describeRejections(fields);
  return new MissingDataError(
    `Cannot use any message of ${describeRun(run)}, for example ${example}`,
  );
}

function toOutputField({ variable, stepHours, reduced }: ResultField): OutputField[] {
  if (reduced.members.length === 0) return [];
  const { mean, deviation, members } = reduced;
  return [{ variable, stepHours, mean, deviation, membersUsed: members.length }];
}

function parseVariables(names: readonly string[]): Variable[] {
  return [...new Set(names)].map((name) => {
    const variable = findVariable(name);
    if (variable) return variable;
    const known = VARIABLES.map((it) => it.name).join(", ");
    throw new UsageError(`Cannot write variable "${name}": the known ones are ${known}`);
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

const command: Command<StreamRequest> = {
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
    reporter.info(describeResult(result, context, Date.now() - started));
    return result;
  },
};

function describeResult(
  result: StreamResult,
  context: StageContext,
  elapsedMs: number,
): string {
  const { messagesUsed, messagesWanted } = result;
  return [
    `${describeRun(result.run)}: ${result.complete ? "complete" : "INCOMPLETE, see the warnings"}`,
    `  fields           ${result.fields.length} (variable × step)`,
    `  members          ${result.membersUsed.length}`,
    `  messages used    ${messagesUsed} of ${messagesWanted}${describeFaults(result)}`,
    `  second requests  ${result.secondRequests}`,
    ...describeTraffic(context, elapsedMs),
    `  written          ${result.path}`,
  ].join("\n");
}

/** `: 2 missing, 1 implausible`; nothing where nothing was left out. */
function describeFaults({ fields }: StreamResult): string {
  const counts = Object.entries(countRejections(fields)).filter(([, count]) => count > 0);
  const faults = counts.map(([fault, count]) => `${count} ${fault}`);
  return faults.length > 0 ? `: ${faults.join(", ")}` : "";
}

if (import.meta.main) await exitWith(command);
