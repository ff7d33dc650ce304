/**
 * Stage 1: checks a run and leaves the skeleton of every member's store, made from a template.
 *
 * @module
 */
import type { Command, Outcome } from "../lib/cli/command.ts";
import { stepFiles } from "../lib/ecmwf/files.ts";
import { describeMembers, firstMembers, type Member } from "../lib/ecmwf/members.ts";
import { absentRunError } from "../lib/ecmwf/published.ts";
import { describeRun, referenceTime, type Run } from "../lib/ecmwf/run.ts";
import type { Store } from "../lib/references.ts";
import { deflateStore } from "../lib/skeleton.ts";
import { spotCheck } from "../lib/spot_check.ts";
import { stageFolder, writeStageStore } from "../lib/stage_files.ts";
import { type IndexedField, readStepIndex, summarize } from "../lib/step_index.ts";
import { StorageError } from "../lib/storage/mod.ts";
import type { Template } from "../lib/template.ts";
import { exitWith } from "./console.ts";
import {
  openRun,
  parseStageRequest,
  STAGE_OPTIONS,
  type StageContext,
  type StageRequest,
} from "./options.ts";
import {
  compareParameters,
  openTemplate,
  parseTemplateOptions,
  TEMPLATE_OPTIONS,
  type TemplateOptions,
} from "./template_options.ts";

/** What stage 1 works on. */
export interface Stage1Options extends TemplateOptions {
  run: Run;
  /** @default the folder of the run, `ecmwf_three_stage_<date>_<run>z` */
  outputDir?: string;
  /** The first so many members, the control first. */
  maxMembers: number;
}

/** What stage 1 left. */
export interface Stage1Result extends Outcome {
  folder: string;
  /** Members whose skeleton was written. */
  members: Member[];
  /** Whether the skeletons come from a template. */
  fromTemplate: boolean;
}

/**
 * Checks that the run is there and whole at step 0, then writes `stage1_<member>_deflated.parquet`
 * for every member wanted.
 *
 * Costs the index of step 0 (two from IFS cycle 50r1 on) and three messages; the template is
 * downloaded once.
 *
 * @throws {MissingDataError} when the run has no step 0.
 * @throws {TemplateError} {StorageError} when a required template cannot be had.
 */
export async function runStage1(
  options: Stage1Options,
  context: StageContext,
): Promise<Stage1Result> {
  const { run, outputDir = stageFolder(run) } = options;
  const { reporter, storage } = context;
  const wanted = firstMembers(options.maxMembers);
  const fields = await readFirstStep(run, context);
  const absent = reportAbsent(fields, wanted, run, context);
  const ofWanted = fields.filter(({ field }) => wanted.includes(field.member));
  const spot = await spotCheck(storage, run, ofWanted);
  for (const fault of spot.faults) reporter.warn(`spot check of ${fault}`);
  reporter.info(`${spot.checked} messages decoded as a check, ${spot.faults.length} wrong`);
  const template = await openTemplate(options, wanted, context);
  if (template) compareParameters(template, fields, context);

  const bar = reporter.progress("skeletons", wanted.length);
  for (const member of wanted) {
    const store = makeSkeleton(template, member, run);
    await writeStageStore(storage, outputDir, 1, member, store);
    bar.advance(1);
  }
  bar.finish();
  reporter.info(`stage 1: ${wanted.length} skeletons of ${describeRun(run)} in ${outputDir}`);
  return {
    folder: outputDir,
    members: wanted,
    fromTemplate: template !== undefined,
    complete: absent.length === 0 && spot.faults.length === 0,
  };
}

async function readFirstStep(run: Run, context: StageContext): Promise<IndexedField[]> {
  const fields: IndexedField[] = [];
  for (const file of stepFiles(run, 0)) {
    try {
      const index = await readStepIndex(context.storage, run, file);
      const { dropped, doubtful } = index.problems;
      const problems = [...dropped, ...doubtful];
      if (problems.length > 0) context.reporter.warn(`${file.indexUrl}: ${summarize(problems)}`);
      fields.push(...index.fields);
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== "missing") throw error;
      throw absentRunError("start from", run, error);
    }
  }
  return fields;
}

function reportAbsent(
  fields: readonly IndexedField[],
  wanted: readonly Member[],
  run: Run,
  context: StageContext,
): Member[] {
  const present = new Set(fields.map(({ field }) => field.member));
  const absent = wanted.filter((member) => !present.has(member));
  const found = `${describeRun(run)} has ${present.size} members at step 0`;
  if (absent.length === 0) context.reporter.info(found);
  else context.reporter.warn(`${found}; absent: ${describeMembers(absent)}`);
  return absent;
}

const EMPTY_GROUP = new TextEncoder().encode('{"zarr_format":2}');

function makeSkeleton(template: Template | undefined, member: Member, run: Run): Store {
  const store = template?.stores.get(member);
  if (!template || !store) return new Map([[".zgroup", EMPTY_GROUP]]);
  return deflateStore(store, referenceTime(template.run), referenceTime(run)).store;
}

const command: Command<StageRequest & TemplateOptions> = {
  name: "stage1",
  purpose:
    "Stage 1: checks that a run of the ECMWF ensemble is there, and writes the skeleton of\n" +
    "every member's store (metadata and coordinates) from a template archive.",
  options: [...STAGE_OPTIONS, ...TEMPLATE_OPTIONS],
  examples: [
    "deno task stage1 --date 20260206",
    "deno task stage1 --date latest --run 12 --no-template",
    "deno task stage1 --date 20260206 --template ./template.tar.gz --require-template",
  ],
  parse: (values) => ({ ...parseStageRequest(values), ...parseTemplateOptions(values) }),
  async run(request, reporter) {
    const { run, context } = await openRun(request, reporter);
    return await runStage1({ ...request, run }, context);
  },
};

if (import.meta.main) await exitWith(command);
