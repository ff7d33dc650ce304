/**
 * Text of the `.index` file beside each GRIB2 file → its entries, and what is wrong with them. The
 * file has one JSON object a line and one line a message.
 *
 * @module
 */
import { UserError } from "../errors.ts";

/** One message as its index line describes it, in MARS terms; text values are as in the file. */
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
  /** Name of the index, as given to `parseIndex()`. */
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
 * @throws {IndexError} naming file, line and field when a line is not JSON, or a field is missing or
 *   of another type.
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
    throw new IndexError(
      `Cannot use line ${line} of ${source}: ${fault}; download the index again`,
      source,
      line,
    );
  }
  return value as IndexEntry;
}

const TEXT_FIELDS = ["date", "time", "type", "stream", "step", "levtype", "param"] as const;
const OPTIONAL_TEXT_FIELDS = ["levelist", "number"] as const;

function findFieldFault(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) {
    return `it is ${quoteValue(value)}, expected an object`;
  }
  const entry = value as Record<string, unknown>;
  for (const field of TEXT_FIELDS) {
    if (typeof entry[field] !== "string") return describeFault(field, entry[field], "text");
  }
  for (const field of OPTIONAL_TEXT_FIELDS) {
    const optional = entry[field];
    if (optional !== undefined && typeof optional !== "string") {
      return describeFault(field, optional, "text or nothing");
    }
  }
  if (!isCount(entry._offset)) return describeFault("_offset", entry._offset, "a byte offset");
  if (!isCount(entry._length) || entry._length === 0) {
    return describeFault("_length", entry._length, "a byte length of 1 or more");
  }
  return undefined;
}

function describeFault(field: string, value: unknown, expected: string): string {
  const found = value === undefined ? "missing" : quoteValue(value);
  return `"${field}" is ${found}, expected ${expected}`;
}

/** A value as JSON, shortened: a damaged line can hold anything. */
function quoteValue(value: unknown): string {
  const json = JSON.stringify(value);
  return json.length > 40 ? `${json.slice(0, 40)}…` : json;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What is wrong with an entry, beyond its own fields. */
export interface IndexFault {
  kind: "duplicate" | "overlap" | "out-of-order" | "past-end";
  /** Index of the entry in the list that was checked. */
  entry: number;
  /** The fault in words, without the file's name. */
  message: string;
}

/**
 * Finds entries that repeat a field, share bytes with another message, are listed after a message
 * that follows them in the file, or reach past the end of the file.
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

/** What distinguishes the fields of a file, besides the member. */
const FIELD_NAMES = ["param", "levelist", "levtype", "type", "step"] as const;

/** Branches by each of {@linkcode FIELD_NAMES} in turn, then by member. */
type FieldTree = Map<string | undefined, FieldTree>;

/** By a tree, as joining the texts of each field to one key takes twice as long. */
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
    const message =
      `${describeEntry(entry)} at byte ${entry._offset} is listed after the message ` +
      `at byte ${entries[i - 1]!._offset}`;
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

/** The field of an entry for people: `pf 7 u pl 700 step 36`. */
function describeEntry(entry: IndexEntry): string {
  const number = entry.number === undefined ? "" : ` ${entry.number}`;
  const level = entry.levelist === undefined ? "" : ` ${entry.levelist}`;
  return `${entry.type}${number} ${entry.param} ${entry.levtype}${level} step ${entry.step}`;
}
