/**
 * Streaming on many machines: an array job of `stream` on a cluster or in a cloud, and its merge.
 *
 * @module
 */
import type { Command, OptionSpec, OptionValues } from "../lib/cli/command.ts";
import { findUnpublished } from "../lib/ecmwf/eras.ts";
import { describeRun, type Run } from "../lib/ecmwf/run.ts";
import { describeImpossible } from "../lib/ecmwf/published.ts";
import type { ArrayJob, Engine } from "../lib/engines/array_engine.ts";
import { hasProgram } from "../lib/engines/program.ts";
import { UsageError } from "../lib/errors.ts";
import { locateOutput } from "../lib/output/profile.ts";
import { catalogHosts } from "../lib/references/catalog_layout.ts";
import type { OutputRules } from "../lib/runs/output_record.ts";
import { isRemote } from "../lib/storage/mod.ts";
import { requirePublished } from "../lib/stream/published_fields.ts";
import type { Outcome, Reporter } from "../lib/util/reporter.ts";
import { messageOf } from "../lib/util/text.ts";
import { exitWith, listenForSignals } from "./cli/console.ts";
import {
  ENGINE_OPTIONS,
  findEngine,
  type KnownEngine,
  readTaskEnvironment,
} from "./cli/engine_options.ts";
import { NO_STORES } from "./cli/gcs_options.ts";
import { openContext, openRun } from "./cli/run_stage.ts";
import {
  FRESH,
  parseStreamRequest,
  STREAM_OPTIONS,
  type StreamRequest,
} from "./cli/stream_request.ts";

/** The command line; the options of `stream` are parsed here, so that errors show before any task. */
interface DistributeRequest {
  values: OptionValues;
  stream: StreamRequest;
  engine: KnownEngine;
}

/** Options of `stream` that differ from process to process, or that the tasks do not get. */
const OWN = ["task", "merge", "fresh", "summary", "format", "zarr-format", "append", "replace"];
const SHARED_OPTIONS = STREAM_OPTIONS.filter(({ name }) => !OWN.includes(name));

/** The job of `--test`. */
const TEST = { members: 3, workers: 3 };

const JOB_OPTIONS: readonly OptionSpec[] = [
  {
    name: "n-workers",
    value: "<n>",
    default: "20",
    help: "tasks, each with a share of the fields; all run at once if the engine has room",
  },
  FRESH,
  { name: "cpus", value: "<n>", default: "2", help: "processors of each task" },
  { name: "memory", value: "<GB>", default: "2", help: "memory of each task" },
  {
    name: "image",
    value: "<image>",
    default: "denoland/deno:2.9.6",
    help: "container image with deno, for engines that run containers",
  },
  {
    name: "script",
    value: "<path or URL>",
    help: "stream.ts on the machines of the tasks (default: the one of this program)",
  },
  {
    name: "permissions",
    value: "<flags>",
    help: "flags of deno run for the tasks (default: what they need and no more)",
  },
  {
    name: "poll-seconds",
    value: "<n>",
    default: "5",
    help: "seconds between two polls of the job",
  },
  {
    name: "test",
    help: `a small trial: ${TEST.members} members, ${TEST.workers} workers`,
  },
  { name: "dry-run", help: "print what would be submitted, and submit nothing" },
];

/** The command `distribute`. */
export const command: Command<DistributeRequest> = {
  name: "distribute",
  purpose:
    "Runs stream as an array job: each task fetches and reduces its share of the fields, then a\n" +
    "merge writes the same NetCDF that one machine would. It takes the options of stream, too.",
  options: [...ENGINE_OPTIONS, ...JOB_OPTIONS, ...SHARED_OPTIONS],
  examples: [
    "deno task distribute:slurm --date 20260206 --n-workers 9",
    "deno task distribute:slurm --date 20260206 --test --dry-run",
    "SBATCH_PARTITION=short deno task distribute:slurm --date latest --run 12",
  ],
  parse: (values) => ({
    values,
    stream: parseStreamRequest(values),
    engine: findEngine(values),
  }),
  async run(request, reporter) {
    using interruption = listenForSignals();
    const { values, stream } = request;
    if (stream.runRequests.length > 1) {
      return await distributeRuns(request, reporter, interruption.signal);
    }
    const run = await pinRun(request, reporter, interruption.signal);
    // Before any task starts: each would fail for it.
    if (run) requirePublished(run, findUnpublished(run, stream.variables ?? []));
    if (run && !values.flag("dry-run") && await isDone(request, run, reporter)) {
      return { complete: true };
    }
    const { job, engine } = await openJob(request, run, reporter, interruption.signal);
    if (values.flag("dry-run")) return { complete: true, printed: formatPlan(engine, job) };
    if (engine.program !== undefined && !await hasProgram(engine.program)) {
      const { prepareByHand } = await import("../lib/engines/distribute_job.ts");
      return await prepareByHand(engine, job, reporter);
    }
    const { distribute } = await import("../lib/engines/distribute_job.ts");
    const pollEveryMs = 1000 * values.count("poll-seconds");
    return await distribute({ engine, job, pollEveryMs }, reporter, interruption.signal);
  },
};

/** The job of a run, and the engine for it. */
async function openJob(
  request: DistributeRequest,
  run: Run | undefined,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<{ job: ArrayJob; engine: Engine }> {
  const { job, logFolder } = await planJob(request, run);
  const { values, engine } = request;
  const warn = (line: string) => reporter.warn(line);
  return { job, engine: await engine.open({ values, logFolder, signal, warn }) };
}

/**
 * Runs an array job for each of several runs, the next one when the one before has ended. The ledger is
 * beside outputs that this machine sees; this command may not reach others.
 */
async function distributeRuns(
  request: DistributeRequest,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<Outcome> {
  const { values, stream } = request;
  const { resolveRuns, runRange } = await import("./cli/run_range.ts");
  const context = openContext(stream.server, reporter, stream.gcs, signal);
  const { runs, unknown } = await resolveRuns(stream.runRequests, context);
  const jobs = await Promise.all(
    runs.map(async (run) => ({ run, ...await openJob(request, run, reporter, signal) })),
  );
  const isPossible = ({ run }: { run: Run }) => {
    const reason = explainNoJob(run, stream);
    if (reason !== undefined) reporter.warn(`no job for ${describeRun(run)}: ${reason}`);
    return reason === undefined;
  };
  if (values.flag("dry-run")) {
    const plans = jobs.filter(isPossible).map(({ engine, job }) => formatPlan(engine, job));
    const text = plans.map((plan) => plan.text).join("");
    const facts = { jobs: plans.map((plan) => plan.facts) };
    const complete = unknown.length === 0 && plans.length === jobs.length;
    return { complete, printed: { text, facts } };
  }
  const program = jobs[0]?.engine.program;
  if (program !== undefined && !await hasProgram(program)) {
    const { prepareByHand } = await import("../lib/engines/distribute_job.ts");
    for (const { engine, job } of jobs.filter(isPossible)) {
      await prepareByHand(engine, job, reporter);
    }
    return { complete: false };
  }
  const { distributeWork } = await import("../lib/engines/distribute_runs.ts");
  const work = distributeWork(stream, async (run, reporter) => {
    requirePublished(run, findUnpublished(run, stream.variables ?? []));
    const pollEveryMs = 1000 * values.count("poll-seconds");
    return { ...await openJob(request, run, reporter, signal), pollEveryMs };
  }, signal);
  const options = {
    ...rulesOf(request),
    ...(!isRemote(stream.outputDir) && { folder: stream.outputDir }),
    signal,
  };
  return await runRange(stream, work, options, reporter);
}

/** What an output that is there must have been made with. */
function rulesOf({ values, stream }: DistributeRequest): OutputRules {
  const { shapingOptions, overwrite, fresh } = stream;
  const test = values.flag("test") && { "max-members": String(TEST.members) };
  return {
    ...{ command: "distribute", options: { ...shapingOptions, ...test } },
    ...{ overwrite, remake: fresh },
  };
}

/**
 * Whether the output is there already, as far as this machine sees it. Whether ECMWF has published the
 * run again since is not asked here.
 *
 * @throws {OutputKeptError} when another command made it: the tasks would work in vain.
 */
async function isDone(
  request: DistributeRequest,
  run: Run,
  reporter: Reporter,
): Promise<boolean> {
  const { stream } = request;
  const output = locateOutput(run, stream);
  if (isRemote(output.folder)) return false;
  const { OutputRecord } = await import("../lib/runs/output_record.ts");
  const { storage } = openContext(stream.server, reporter, stream.gcs);
  const record = await OutputRecord.open(run, output, rulesOf(request), storage);
  const entry = await record.find((line) => reporter.info(line));
  if (!entry) return false;
  reporter.info(`already done: ${output.folder}/${output.name}; --fresh makes it again`);
  return true;
}

/** Why every task of a run would fail, as far as is known without a request. */
function explainNoJob(run: Run, { variables = [] }: StreamRequest): string | undefined {
  try {
    requirePublished(run, findUnpublished(run, variables));
  } catch (error) {
    return messageOf(error);
  }
  return describeImpossible(run, new Date());
}

/** The files that would be submitted, for people and for programs. */
function formatPlan(engine: Engine, job: ArrayJob): NonNullable<Outcome["printed"]> {
  const files = engine.plan(job);
  const text = files.map(({ name, text }) => `# ${name}\n${text}\n`).join("");
  return { text, facts: { engine: engine.name, tasks: job.tasks, files } };
}

/** The run of `--date`. `latest` is resolved once: tasks that start later could find a later run. */
async function pinRun(
  { stream: { runRequests, server, gcs } }: DistributeRequest,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<Run | undefined> {
  if (runRequests.length === 0) return undefined;
  const source = { runRequests, server, ...(gcs && { gcs }) };
  return (await openRun(source, reporter, signal)).run;
}

/** The job for the engine, and the folder of its logs. */
async function planJob(
  { values, stream: request, engine }: DistributeRequest,
  run: Run | undefined,
): Promise<{ job: ArrayJob; logFolder: string }> {
  // It loads what reads Parquet.
  const { stageFolder } = await import("../lib/references/stage_folders.ts");
  const { planJobPaths } = await import("../lib/engines/job_paths.ts");
  const { formatArguments, formatPermissions, listHosts, listReferenceHosts } = await import(
    "./cli/task_arguments.ts"
  );
  const { parquetDir, catalog, publishedRoot, outputDir, server, gcs } = request;
  const stores = parquetDir ?? catalog?.base ?? publishedRoot ?? (run && stageFolder(run));
  if (stores === undefined) throw new UsageError(NO_STORES);
  const { name, script, work, logFolder } = planJobPaths({
    run,
    parquetDir,
    stores,
    outputDir,
    work: request.work,
    script: values.text("script"),
    sharesFiles: engine.sharesFiles,
  });
  const isTest = values.flag("test");
  const job = {
    name,
    tasks: isTest ? TEST.workers : values.count("n-workers"),
    script,
    streamArguments: formatArguments(SHARED_OPTIONS, values, {
      ...(run && { date: run.date, run: run.hour }),
      ...(isTest && { "max-members": String(TEST.members) }),
      work,
    }),
    taskArguments: values.flag("fresh") ? ["--fresh"] : [],
    permissions: values.text("permissions")?.split(" ") ?? formatPermissions({
      set: gcs ? "stream-gcs" : "stream",
      hosts: [
        ...listHosts(values.list("source") ?? [], server.endpoint, gcs?.endpoint),
        ...listReferenceHosts(request.targets?.hosts ?? []),
        ...(catalog ? catalogHosts(catalog) : []),
      ],
      reads: [stores, script.replace(/\/stages\/[^/]*$/, "/lib")],
      writes: [outputDir, ...(work === undefined ? [] : [work])],
    }),
    environment: readTaskEnvironment(engine, { publishedRoot, endpoint: values.text("endpoint") }),
    image: values.required("image"),
    cpus: values.count("cpus"),
    memoryBytes: values.count("memory") * 1e9,
  };
  return { job, logFolder };
}

if (import.meta.main) await exitWith(command);
