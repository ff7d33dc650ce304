/**
 * Fields that tasks left in the work folder → the NetCDF.
 *
 * @module
 */
import { formatTask } from "../checkpoint/array_task.ts";
import { findMixedSteps, sameVersions } from "../checkpoint/field_versions.ts";
import { partitionFields } from "../checkpoint/partition_fields.ts";
import type { ResultField } from "../ensemble/field_result.ts";
import { IncompleteError } from "../errors.ts";
import type { StageContext } from "../storage/mod.ts";
import { FieldSession, type SavedFields } from "./field_session.ts";
import type { StreamPlan } from "./plan_stream.ts";
import type { StreamHooks } from "./run_stream.ts";
import type { StreamOptions } from "./stream_options.ts";
import type { StreamResult } from "./stream_result.ts";
import { writeOutput } from "./write_output.ts";

/**
 * Writes the NetCDF from the fields that tasks left in the work folder: the same file, byte for byte, as
 * `runStream` writes. No message is fetched: a field that lacks messages is used as it is.
 *
 * Costs one listing of the work folder and one GET a field.
 *
 * @param hooks of a command that keeps records. @default {undefined} (any file that is there is replaced)
 * @throws {IncompleteError} when a field is missing, or when those of a step are of different versions
 * of its files. Nothing is written then.
 * @throws {MissingDataError} when no message of any field could be used.
 */
export async function runMerge(
  options: StreamOptions,
  context: StageContext,
  hooks?: StreamHooks,
): Promise<StreamResult> {
  const session = hooks?.session ?? await FieldSession.open(options, context, { phase: "fields" });
  await session.readAll();
  const fields = await collectResults(session);
  const count = await writeOutput(session, fields, hooks);
  return { ...session.finish(count), path: session.plan.path };
}

async function collectResults(session: FieldSession): Promise<ResultField[]> {
  const { folder, fieldIndexes } = session;
  requireAll(session, fieldIndexes, folder.fields);
  requireOneVersion(session);
  const judged = await session.judge(folder.fields);
  const fewer = session.leaveOutImplausible(judged);
  const fewerFolder = await folder.without(fewer);
  if (fewer.size > 0) await fewerFolder.read({ lacking: true });
  const fitting = new Map(
    [...fewerFolder.fields].filter(([i, field]) => sameVersions(field, judged.get(i)!)),
  );
  const wanted = [...fewer].filter(([, { messages }]) => messages.length > 0);
  requireAll(session, wanted.map(([i]) => i), fitting);
  return session.collect(judged, fewer, fewerFolder);
}

/** @throws {IncompleteError} when a field that has messages is missing. */
function requireAll(
  { plan, folder }: FieldSession,
  fieldIndexes: readonly number[],
  fields: SavedFields,
): void {
  const lacking = fieldIndexes.filter((i) => plan.fields[i]!.messages.length > 0 && !fields.has(i));
  if (lacking.length === 0) return;
  const wanted = plan.fields.filter(({ messages }) => messages.length > 0);
  throw new IncompleteError(
    `Cannot merge: ${lacking.length} of ${wanted.length} fields are not in ${folder.path}, ` +
      `${describeFields(plan, lacking)}: ${describeRemedy(plan, lacking, folder.fields)}`,
  );
}

/** @throws {IncompleteError} when a file was replaced between two fields of a step. */
function requireOneVersion({ plan, folder: { fields } }: FieldSession): void {
  const mixed = findMixedSteps(plan.fields, fields);
  if (mixed.length === 0) return;
  const fieldIndexes = [...fields.keys()].filter((i) => mixed.includes(plan.fields[i]!.stepHours));
  const remedy = describeRemedy(plan, fieldIndexes, fields);
  throw new IncompleteError(
    `Cannot merge: the files of step ${mixed.join(", ")} were replaced on the server between ` +
      `fields, ${
        describeFields(plan, fieldIndexes)
      }: ${remedy}, which re-reads fields of older files`,
  );
}

/** `tp (36, 39 h), t2m (36 h)`. */
function describeFields(plan: StreamPlan, fieldIndexes: readonly number[]): string {
  const byVariable = Map.groupBy(fieldIndexes, (i) => plan.fields[i]!.variable.name);
  return [...byVariable].map(([name, own]) => {
    const steps = own.map((i) => plan.fields[i]!.stepHours).sort((a, b) => a - b);
    return `${name} (${steps.join(", ")} h)`;
  }).join(", ");
}

/** Which tasks make these fields, as far as the saved fields show how many tasks there are. */
function describeRemedy(
  plan: StreamPlan,
  fieldIndexes: readonly number[],
  fields: SavedFields,
): string {
  const counts = new Set([...fields.values()].flatMap(({ task }) => task?.count ?? []));
  const [count] = counts;
  if (count === undefined || counts.size > 1) return "run their tasks again";
  const indexes = partitionFields(plan.fields, count)
    .flatMap((part, index) => part.some((i) => fieldIndexes.includes(i)) ? [index] : []);
  const tasks = indexes.map((index) => formatTask({ index, count }));
  return `run --task ${tasks.join(" and --task ")} again`;
}
