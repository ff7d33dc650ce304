/**
 * Fields that are kept from one command to the next, unless their files were replaced meanwhile.
 *
 * @module
 */
import { lacksMessages, type WorkFolder } from "../checkpoint/work_folder.ts";
import type { StageContext } from "../storage/mod.ts";
import type { StreamPlan } from "./plan_stream.ts";
import { findOpenSteps, findReplaced } from "../checkpoint/field_versions.ts";

/** The fields of a plan that one process makes, and where it keeps them. */
export interface KeptFields {
  plan: StreamPlan;
  folder: WorkFolder;
  /** Of its fields in the plan. */
  places: readonly number[];
}

/** Drops the fields of some steps whose files were replaced since. @returns whether there were any. */
export async function dropReplaced(
  steps: ReadonlySet<number>,
  { plan, folder }: Omit<KeptFields, "places">,
  { storage, reporter }: StageContext,
): Promise<boolean> {
  const stepOf = (place: number) => plan.fields[place]!.stepHours;
  const fields = [...folder.fields].filter(([place]) => steps.has(stepOf(place)));
  const replaced = await findReplaced(fields, storage);
  for (const [stepHours, stale] of Map.groupBy(replaced, stepOf)) {
    for (const place of stale) await folder.drop(place);
    reporter.warn(
      `step ${stepHours} was replaced on the server: ${stale.length} fields of before are read again`,
    );
  }
  return replaced.length > 0;
}

/**
 * Reads what is there of the fields of a process. Those of files that were replaced since are dropped,
 * unless a step is whole: nothing will be added to it. Of other steps it costs one HEAD a file.
 */
export async function takeOver(
  work: KeptFields,
  fresh: boolean,
  context: StageContext,
): Promise<void> {
  const { plan, folder, places } = work;
  if (fresh) await folder.clear(places);
  await folder.read({ places });
  await dropReplaced(findOpenSteps(plan.fields, folder.fields), work, context);
  const { size } = folder.fields;
  if (size === 0) return;
  const count = `${size} of ${places.length} fields are there`;
  context.reporter.info(`going on from ${folder.path}: ${count}`);
}

/** How much of the work the same command need not do again. */
export function describeKept({ plan, folder, places }: KeptFields): string {
  const whole = [...folder.fields].filter(([place, { reduced }]) =>
    !lacksMessages(plan.fields[place]!, reduced)
  );
  return `${whole.length} of ${places.length} fields are kept in ${folder.path}: ` +
    "the same command goes on from them";
}
