/**
 * The messages of one file of a run, member by member, from its index.
 *
 * @module
 */
import type { StepFile } from "../ecmwf/files.ts";
import { memberOfEntry } from "../ecmwf/members.ts";
import { describeRun, type Run } from "../ecmwf/run.ts";
import { findIndexFaults, type IndexEntry, type IndexFault, parseIndex } from "../index/entries.ts";
import type { FieldKey, Reference } from "./store.ts";
import type { Storage } from "../storage/mod.ts";

/** A field of a member and where its message is. */
export interface IndexedField {
  field: FieldKey;
  reference: Reference;
}

/** What the index of a file says. */
export interface StepIndex {
  file: StepFile;
  /** In the order of the index. */
  fields: IndexedField[];
  /** Lines that are wrong, in words; the fields of the first kind are left out of `fields`. */
  problems: { dropped: string[]; doubtful: string[] };
}

const decoder = new TextDecoder();

/** Faults that make a line unusable; the others only make it doubtful. */
const FATAL: readonly IndexFault["kind"][] = ["duplicate", "past-end"];

/**
 * Reads the index of a file and checks it against the file's length. From now on messages are read
 * of the version of the file that is on the server now.
 *
 * The file may be replaced between the two requests, so that the index is of another version: who
 * reads a message checks that it is the one that was asked for.
 *
 * Costs one GET of the index and one HEAD of the GRIB2 file.
 *
 * @throws {StorageError} when one of the two is missing or cannot be had.
 * @throws {IndexError} when a line cannot be read.
 */
export async function readStepIndex(
  storage: Storage,
  run: Run,
  file: StepFile,
): Promise<StepIndex> {
  storage.forget(file.url);
  const [bytes, { size }] = await Promise.all([
    storage.get(file.indexUrl),
    storage.head(file.url),
  ]);
  const entries = parseIndex(decoder.decode(bytes), file.indexUrl);
  const faults = findIndexFaults(entries, size);
  const fatal = faults.filter((fault) => FATAL.includes(fault.kind));
  const unusable = new Set(fatal.map((fault) => fault.entry));
  const dropped = fatal.map((fault) => fault.message);
  const doubtful = faults.filter((fault) => !FATAL.includes(fault.kind)).map((it) => it.message);
  const fields: IndexedField[] = [];
  entries.forEach((entry, i) => {
    if (unusable.has(i)) return;
    const stray = findStray(entry, run, file);
    if (stray) dropped.push(stray);
    else collectField(entry, file, fields);
  });
  return { file, fields, problems: { dropped, doubtful } };
}

/** An entry of another run or step means that the index does not belong to the file. */
function findStray(entry: IndexEntry, run: Run, file: StepFile): string | undefined {
  const right = entry.date === run.date && entry.time === `${run.hour}00` &&
    Number(entry.step) === file.stepHours;
  if (right) return undefined;
  return `${entry.param} is listed for ${entry.date} ${entry.time} step ${entry.step}, ` +
    `not ${describeRun(run)} step ${file.stepHours}`;
}

function collectField(entry: IndexEntry, file: StepFile, fields: IndexedField[]): void {
  const member = memberOfEntry(entry, file.stream);
  if (member === undefined) return;
  const { param, levtype, levelist } = entry;
  const level = levelist === undefined ? {} : { level: Number(levelist) };
  fields.push({
    field: { stepHours: file.stepHours, param, levtype, ...level, member },
    reference: { url: file.url, offset: entry._offset, length: entry._length },
  });
}
