/**
 * The `.index` file beside each GRIB2 file: one JSON object a line, one line a message.
 *
 * @module
 */
import { UserError } from "../errors.ts";

/** One message as its index line describes it, in MARS terms; all text values as in the file. */
export interface IndexEntry {
  readonly date: string;
  readonly time: string;
  readonly type: string;
  readonly stream: string;
  /** Forecast step in hours. */
  readonly step: string;
  readonly levtype: string;
  /** Pressure level in hPa or soil layer; absent at the surface. */
  readonly levelist?: string;
  /** Perturbed member; absent for the control. */
  readonly number?: string;
  readonly param: string;
  /** First byte of the message in the GRIB2 file. */
  readonly _offset: number;
  /** Length of the message in bytes. */
  readonly _length: number;
}

/** An index that cannot be read. */
export class IndexError extends UserError {
  override readonly name = "IndexError";
  /** File in which the fault is. */
  readonly source: string;
  /** Line of the fault, from 1. */
  readonly line: number;

  constructor(message: string, source: string, line: number, cause?: unknown) {
    super("damaged", message, { cause });
    this.source = source;
    this.line = line;
  }
}

/**
 * Parses an index. Blank lines and a comma at the end of a line are tolerated.
 *
 * @param text the whole file.
 * @param source its name, for errors.
 * @returns one entry a message, in file order.
 * @throws {IndexError} naming file and line when a line is not JSON, or lacks a field.
 */
export function parseIndex(text: string, source: string): IndexEntry[] {
  const entries: IndexEntry[] = [];
  let line = 0;
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const content = text.slice(start, end).trim();
    line++;
    if (content !== "" && content !== ",") entries.push(parseLine(content, source, line));
    start = end + 1;
  }
  return entries;
}

function parseLine(content: string, source: string, line: number): IndexEntry {
  let value: unknown;
  try {
    value = JSON.parse(content.endsWith(",") ? content.slice(0, -1) : content);
  } catch (cause) {
    throw new IndexError(
      `Cannot read line ${line} of ${source}: it is not JSON; download the index again`,
      source,
      line,
      cause,
    );
  }
  const fault = findFieldFault(value);
  if (fault) {
    throw new IndexError(`Cannot use line ${line} of ${source}: ${fault}`, source, line);
  }
  return value as IndexEntry;
}

const TEXT_FIELDS = ["date", "time", "type", "stream", "step", "levtype", "param"] as const;
const OPTIONAL_TEXT_FIELDS = ["levelist", "number"] as const;

function findFieldFault(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return "it is not an object";
  const entry = value as Record<string, unknown>;
  for (const field of TEXT_FIELDS) {
    if (typeof entry[field] !== "string") return `it has no text "${field}"`;
  }
  for (const field of OPTIONAL_TEXT_FIELDS) {
    const optional = entry[field];
    if (optional !== undefined && typeof optional !== "string") return `its "${field}" is no text`;
  }
  if (!isCount(entry._offset)) return `"_offset" is not a byte offset`;
  if (!isCount(entry._length) || entry._length === 0) return `"_length" is not a byte length`;
  return undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What is wrong with an entry of an index. */
export interface IndexFault {
  kind: "duplicate" | "overlap" | "out-of-order" | "past-end";
  /** Position of the entry in the list that was checked. */
  entry: number;
  /** The fault in words, without the file's name. */
  message: string;
}

/**
 * Finds entries that name the same field twice, share bytes with another message, stand before a
 * message that lies earlier in the file, or reach past the end of the file.
 *
 * @param fileLength length of the GRIB2 file in bytes; without it ends are not checked.
 */
export function findIndexFaults(
  entries: readonly IndexEntry[],
  fileLength: number = Infinity,
): IndexFault[] {
  return [
    ...findDuplicates(entries),
    ...findOverlaps(entries),
    ...findOutOfOrder(entries),
    ...findPastEnd(entries, fileLength),
  ];
}

/** What tells fields of a file apart, but for the member. */
const FIELD_NAMES = ["param", "levelist", "levtype", "type", "step"] as const;

/** Branches by the first of the names, the next, …, and at last by member. */
type FieldTree = Map<string | undefined, FieldTree>;

/** A tree of the texts that are there: to make one text a field would take twice as long. */
function findDuplicates(entries: readonly IndexEntry[]): IndexFault[] {
  const faults: IndexFault[] = [];
  const tree: FieldTree = new Map();
  entries.forEach((entry, i) => {
    let members = tree;
    for (const name of FIELD_NAMES) members = openBranch(members, entry[name]);
    if (members.has(entry.number)) {
      const message = `${describeEntry(entry)} is listed more than once`;
      faults.push({ kind: "duplicate", entry: i, message });
    }
    members.set(entry.number, tree);
  });
  return faults;
}

function openBranch(tree: FieldTree, name: string | undefined): FieldTree {
  let branch = tree.get(name);
  if (!branch) tree.set(name, branch = new Map());
  return branch;
}

function findOverlaps(entries: readonly IndexEntry[]): IndexFault[] {
  const faults: IndexFault[] = [];
  const order = entries.map((_, i) => i);
  order.sort((a, b) => entries[a]!._offset - entries[b]!._offset);
  let end = 0;
  for (const i of order) {
    const entry = entries[i]!;
    if (entry._offset < end) {
      const message =
        `${describeEntry(entry)} at byte ${entry._offset} starts inside the message ` +
        `that ends at byte ${end}`;
      faults.push({ kind: "overlap", entry: i, message });
    }
    end = Math.max(end, entry._offset + entry._length);
  }
  return faults;
}

function findOutOfOrder(entries: readonly IndexEntry[]): IndexFault[] {
  const faults: IndexFault[] = [];
  for (let i = 1; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry._offset >= entries[i - 1]!._offset) continue;
    const message = `${describeEntry(entry)} at byte ${entry._offset} is listed after a message ` +
      `that lies behind it`;
    faults.push({ kind: "out-of-order", entry: i, message });
  }
  return faults;
}

function findPastEnd(entries: readonly IndexEntry[], fileLength: number): IndexFault[] {
  const faults: IndexFault[] = [];
  entries.forEach((entry, i) => {
    const end = entry._offset + entry._length;
    if (end <= fileLength) return;
    const message = `${describeEntry(entry)} ends at byte ${end}, the file at ${fileLength}`;
    faults.push({ kind: "past-end", entry: i, message });
  });
  return faults;
}

/** The field of an entry as people read it: `pf 7 u pl 700 step 36`. */
export function describeEntry(entry: IndexEntry): string {
  const number = entry.number === undefined ? "" : ` ${entry.number}`;
  const level = entry.levelist === undefined ? "" : ` ${entry.levelist}`;
  return `${entry.type}${number} ${entry.param} ${entry.levtype}${level} step ${entry.step}`;
}
