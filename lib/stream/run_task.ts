/**
 * The work of one of several processes that share the fields of an output, on one machine or many.
 *
 * @module
 */
import type { ArrayTask } from "../checkpoint/array_task.ts";
import type { KeptField } from "../checkpoint/field_file.ts";
import { partitionFields } from "../checkpoint/partition_fields.ts";
import { PhaseTimer } from "../util/timing.ts";
import type { StageContext } from "../storage/mod.ts";
import type { FetchContext } from "./fetch_fields.ts";
import { completeFields, judgeFields } from "./complete_fields.ts";
import { type KeptFields, takeOver } from "./resume_fields.ts";
import { countFields } from "./write_output.ts";
import type { StreamOptions } from "./stream_options.ts";
import { planStream } from "./plan_stream.ts";
import { type FieldsResult, openWork } from "./run_stream.ts";

/** What a task left. */
export interface TaskResult extends FieldsResult {
  task: ArrayTask;
  /** Folder with its fields. */
  work: string;
}

/**
 * Makes a task's part of the fields, and leaves them in the work folder. Fields that are there are not
 * fetched again, unless they lack messages or their files were replaced: to run a task twice, or twice
 * at once, costs time and does no harm.
 *
 * Implausible messages are left out by the task that can tell: an accumulation is judged beside all its
 * steps, by whichever task is the last to finish one of them.
 *
 * Costs the requests of its fields as `runStream` does, and one listing of the work folder.
 *
 * @throws as `runStream` does, but not for lack of usable messages: that is for the merge to judge.
 */
export async function runTask(
  task: ArrayTask,
  options: StreamOptions,
  context: StageContext,
): Promise<TaskResult> {
  const timer = new PhaseTimer();
  timer.start("references");
  const plan = await planStream(options, context);
  timer.start("messages");
  const folder = await openWork(plan, options, context, task);
  const places = partitionFields(plan.fields, task.count)[task.index]!;
  const work = {
    plan,
    folder,
    places,
    judge: async () =>
      options.dropImplausible
        ? judgeFields(plan, await readSeries({ plan, folder, places }, options, context))
        : new Map<number, KeptField>(),
  };
  await takeOver(work, options.fresh ?? false, context);
  const fieldsTakenOver = folder.fields.size;
  const fetching: FetchContext = { ...context, secondRequests: 0 };
  const fields = await completeFields(work, options, fetching);
  return {
    ...countFields(fields, plan.members),
    run: plan.run,
    task,
    work: plan.work,
    fieldsTakenOver,
    secondRequests: fetching.secondRequests,
    phasesMs: timer.end(),
  };
}

/**
 * Gives the fields that it takes to judge those of a task: of a variable that accumulates all steps,
 * whichever tasks made them, and nothing where some are not there yet. Costs one GET a field of others.
 */
async function readSeries(
  { plan, folder, places }: KeptFields,
  options: StreamOptions,
  context: StageContext,
): Promise<Map<number, KeptField>> {
  const names = new Set(places.map((place) => plan.fields[place]!.variable.name));
  const others = [...plan.fields.keys()].filter((place) => {
    const { variable: { name, accumulated }, messages } = plan.fields[place]!;
    return messages.length > 0 && accumulated && names.has(name) && !folder.fields.has(place);
  });
  const theirs = await openWork(plan, options, context);
  if (others.length > 0) await theirs.read({ places: others, lacking: true });
  const open = new Set(
    others.filter((place) => !theirs.fields.has(place))
      .map((place) => plan.fields[place]!.variable.name),
  );
  return new Map(
    [...folder.fields, ...theirs.fields]
      .filter(([place]) => !open.has(plan.fields[place]!.variable.name)),
  );
}
