/**
 * Reads the indexes of a whole run, and names the files that are missing.
 *
 * @module
 */
import { describePart, type StepFile } from "../ecmwf/files.ts";
import type { Member } from "../ecmwf/members.ts";
import { describeAbsent, isYoung } from "../ecmwf/published.ts";
import { formatSteps, type Run } from "../ecmwf/run.ts";
import { sortUnique } from "../util/numbers.ts";
import { mapInParallel } from "../util/parallel.ts";
import type { FileFields } from "./field_sets.ts";
import { RunFields } from "./run_fields.ts";
import {
  explainAbsence,
  type IndexFailure,
  listLosses,
  type StepIndex,
  tryStepIndex,
  warnOfProblems,
} from "./step_index.ts";
import { receivedBy, type StageContext, StorageError } from "../storage/mod.ts";

/** The content of all indexes of a run. */
export interface RunIndex {
  fields: RunFields;
  /** The fields of each file that was read. */
  files: FileFields[];
  /** Files whose index or GRIB2 file could not be read. */
  missingFiles: StepFile[];
  /** Lines of indexes that could not be used, and indexes that lack lines. */
  lostLines: number;
}

/** What to read, and how. */
export interface ReadRunOptions extends StageContext {
  /** Members whose fields are wanted. */
  members: readonly Member[];
  /** Files read at once. */
  parallelFiles: number;
  /** Decides whether absent files may still come. @default {new Date()} */
  now?: Date;
}

/**
 * Reads the index of every file. A file that fails while others are there is tried again at the end.
 * Warns of the files that are missing, all in one line, and of every line that cannot be used.
 *
 * Costs one GET and one HEAD a file.
 *
 * @throws {MissingDataError} when none of the files is there.
 * @throws {StorageError} when the network fails for all of them, or Deno refuses access.
 */
export async function readRunIndex(
  run: Run,
  files: readonly StepFile[],
  options: ReadRunOptions,
): Promise<RunIndex> {
  const result: RunIndex = {
    fields: new RunFields(),
    files: [],
    missingFiles: [],
    lostLines: 0,
  };
  const members = new Set(options.members);
  const collect = (index: StepIndex) => collectFile(index, members, result);
  let failures = await readFiles(run, files, options, collect);
  if (failures.length === files.length) {
    throw explainAbsence(run, failures.map(({ error }) => error), "find anything of");
  }
  if (failures.length > 0) {
    const missing = failures.map((failure) => failure.file);
    failures = await readFiles(run, missing, options, collect);
  }
  result.missingFiles.push(...failures.map(({ file }) => file));
  const now = options.now ?? new Date();
  for (const line of describeMissing(run, files, failures, now)) options.reporter.warn(line);
  return result;
}

/** Says of which steps files are not there or cannot be read: a line for each way to fail. */
function describeMissing(
  run: Run,
  files: readonly StepFile[],
  failures: readonly IndexFailure[],
  now: Date,
): string[] {
  const stepsOf = (them: readonly StepFile[]) => sortUnique(them.map((it) => it.stepHours));
  const { absent = [], failed = [] } = Object.groupBy(
    failures,
    ({ error }) => error.category === "missing" ? "absent" : "failed",
  );
  const absentAt = Map.groupBy(absent, ({ file }) => file.stepHours);
  const wantedAt = Map.groupBy(files, ({ stepHours }) => stepHours);
  const byPart = Map.groupBy(absent.map(({ file }) => file), (file) => {
    const { stepHours } = file;
    const isWhole = absentAt.get(stepHours)!.length === wantedAt.get(stepHours)!.length;
    return isWhole ? undefined : describePart(file);
  });
  const shared = { run, wantedCount: wantedAt.size, mayCome: isYoung(run, now) };
  const lines = Array.from(
    byPart,
    ([part, them]) => describeAbsent({ ...shared, steps: stepsOf(them), ...(part && { part }) }),
  );
  const byReason = Map.groupBy(failed, ({ error }) => reasonOf(error));
  for (const alike of byReason.values()) {
    const steps = stepsOf(alike.map(({ file }) => file));
    const first = alike.length === 1 ? "" : "the first: ";
    lines.push(
      `${steps.length} of ${wantedAt.size} steps cannot be read: ${formatSteps(run, steps)}; ` +
        `${first}${alike[0]!.error.message}`,
    );
  }
  return lines;
}

/** The same for files that failed alike. */
function reasonOf(error: IndexFailure["error"]): string {
  return error instanceof StorageError ? `${error.kind} ${error.answer}` : error.name;
}

async function readFiles(
  run: Run,
  files: readonly StepFile[],
  options: ReadRunOptions,
  collect: (index: StepIndex) => void,
): Promise<IndexFailure[]> {
  const failures: IndexFailure[] = [];
  const bar = options.reporter.progress("indexes", files.length, receivedBy(options.storage));
  const results = mapInParallel(
    options.parallelFiles,
    files,
    (file) => readFile(file, run, options),
  );
  for await (const result of results) {
    bar.advance(1);
    if ("error" in result) failures.push(result);
    else collect(result);
  }
  bar.finish();
  return failures;
}

/** The index of a file, or why there is none. Throws when Deno refuses access. */
async function readFile(
  file: StepFile,
  run: Run,
  { storage, reporter }: ReadRunOptions,
): Promise<StepIndex | IndexFailure> {
  const index = await tryStepIndex(storage, run, file);
  if (!("error" in index)) warnOfProblems(index, reporter);
  return index;
}

/** Adds the fields of the wanted members in a file. */
function collectFile(index: StepIndex, wanted: ReadonlySet<Member>, result: RunIndex): void {
  const fields = index.fields.filter(({ field }) => wanted.has(field.member));
  result.files.push({ file: index.file, members: result.fields.addFile(fields) });
  result.lostLines += listLosses(index).length;
}
