/**
 * Reads the indexes of a whole run, and names the files that are missing.
 *
 * @module
 */
import { describePart, type StepFile } from "../ecmwf/files.ts";
import type { Member } from "../ecmwf/members.ts";
import type { Run } from "../ecmwf/run.ts";
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
import { receivedBy, type StageContext } from "../storage/mod.ts";

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
}

/**
 * Reads the index of every file. A file that fails while others are there is tried again at the end.
 * Warns of every file and line that cannot be used.
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
  for (const { file, error } of failures) {
    result.missingFiles.push(file);
    options.reporter.warn(
      `step ${file.stepHours} (${describePart(file)}) is missing: ${error.message}`,
    );
  }
  return result;
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
