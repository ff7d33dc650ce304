/**
 * The work of streaming: stores, their fields, the NetCDF.
 *
 * @module
 */
import type { Outcome } from "../lib/cli/command.ts";
import { MissingDataError } from "../lib/cli/errors.ts";
import { describeMembers, firstMembers, type Member } from "../lib/ecmwf/members.ts";
import { checkSteps, describeRun, isSameRun, type Run } from "../lib/ecmwf/run.ts";
import { findVariables, type Variable } from "../lib/ecmwf/variables.ts";
import { markShrunk } from "../lib/ensemble/implausible.ts";
import { findRun, neededKeys, planFields } from "../lib/ensemble/plan.ts";
import {
  alignFields,
  describeRejections,
  requireMembers,
  type ResultField,
} from "../lib/ensemble/result.ts";
import { encodeNetcdf } from "../lib/netcdf.ts";
import { buildDataset, type OutputField } from "../lib/output.ts";
import { mapInParallel } from "../lib/parallel.ts";
import { PhaseTimer } from "../lib/phase_timer.ts";
import { openPublished } from "../lib/publish.ts";
import type { Store } from "../lib/references.ts";
import { sortUnique } from "../lib/sort_unique.ts";
import { readStageStore, stageFolder } from "../lib/stage_files.ts";
import { receivedBy } from "../lib/traffic.ts";
import { removeWorkFolder, workFolderOf } from "../lib/work_folder.ts";
import { optional, type StageContext } from "./options.ts";
import {
  dropImplausible,
  type FetchContext,
  type FieldsOptions,
  openWork,
  reducePlan,
} from "./stream_fields.ts";

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
  const steps = sortUnique(options.steps ?? profile.steps);
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
  const bar = reporter.progress("references", members.length, receivedBy(storage));
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
