/**
 * The fields of an output: those that are in the work folder, the others fetched and kept.
 *
 * @module
 */
import { MissingDataError } from "../errors.ts";
import type { KeptField } from "../checkpoint/field_file.ts";
import { emptyField } from "../ensemble/field_reducer.ts";
import { leaveOut, markShrunk } from "../ensemble/implausible.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";
import type { ResultField } from "../ensemble/field_result.ts";
import type { WorkFolder } from "../checkpoint/work_folder.ts";
import { type FetchContext, fetchFields } from "./fetch_fields.ts";
import type { StreamPlan } from "./plan_stream.ts";
import { describeKept, dropReplaced, type KeptFields } from "./resume_fields.ts";
import type { FieldsOptions } from "./stream_options.ts";
import { sameVersions } from "../checkpoint/field_versions.ts";

/** The fields of a plan that one process makes, and how they are judged. */
export interface FieldsWork extends KeptFields {
  /**
   * Gives the fields, by their place, whose messages can be judged once its own are there: with all
   * that is implausible about them.
   */
  judge(): Promise<ReadonlyMap<number, KeptField>>;
}

/** Files that are replaced again and again are read so many times. */
const MAX_GOES = 3;

/**
 * Fetches and keeps the fields that are not in the work folder; where that is asked for, those that
 * have implausible messages once more, without these. All fields of a step are of the same versions of
 * its files: when one is replaced meanwhile, the others are read again as well.
 *
 * @returns the fields at the places, in their order.
 * @throws {MissingDataError} when files are replaced again and again.
 * @throws {StorageError} when the server cannot be reached or refuses; finished fields stay.
 */
export async function completeFields(
  work: FieldsWork,
  options: FieldsOptions,
  context: FetchContext,
): Promise<ResultField[]> {
  try {
    for (let go = 0; go < MAX_GOES; go++) {
      const fields = await tryFields(work, options, context);
      if (fields) return fields;
    }
  } catch (error) {
    context.reporter.warn(describeKept(work));
    throw error;
  }
  throw new MissingDataError(
    "Cannot read all fields of a step from one version of its files: they are replaced again and " +
      "again, run the same command later",
  );
}

/** @returns `undefined` when fields had to be dropped that were there before. */
async function tryFields(
  work: FieldsWork,
  options: FieldsOptions,
  context: FetchContext,
): Promise<ResultField[] | undefined> {
  const { plan, folder, places, judge } = work;
  const missing = placesToFields(plan, places.filter((place) => !folder.fields.has(place)));
  const restarted = await fetchFields(plan.run, missing, folder, options, context);
  if (await dropReplaced(restarted, work, context)) return undefined;

  const judged = await judge();
  const fewer = options.dropImplausible
    ? leaveOutImplausible(plan, judged)
    : new Map<number, PlannedField>();
  const again = await folder.without(fewer);
  const anew = await fetchAgain(work, again, fewer, judged, options, context);
  if (await dropReplaced(anew, work, context)) return undefined;

  const firsts = new Map([...folder.fields, ...judged]);
  return chooseResults(plan, places, firsts, fewer, again.fields);
}

/**
 * The results at some places: of the fields that were read again these, of the others what was read
 * first; nothing but rejections of those that have no message.
 */
export function chooseResults(
  plan: StreamPlan,
  places: readonly number[],
  firsts: ReadonlyMap<number, KeptField>,
  fewer: ReadonlyMap<number, PlannedField>,
  again: ReadonlyMap<number, KeptField>,
): ResultField[] {
  return places.map((place) => {
    const { variable, stepHours, rejections } = fewer.get(place) ?? plan.fields[place]!;
    const kept = (fewer.has(place) ? again : firsts).get(place);
    return { variable, stepHours, reduced: kept?.reduced ?? emptyField(rejections) };
  });
}

/** The planned fields at some places; those without any message are as they are. */
function placesToFields(
  plan: StreamPlan,
  places: readonly number[],
): Map<number, PlannedField> {
  return new Map(
    places.map((place) => [place, plan.fields[place]!] as const)
      .filter(([, { messages }]) => messages.length > 0),
  );
}

/** The fields that have implausible messages, without these, by their place. */
export function leaveOutImplausible(
  plan: StreamPlan,
  judged: ReadonlyMap<number, KeptField>,
): Map<number, PlannedField> {
  return new Map(
    [...judged].filter(([, { reduced }]) => reduced.implausible.length > 0)
      .map(([place, { reduced }]) => [place, leaveOut(plan.fields[place]!, reduced.implausible)]),
  );
}

/**
 * Fetches fields with fewer messages, unless that was done for the same versions of their files.
 *
 * @returns the steps whose files were replaced since the fields were read with all messages.
 */
async function fetchAgain(
  { plan }: FieldsWork,
  again: WorkFolder,
  fewer: ReadonlyMap<number, PlannedField>,
  judged: ReadonlyMap<number, KeptField>,
  options: FieldsOptions,
  context: FetchContext,
): Promise<ReadonlySet<number>> {
  if (fewer.size === 0) return new Set();
  await again.read();
  const isNewer = (place: number, kept: KeptField) => !sameVersions(kept, judged.get(place)!);
  for (const [place, kept] of again.fields) if (isNewer(place, kept)) await again.drop(place);
  const missing = new Map(
    [...fewer].filter(([place, { messages }]) => !again.fields.has(place) && messages.length > 0),
  );
  const names = [...missing.values()].map(({ variable: { name }, stepHours }) =>
    `${name} (${stepHours} h)`
  );
  if (names.length > 0) {
    context.reporter.info(`read again without implausible messages: ${names.join(", ")}`);
  }
  await fetchFields(plan.run, missing, again, options, context);
  const newer = [...again.fields].filter(([place, kept]) => isNewer(place, kept));
  return new Set(newer.map(([place]) => plan.fields[place]!.stepHours));
}

/** Fields with all that is implausible about them, beside the other steps as well. */
export function judgeFields(
  plan: StreamPlan,
  fields: ReadonlyMap<number, KeptField>,
): Map<number, KeptField> {
  const places = [...fields.keys()].sort((a, b) => a - b);
  const marked = markShrunk(places.map((place) => {
    const { variable, stepHours } = plan.fields[place]!;
    return { variable, stepHours, reduced: fields.get(place)!.reduced };
  }));
  return new Map(
    places.map((place, i) => [place, { ...fields.get(place)!, reduced: marked[i]!.reduced }]),
  );
}
