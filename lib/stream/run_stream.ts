/**
 * The work of streaming in one process: stores, their fields, the NetCDF.
 *
 * @module
 */
import type { ArrayTask } from "../checkpoint/array_task.ts";
import { removeWorkFolder, WorkFolder } from "../checkpoint/work_folder.ts";
import type { Run } from "../ecmwf/run.ts";
import type { StageContext } from "../storage/mod.ts";
import type { Outcome } from "../util/reporter.ts";
import { PhaseTimer } from "../util/timing.ts";
import { completeFields, judgeFields } from "./complete_fields.ts";
import { chooseRegion, type FetchContext } from "./fetch_fields.ts";
import { planStream, type StreamPlan } from "./plan_stream.ts";
import { takeOver } from "./resume_fields.ts";
import type { FieldsOptions, StreamOptions } from "./stream_options.ts";
import { type FieldsCount, writeOutput } from "./write_output.ts";

/** What came of the fields of a command, or of a part of them, and what it took. */
export interface FieldsResult extends Outcome, FieldsCount {
  run: Run;
  /** Fields that a command before had finished. */
  fieldsTakenOver: number;
  /** Milliseconds that each phase took. */
  phasesMs: Readonly<Record<string, number>>;
  /** Messages whose beginning, as much as was asked for, was too short. */
  secondRequests: number;
}

/** What streaming left. */
export interface StreamResult extends FieldsResult {
  /** The NetCDF. */
  path: string;
}

/** Opens the work folder of a plan. */
export function openWork(
  { run, work, fields }: StreamPlan,
  options: FieldsOptions,
  { storage, reporter }: StageContext,
  task?: ArrayTask,
): Promise<WorkFolder> {
  return WorkFolder.open(work, fields, {
    settings: { profile: options.profile.name, run, region: chooseRegion(options) },
    storage,
    task,
    onWarning: (line) => reporter.warn(line),
  });
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
 * Finished fields are kept in the work folder until the output is there: when the command is stopped,
 * the same command goes on from them and does not fetch them again. That costs one HEAD a file for
 * steps of which some fields are there, to see that they are of the version that the others will be of.
 *
 * @throws {MissingDataError} when there are no stores, when they are not completely published, or when
 * no message of any of them can be used.
 * @throws {StorageError} when the server cannot be reached or refuses.
 */
export async function runStream(
  options: StreamOptions,
  context: StageContext,
): Promise<StreamResult> {
  const timer = new PhaseTimer();
  timer.start("references");
  const plan = await planStream(options, context);
  timer.start("messages");
  const { fresh = false } = options;
  // The folder beside the output is of this output alone.
  if (fresh && options.work === undefined) await removeWorkFolder(plan.work, context.storage);
  const folder = await openWork(plan, options, context);
  const work = {
    plan,
    folder,
    places: [...plan.fields.keys()],
    judge: () => Promise.resolve(judgeFields(plan, folder.fields)),
  };
  await takeOver(work, fresh, context);
  const fieldsTakenOver = folder.fields.size;
  const fetching: FetchContext = { ...context, secondRequests: 0 };
  const results = await completeFields(work, options, fetching);
  timer.start("output");
  const count = await writeOutput(plan, results, folder, options, context);
  const { run, path } = plan;
  const { secondRequests } = fetching;
  return { ...count, run, path, fieldsTakenOver, secondRequests, phasesMs: timer.end() };
}
