/**
 * Final stores → the fields of one of several processes that share an output, in the work folder.
 *
 * @module
 */
import type { ArrayTask } from "../checkpoint/array_task.ts";
import { canOnlyGrow } from "../ecmwf/variables.ts";
import type { StageContext } from "../storage/mod.ts";
import { FieldSession, type SavedFields } from "./field_session.ts";
import type { StreamOptions } from "./stream_options.ts";
import { countFields, type TaskResult } from "./stream_result.ts";

/**
 * Makes a task's part of the fields, and leaves them in the work folder. Saved fields are not fetched
 * again, unless they lack messages or their files were replaced: running a task twice, or twice at the
 * same time, costs time and does no harm.
 *
 * An accumulation is judged beside all its steps, so the last task to finish one of its fields leaves
 * out its implausible messages.
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
  const session = await FieldSession.open(options, context, { task });
  const { plan } = session;
  await session.resume();
  const fields = await session.complete(async () =>
    options.dropImplausible ? session.judge(await readSeries(session)) : new Map()
  );
  return { ...session.finish(countFields(fields, plan.members)), task, work: plan.work };
}

/**
 * Reads the fields that are needed to judge those of a task: all steps of a variable that accumulates,
 * whichever tasks made them, or nothing of it while some are missing. Costs one GET a field of others.
 */
async function readSeries(session: FieldSession): Promise<SavedFields> {
  const { plan, folder, fieldIndexes } = session;
  const nameOf = (fieldIndex: number) => plan.fields[fieldIndex]!.variable.name;
  const names = new Set(fieldIndexes.map(nameOf));
  const others = [...plan.fields.keys()].filter((i) => {
    const { variable, messages } = plan.fields[i]!;
    return messages.length > 0 && canOnlyGrow(variable) && names.has(variable.name) &&
      !folder.fields.has(i);
  });
  const found = await session.readOthers(others);
  const unfinished = new Set(others.filter((i) => !found.has(i)).map(nameOf));
  return new Map([...folder.fields, ...found].filter(([i]) => !unfinished.has(nameOf(i))));
}
