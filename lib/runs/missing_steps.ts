/**
 * Files of a run that a command lacked → which steps the servers do not have, in a sentence.
 *
 * @module
 */
import { type StepFile, stepFiles } from "../ecmwf/files.ts";
import { describeAbsent, findAbsentDays, findFolder, isYoung } from "../ecmwf/published.ts";
import type { Run } from "../ecmwf/run.ts";
import { type Storage, StorageError, unlessMissing } from "../storage/mod.ts";
import { sortUnique } from "../util/numbers.ts";
import { mapInParallel } from "../util/parallel.ts";

/** A run of which files are absent. */
export interface AbsenceOptions {
  run: Run;
  /** Steps that the command uses. */
  steps: readonly number[];
  /** Those of them that it lacked. @default all of them */
  lacking?: readonly number[];
  /** A run of the last day may still be published. */
  now: Date;
}

/** HEADs at once. */
const PARALLEL = 8;

/**
 * Says which of the steps that a command lacked are not on the servers: `not published yet`, `the server
 * has nothing of it`, or `80 of 85 steps are not there yet: 6-144, 150-360`.
 *
 * Costs one HEAD a file that is absent, two a file that is there, and one for step 0.
 *
 * @returns `undefined` when they are all there, or when the servers cannot be reached.
 */
export async function describeAbsentSteps(
  options: AbsenceOptions,
  storage: Storage,
): Promise<string | undefined> {
  try {
    return await describeAbsence(options, storage);
  } catch (error) {
    if (error instanceof StorageError) return undefined;
    throw error;
  }
}

async function describeAbsence(
  { run, steps, lacking = steps, now }: AbsenceOptions,
  storage: Storage,
): Promise<string | undefined> {
  const folder = await findFolder(run, steps, storage);
  const filesOf = (step: number) => stepFiles(run, step, folder);
  const files = lacking.flatMap(filesOf);
  const absent = await findAbsentFiles(files, storage);
  if (absent.length === 0) return undefined;
  const mayCome = isYoung(run, now);
  const hasNone = lacking.length === steps.length && absent.length === files.length;
  // The steps of a command may be the last ones of the run.
  if (hasNone && (lacking.includes(0) || !await hasAny(filesOf(0), storage))) {
    if (mayCome) return "not published yet";
    const known = findAbsentDays(run);
    return `the server has nothing of it${known === undefined ? "" : `: ${known}`}`;
  }
  const absentSteps = sortUnique(absent.map(({ stepHours }) => stepHours));
  return describeAbsent({ run, steps: absentSteps, wantedCount: steps.length, mayCome });
}

/** Whether a server has any of these files. */
async function hasAny(files: readonly StepFile[], storage: Storage): Promise<boolean> {
  return (await findAbsentFiles(files, storage)).length < files.length;
}

async function findAbsentFiles(
  files: readonly StepFile[],
  storage: Storage,
): Promise<StepFile[]> {
  const looks = mapInParallel(
    PARALLEL,
    files,
    async (file) => await isPublished(file, storage) ? [] : [file],
  );
  return (await Array.fromAsync(looks)).flat();
}

async function isPublished({ url, indexUrl }: StepFile, storage: Storage): Promise<boolean> {
  for (const part of [indexUrl, url]) {
    storage.forget(part);
    if (!await unlessMissing(storage.head(part))) return false;
  }
  return true;
}
