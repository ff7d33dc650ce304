/**
 * The last of the processes that share the fields of an output: puts them together.
 *
 * @module
 */
import { formatTask } from "../checkpoint/array_task.ts";
import { IncompleteError } from "../errors.ts";
import type { KeptField } from "../checkpoint/field_file.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";
import type { ResultField } from "../ensemble/field_result.ts";
import { partitionFields } from "../checkpoint/partition_fields.ts";
import { PhaseTimer } from "../util/timing.ts";
import type { WorkFolder } from "../checkpoint/work_folder.ts";
import type { StageContext } from "../storage/mod.ts";
import { chooseResults, judgeFields, leaveOutImplausible } from "./complete_fields.ts";
import { writeOutput } from "./write_output.ts";
import type { StreamOptions } from "./stream_options.ts";
import { planStream, type StreamPlan } from "./plan_stream.ts";
import { openWork, type StreamResult } from "./run_stream.ts";
import { findMixedSteps, sameVersions } from "../checkpoint/field_versions.ts";

/**
 * Writes the NetCDF from the fields that tasks left in the work folder: the same file, byte for byte, as
 * `runStream` writes. No message is fetched. A field that lacks messages, because its task could not get
 * them, is taken as it is.
 *
 * Costs one listing of the work folder and one GET a field.
 *
 * @throws {IncompleteError} when a field is not there, or when those of a step are of different versions
 * of its files. Nothing is written then.
 * @throws {MissingDataError} when no message of any field could be used.
 */
export async function runMerge(
  options: StreamOptions,
  context: StageContext,
): Promise<StreamResult> {
  const timer = new PhaseTimer();
  timer.start("references");
  const plan = await planStream(options, context);
  timer.start("fields");
  const folder = await openWork(plan, options, context);
  await folder.read({ lacking: true });
  const fieldsTakenOver = folder.fields.size;
  const results = await collectResults(plan, folder, options.dropImplausible ?? false);
  timer.start("output");
  const count = await writeOutput(plan, results, folder, options, context);
  return {
    ...count,
    run: plan.run,
    path: plan.path,
    fieldsTakenOver,
    secondRequests: 0,
    phasesMs: timer.end(),
  };
}

async function collectResults(
  plan: StreamPlan,
  folder: WorkFolder,
  dropImplausible: boolean,
): Promise<ResultField[]> {
  const places = [...plan.fields.keys()];
  requireAll(plan, places, folder.fields, folder);
  requireOneVersion(plan, folder);
  const judged = judgeFields(plan, folder.fields);
  const fewer = dropImplausible
    ? leaveOutImplausible(plan, judged)
    : new Map<number, PlannedField>();
  const again = await folder.without(fewer);
  if (fewer.size > 0) await again.read({ lacking: true });
  const fitting = new Map(
    [...again.fields].filter(([place, kept]) => sameVersions(kept, judged.get(place)!)),
  );
  const wanted = [...fewer].filter(([, { messages }]) => messages.length > 0);
  requireAll(plan, wanted.map(([place]) => place), fitting, folder);
  return chooseResults(plan, places, judged, fewer, fitting);
}

/** @throws {IncompleteError} when a field that has messages is not there. */
function requireAll(
  plan: StreamPlan,
  places: readonly number[],
  fields: ReadonlyMap<number, KeptField>,
  folder: WorkFolder,
): void {
  const lacking = places.filter((place) =>
    plan.fields[place]!.messages.length > 0 && !fields.has(place)
  );
  if (lacking.length === 0) return;
  const wanted = plan.fields.filter(({ messages }) => messages.length > 0);
  throw new IncompleteError(
    `Cannot merge: ${lacking.length} of ${wanted.length} fields are not in ${folder.path}, ` +
      `${describeFields(plan, lacking)}: ${describeRemedy(plan, lacking, folder.fields)}`,
  );
}

/** @throws {IncompleteError} when a file was replaced between two fields of a step. */
function requireOneVersion(plan: StreamPlan, { fields }: WorkFolder): void {
  const mixed = findMixedSteps(plan.fields, fields);
  if (mixed.length === 0) return;
  const places = [...fields.keys()].filter((it) => mixed.includes(plan.fields[it]!.stepHours));
  throw new IncompleteError(
    `Cannot merge: the files of step ${mixed.join(", ")} were replaced on the server between ` +
      `fields, ${describeFields(plan, places)}: ${
        describeRemedy(plan, places, fields)
      }, which reads ` +
      "again what is of older files",
  );
}

/** `tp (36, 39 h), t2m (36 h)`. */
function describeFields(plan: StreamPlan, places: readonly number[]): string {
  const byVariable = Map.groupBy(places, (place) => plan.fields[place]!.variable.name);
  return [...byVariable].map(([name, own]) => {
    const steps = own.map((place) => plan.fields[place]!.stepHours).sort((a, b) => a - b);
    return `${name} (${steps.join(", ")} h)`;
  }).join(", ");
}

/** Which tasks make some fields, as far as the fields that are there tell how many tasks there are. */
function describeRemedy(
  plan: StreamPlan,
  places: readonly number[],
  fields: ReadonlyMap<number, KeptField>,
): string {
  const counts = new Set([...fields.values()].flatMap(({ task }) => task?.count ?? []));
  const [count] = counts;
  if (count === undefined || counts.size > 1) return "run their tasks again";
  const indexes = partitionFields(plan.fields, count)
    .flatMap((part, index) => part.some((place) => places.includes(place)) ? [index] : []);
  const tasks = indexes.map((index) => formatTask({ index, count }));
  return `run --task ${tasks.join(" and --task ")} again`;
}
