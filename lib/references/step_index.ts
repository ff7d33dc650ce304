/**
 * The messages of one file of a run, member by member, from its index.
 *
 * @module
 */
import { findDataset } from "../ecmwf/datasets.ts";
import { UNNAMED_PARAM } from "../ecmwf/eras.ts";
import type { StepFile } from "../ecmwf/files.ts";
import { isOfDataset, memberOfEntry } from "../ecmwf/members.ts";
import { absentRunError } from "../ecmwf/published.ts";
import { describeRun, type Run } from "../ecmwf/run.ts";
import {
  countUnlisted,
  findEnd,
  findIndexFaults,
  type IndexEntry,
  IndexError,
  type IndexFault,
  type ParsedIndex,
  parseIndex,
} from "../index/entries.ts";
import type { FieldKey, Reference } from "./store.ts";
import type { Reporter } from "../util/reporter.ts";
import { quoteValue, summarizeLines } from "../util/text.ts";
import { type ObjectInfo, type Storage, StorageError } from "../storage/mod.ts";

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
  /** How much of the file no line describes, in words: lines are missing. */
  unlisted?: string;
  /** Where the index ends and where the file does, in words, when it lists more than the file has. */
  ahead?: string;
}

/** What an index should have listed and did not, in words: lines that are wrong or missing. */
export function listLosses({ problems, unlisted }: StepIndex): string[] {
  return unlisted === undefined ? problems.dropped : [...problems.dropped, unlisted];
}

/** Losses that are named; of the others only their number is. */
const LOSSES_SHOWN = 10;

/** Warns of the lines of an index that are wrong, missing or doubtful. */
export function warnOfProblems(index: StepIndex, reporter: Reporter): void {
  const { file: { indexUrl }, problems: { doubtful } } = index;
  const losses = listLosses(index);
  if (losses.length > 0) {
    reporter.warn(`${indexUrl}: lines left out: ${summarizeLines(losses, LOSSES_SHOWN)}`);
  }
  if (doubtful.length > 0) {
    reporter.warn(`${indexUrl}: doubtful lines: ${summarizeLines(doubtful)}`);
  }
}

const decoder = new TextDecoder();

/** Enough to see that a server sends no index. */
const NON_INDEX_BYTES = 65_536;

/** Faults that make a line unusable, or lose nothing; the others only make it doubtful. */
const FATAL: readonly IndexFault["kind"][] = ["duplicate", "past-end"];

/**
 * Reads the index of a file and checks it against the file's length. From now on messages are read
 * from the version of the file that is on the server now. When one of the two is not whole it is
 * read again, also from the other sources; then what can be read of it is used.
 *
 * The file may be replaced between the two requests, and then the index is of another version. So a
 * reader of messages must check that each is the one it asked for.
 *
 * Costs one GET of the index and one HEAD of the GRIB2 file.
 *
 * @throws {StorageError} when one of the two is missing or cannot be read; `corrupt` when a server
 *   sends something else than an index, three times.
 * @throws {IndexError} when no line can be read.
 */
export async function readStepIndex(
  storage: Storage,
  run: Run,
  file: StepFile,
): Promise<StepIndex> {
  storage.forget(file.url);
  let [index, { size }] = await Promise.all([
    readLines(storage, file.indexUrl),
    storage.head(file.url),
  ]);
  const end = findEnd(index.entries);
  if (end > size) size = await findLongEnough(storage, file.url, end) ?? size;
  else if (isShort(index, size)) index = await readLines(storage, file.indexUrl, { size, index });
  return collectFields(index, size, run, file);
}

/** A file whose index cannot be used. */
export interface IndexFailure {
  file: StepFile;
  error: StorageError | IndexError;
}

/**
 * The index of a file, as {@linkcode readStepIndex} reads it, or why there is none.
 *
 * @throws {StorageError} when Deno refuses access.
 */
export async function tryStepIndex(
  storage: Storage,
  run: Run,
  file: StepFile,
): Promise<StepIndex | IndexFailure> {
  try {
    return await readStepIndex(storage, run, file);
  } catch (error) {
    const isRefused = error instanceof StorageError && error.kind === "permission";
    if (isRefused || !(error instanceof StorageError || error instanceof IndexError)) throw error;
    return { file, error };
  }
}

/**
 * The error for a run of which no index can be used.
 *
 * @param action what cannot be done, up to the run's name: "find anything of".
 */
export function explainAbsence(
  run: Run,
  errors: readonly IndexFailure["error"][],
  action: string,
): Error {
  const unreachable = errors.find((error) =>
    error instanceof StorageError && error.kind !== "missing"
  );
  return unreachable ?? absentRunError(action, run, errors[0]!);
}

/**
 * The lines of an index; of those that its sources give, the most.
 *
 * @param known the size of its file, and what was read of it earlier.
 */
async function readLines(
  storage: Storage,
  url: string,
  known?: { size: number; index: ParsedIndex },
): Promise<ParsedIndex> {
  let best = known?.index;
  const check = (bytes: Uint8Array) => {
    const nonIndex = describeNonIndex(bytes);
    if (nonIndex !== undefined) return nonIndex;
    const index = parseIndex(decoder.decode(bytes));
    if (!best || index.entries.length > best.entries.length) best = index;
    return findShortcoming(index, known?.size ?? 0);
  };
  try {
    await storage.get(url, { check });
  } catch (error) {
    if (!(error instanceof StorageError && best)) throw error;
  }
  const { entries, faults } = best!;
  if (entries.length === 0) {
    throw new IndexError(url, faults[0] ?? { line: 1, state: "it is blank" });
  }
  return { entries, faults };
}

/** Why an index should be read again. */
function findShortcoming(index: ParsedIndex, fileLength: number): string | undefined {
  const { entries, faults: [fault] } = index;
  if (fault) return `line ${fault.line} cannot be read: ${fault.state}`;
  return isShort(index, fileLength) ? describeUnlisted(entries, fileLength) : undefined;
}

/** Whether lines are missing that should describe a part of the file. */
function isShort({ entries, faults }: ParsedIndex, fileLength: number): boolean {
  return faults.length === 0 && countUnlisted(entries, fileLength) > 0;
}

function describeUnlisted(entries: readonly IndexEntry[], fileLength: number): string {
  return `no line lists ${countUnlisted(entries, fileLength)} of the file's ${fileLength} bytes`;
}

/**
 * The size of a file at the first source where it has all messages that its index lists.
 *
 * @returns `undefined` when it has them nowhere.
 */
async function findLongEnough(
  storage: Storage,
  url: string,
  end: number,
): Promise<number | undefined> {
  storage.forget(url);
  const check = ({ size }: ObjectInfo) =>
    size < end ? `it has ${size} bytes and its index lists ${end}` : undefined;
  try {
    return (await storage.head(url, { check })).size;
  } catch (error) {
    if (!(error instanceof StorageError && error.kind === "corrupt")) throw error;
    // The version that messages are read from.
    await storage.head(url);
    return undefined;
  }
}

/** The fields of the lines that are right, and what is wrong with the others. */
function collectFields(
  { entries, faults }: ParsedIndex,
  size: number,
  run: Run,
  file: StepFile,
): StepIndex {
  const dropped = faults.map(({ line, state }) => `line ${line}: ${state}`);
  const dataset = findDataset(run);
  const ofDataset = entries.filter((entry) => isOfDataset(entry, dataset, file.stream));
  if (ofDataset.length === 0) dropped.push(describeForeign(entries));
  const own = ofDataset.filter((entry) => {
    const mismatch = describeMismatch(entry, run, file);
    if (mismatch) dropped.push(mismatch);
    return !mismatch;
  });
  const unusable = new Set<number>();
  const doubtful: string[] = [];
  for (const { kind, entry, message } of findIndexFaults(own, size)) {
    const isFatal = FATAL.includes(kind);
    // Several parameters may have no name: they are not one that is listed twice.
    const isUnnamed = kind === "duplicate" && own[entry]!.param === UNNAMED_PARAM;
    if (isFatal && !isUnnamed) dropped.push(message);
    else if (kind !== "repeat" && !isUnnamed) doubtful.push(message);
    if (isFatal || kind === "repeat") unusable.add(entry);
  }
  const fields: IndexedField[] = [];
  own.forEach((entry, i) => {
    if (!unusable.has(i)) collectField(entry, file, fields);
  });
  const unlisted = isShort({ entries, faults }, size) && describeUnlisted(entries, size);
  const end = findEnd(entries);
  const ahead = end > size && `it has ${size} bytes and its index lists ${end}`;
  return {
    ...{ file, fields, problems: { dropped, doubtful } },
    ...(unlisted && { unlisted }),
    ...(ahead && { ahead }),
  };
}

function describeForeign(entries: readonly IndexEntry[]): string {
  const { class: marsClass, stream, expver, model } = entries[0]!;
  const ofModel = model === undefined ? "" : ` model ${model}`;
  return `all lines are of other data, such as class ${marsClass} stream ${stream} ` +
    `expver ${expver}${ofModel}`;
}

/** What is wrong with bytes that are no index at all; one with wrong lines is an index. */
function describeNonIndex(bytes: Uint8Array): string | undefined {
  const text = decoder.decode(bytes.subarray(0, NON_INDEX_BYTES)).trim();
  if (text === "") return "the index is empty";
  if (text.startsWith("<")) {
    const code = /<Code>(\w{1,64})<\/Code>/.exec(text)?.[1];
    if (code) return `the server sent its error "${code}" instead of the index`;
    return "the server sent a page instead of the index";
  }
  if (/^\{.*"(?:_offset|param)"/.test(text)) return undefined;
  const answer = parseAnswer(text);
  return answer && `the server sent ${answer} instead of the index`;
}

/** Quotes what is one JSON document and no entry, or no lines of JSON; an index can be one line. */
function parseAnswer(text: string): string | undefined {
  const document = parseJson(text);
  if (document === undefined) {
    const isLines = text.split("\n").some((line) => isObject(parseJson(line)));
    return isLines || text.startsWith("{") ? undefined : quoteValue(text);
  }
  const objects: unknown[] = Array.isArray(document) ? document : [document];
  const isEntry = objects.some((it) => isObject(it) && ("_offset" in it || "param" in it));
  return isEntry ? undefined : quoteValue(document);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Gives `undefined` for what is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
