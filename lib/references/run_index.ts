/**
 * Reads the indexes of a whole run, and names what is missing.
 *
 * @module
 */
import { type StepFile, streamOfMember } from "../ecmwf/files.ts";
import { type Member, memberKeyName } from "../ecmwf/members.ts";
import { absentRunError } from "../ecmwf/published.ts";
import type { Run } from "../ecmwf/run.ts";
import { IndexError } from "../index/entries.ts";
import { mapInParallel } from "../util/parallel.ts";
import { RunFields } from "./run_fields.ts";
import { readStepIndex, type StepIndex } from "./step_index.ts";
import { summarizeLines } from "../util/text.ts";
import { receivedBy, type StageContext, StorageError } from "../storage/mod.ts";

/** How many fields each member has in a file. */
export interface FileCounts {
  file: StepFile;
  fields: Map<Member, number>;
}

/** The content of all indexes of a run. */
export interface RunIndex {
  fields: RunFields;
  counts: FileCounts[];
  /** Files whose index or GRIB2 file could not be read. */
  missingFiles: StepFile[];
  /** Lines of indexes that could not be used. */
  droppedLines: number;
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
    counts: [],
    missingFiles: [],
    droppedLines: 0,
  };
  const members = new Set(options.members);
  const collect = (index: StepIndex) => collectFile(index, members, result);
  let failures = await readFiles(run, files, options, collect);
  if (failures.length === files.length) throw explainAbsence(run, failures);
  if (failures.length > 0) {
    const missing = failures.map((failure) => failure.file);
    failures = await readFiles(run, missing, options, collect);
  }
  for (const { file, error } of failures) {
    result.missingFiles.push(file);
    options.reporter.warn(`step ${file.stepHours} (${file.stream}) is missing: ${error.message}`);
  }
  return result;
}

async function readFiles(
  run: Run,
  files: readonly StepFile[],
  options: ReadRunOptions,
  collect: (index: StepIndex) => void,
): Promise<Failure[]> {
  const failures: Failure[] = [];
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

/** A file that could not be used. */
interface Failure {
  file: StepFile;
  error: StorageError | IndexError;
}

/** The index of a file, or why there is none. Throws when Deno refuses access. */
async function readFile(
  file: StepFile,
  run: Run,
  { storage, reporter }: ReadRunOptions,
): Promise<StepIndex | Failure> {
  try {
    const index = await readStepIndex(storage, run, file);
    const { dropped, doubtful } = index.problems;
    if (dropped.length > 0) {
      reporter.warn(`${file.indexUrl}: lines left out: ${summarizeLines(dropped)}`);
    }
    if (doubtful.length > 0) {
      reporter.warn(`${file.indexUrl}: doubtful lines: ${summarizeLines(doubtful)}`);
    }
    return index;
  } catch (error) {
    const isRefused = error instanceof StorageError && error.kind === "permission";
    if (isRefused || !(error instanceof StorageError || error instanceof IndexError)) throw error;
    return { file, error };
  }
}

/** Adds the fields of the wanted members in a file. */
function collectFile(index: StepIndex, wanted: ReadonlySet<Member>, result: RunIndex): void {
  const fields = index.fields.filter(({ field }) => wanted.has(field.member));
  const counts = new Map<Member, number>();
  for (const { field } of fields) counts.set(field.member, (counts.get(field.member) ?? 0) + 1);
  result.fields.addFile(fields);
  result.counts.push({ file: index.file, fields: counts });
  result.droppedLines += index.problems.dropped.length;
}

/** The error for a run of which no file can be read. */
function explainAbsence(run: Run, failures: readonly Failure[]): Error {
  const unreachable = failures.find(({ error }) =>
    error instanceof StorageError && error.kind !== "missing"
  );
  if (unreachable) return unreachable.error;
  return absentRunError("find anything of", run, failures[0]!.error);
}

/** Fields that a member lacks in a file and another member has there, one line a member and file. */
export function findGaps(index: RunIndex, members: readonly Member[], run: Run): string[] {
  return index.counts.flatMap(({ file, fields }) => {
    const inFile = members.filter((member) => streamOfMember(run, member) === file.stream);
    const count = (member: Member) => fields.get(member) ?? 0;
    const full = Math.max(1, ...inFile.map(count));
    return inFile
      .filter((member) => count(member) < full)
      .map((member) =>
        `step ${file.stepHours}, ${memberKeyName(member)}: ${count(member)} of ${full}`
      );
  });
}
