/**
 * Stage 2: fresh references of a run. Every index is read once and spread over the members.
 *
 * @module
 */
import type { Command, OptionSpec, OptionValues, Outcome } from "../lib/cli/command.ts";
import { type StepFile, stepFiles } from "../lib/ecmwf/files.ts";
import { describeMembers, firstMembers, type Member } from "../lib/ecmwf/members.ts";
import { describeRun, type Run } from "../lib/ecmwf/run.ts";
import { mapInParallel } from "../lib/util/parallel.ts";
import type { RunFields } from "../lib/references/run_fields.ts";
import { findGaps, readRunIndex } from "../lib/references/run_index.ts";
import { readStageStore, stageFolder, writeStageStore } from "../lib/references/stage_files.ts";
import { summarize } from "../lib/references/step_index.ts";
import { exitWith } from "./cli/console.ts";
import {
  chooseSteps,
  openRun,
  optional,
  parseStageRequest,
  STAGE_OPTIONS,
  type StageContext,
  type StageRequest,
  STEPS,
} from "./cli/run_options.ts";
import { type RunSummary, summarizeRun } from "../lib/cli/run_summary.ts";

/** What stage 2 works on. */
export interface Stage2Options {
  run: Run;
  /** Forecast steps in hours. @default every step of the run */
  steps?: readonly number[];
  /** The first so many members, the control first. */
  maxMembers: number;
  /** Indexes fetched at once. */
  parallelWorkers: number;
  /** @default the folder of the run, `ecmwf_three_stage_<date>_<run>z` */
  outputDir?: string;
  /** Whether the result counts as complete although files or fields of the run are missing. */
  allowMissing: boolean;
}

/** What stage 2 left. */
export interface Stage2Result extends Outcome {
  folder: string;
  /** Members whose store was written, ascending. */
  members: Member[];
  /** Members of which nothing is in the run. */
  absentMembers: Member[];
  /** Files whose index or GRIB2 file could not be had. */
  missingFiles: StepFile[];
  /** Fields referenced, all members together. */
  fieldCount: number;
}

/**
 * Reads the indexes of a run and writes `stage2_<member>_merged.parquet`: the skeleton that stage 1
 * left, if any, and the keys of every field of the member, step by step.
 *
 * Costs one GET a file for its index and one HEAD for its length: 85 files for a run at 00 or 12 UTC,
 * twice that from IFS cycle 50r1 on.
 *
 * @throws {MissingDataError} when nothing of the run is there.
 * @throws {StorageError} when no file can be had because of the network, or access is refused.
 */
export async function runStage2(
  options: Stage2Options,
  context: StageContext,
): Promise<Stage2Result> {
  const { run, outputDir = stageFolder(run) } = options;
  const { reporter } = context;
  const wanted = firstMembers(options.maxMembers);
  const steps = chooseSteps(run, options.steps);
  const files = steps.flatMap((step) => stepFiles(run, step));
  const index = await readRunIndex(run, files, {
    ...context,
    members: wanted,
    parallelFiles: options.parallelWorkers,
  });

  const present = new Set(index.fields.members);
  const members = wanted.filter((member) => present.has(member));
  const absentMembers = wanted.filter((member) => !present.has(member));
  if (absentMembers.length > 0) {
    reporter.warn(`${describeRun(run)} lacks members ${describeMembers(absentMembers)}`);
  }
  const gaps = findGaps(index, members, run);
  if (gaps.length > 0) reporter.warn(`fields are missing: ${summarize(gaps, 5)}`);
  await writeStores(index.fields, members, outputDir, context);

  const { missingFiles, droppedLines } = index;
  const fieldCount = index.fields.count;
  reporter.info(
    `stage 2: ${fieldCount} fields of ${members.length} members, ${files.length} files of ` +
      `${describeRun(run)} in ${outputDir}`,
  );
  const whole = absentMembers.length + gaps.length + missingFiles.length + droppedLines === 0;
  return {
    folder: outputDir,
    members,
    absentMembers,
    missingFiles,
    fieldCount,
    complete: whole || options.allowMissing,
  };
}

async function writeStores(
  fields: RunFields,
  members: readonly Member[],
  folder: string,
  { storage, reporter }: StageContext,
): Promise<void> {
  const bar = reporter.progress("stores", members.length);
  // While one store is written, the next is encoded.
  const written = mapInParallel(2, members, async (member) => {
    const skeleton = await readStageStore(storage, folder, 1, member) ?? [];
    const store = [...skeleton, ...fields.references(member)];
    await writeStageStore(storage, folder, 2, member, store);
  });
  for await (const _ of written) bar.advance(1);
  bar.finish();
}

/** Options of stage 2 that the pipeline has too. */
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
    help: "exit 0 although files or fields are missing; they are still named",
  },
];

/** What {@linkcode INDEX_OPTIONS} say. */
export type IndexOptions = Pick<Stage2Options, "steps" | "parallelWorkers" | "allowMissing">;

/** Reads {@linkcode INDEX_OPTIONS}. */
export function parseIndexOptions(values: OptionValues): IndexOptions {
  return {
    ...optional("steps", values.counts("steps")),
    parallelWorkers: values.count("parallel-workers"),
    allowMissing: values.flag("allow-missing"),
  };
}

function describeStage2(run: Run, result: Stage2Result): RunSummary {
  const { complete, members, missingFiles, fieldCount, folder } = result;
  return {
    run,
    complete,
    lines: [
      ["members", `${members.length}`],
      ["references", `${fieldCount}`],
      ["missing files", `${missingFiles.length}`],
      ["written", folder],
    ],
    facts: {
      members: members.length,
      references: fieldCount,
      missingFiles: missingFiles.map(({ url }) => url),
      folder,
    },
  };
}

/** The command `stage2`. */
export const command: Command<StageRequest & IndexOptions> = {
  name: "stage2",
  purpose:
    "Stage 2: reads every .index of a run once and writes one Parquet file a member with the\n" +
    "byte range of every field (step_036/tp/sfc/ens01/0.0.0 → [url, offset, length]).",
  options: [...STAGE_OPTIONS, ...INDEX_OPTIONS],
  examples: [
    "deno run -A stages/stage2.ts --date 20260206",
    "deno task stage2 --date 20260206 --run 12 --steps 36,39,42",
    "deno task stage2 --date latest --max-members 10 --allow-missing",
  ],
  parse: (values) => ({ ...parseStageRequest(values), ...parseIndexOptions(values) }),
  async run(request, reporter) {
    const started = Date.now();
    const { run, context } = await openRun(request, reporter);
    const result = await runStage2({ ...request, run }, context);
    reporter.result(summarizeRun(describeStage2(run, result), context, started));
    return result;
  },
};

if (import.meta.main) await exitWith(command);
