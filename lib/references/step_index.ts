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

/** The content of the index of a file. */
export interface StepIndex {
  file: StepFile;
  /** In the order of the index. */
  fields: IndexedField[];
  /** Lines that are wrong, in words; `fields` is without the dropped ones. */
  problems: { dropped: string[]; doubtful: string[] };
}

const decoder = new TextDecoder();

/** Enough to see that a server sends no index. */
const NON_INDEX_BYTES = 65_536;

/** Faults that make a line unusable; the others only make it doubtful. */
const FATAL: readonly IndexFault["kind"][] = ["duplicate", "past-end"];

/**
 * Reads the index of a file and checks it against the file's length. From now on messages are read
 * from the version of the file that is on the server now.
 *
 * The file may be replaced between the two requests, and then the index is of another version. So a
 * reader of messages must check that each is the one it asked for.
 *
 * Costs one GET of the index and one HEAD of the GRIB2 file.
 *
 * @throws {StorageError} when one of the two is missing or cannot be read; `corrupt` when a server
 *   sends something else than an index, three times.
 * @throws {IndexError} when a line cannot be read.
 */
export async function readStepIndex(
  storage: Storage,
  run: Run,
  file: StepFile,
): Promise<StepIndex> {
  storage.forget(file.url);
  const [bytes, { size }] = await Promise.all([
    storage.get(file.indexUrl, { check: describeNonIndex }),
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
    const mismatch = describeMismatch(entry, run, file);
    if (mismatch) dropped.push(mismatch);
    else collectField(entry, file, fields);
  });
  return { file, fields, problems: { dropped, doubtful } };
}

/** What is wrong with bytes that are no index at all; one with wrong lines is an index. */
function describeNonIndex(bytes: Uint8Array): string | undefined {
  const text = decoder.decode(bytes.subarray(0, NON_INDEX_BYTES)).trim();
  if (text === "") return "the index is empty";
  if (!text.startsWith("<")) return undefined;
  const code = /<Code>(\w{1,64})<\/Code>/.exec(text)?.[1];
  if (code) return `the server sent its error "${code}" instead of the index`;
  return "the server sent a page instead of the index";
}

/** How run or step of an entry differ from those of the file; `undefined` when they do not. */
function describeMismatch(entry: IndexEntry, run: Run, file: StepFile): string | undefined {
  const isRight = entry.date === run.date && entry.time === `${run.hour}00` &&
    Number(entry.step) === file.stepHours;
  if (isRight) return undefined;
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
