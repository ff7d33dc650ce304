/**
 * Text of the `.index` file beside each GRIB2 file → its entries, and what is wrong with them. The
 * file has one JSON object a line and one line a message.
 *
 * @module
 */
import { UserError } from "../errors.ts";
import { quoteValue } from "../util/text.ts";

/** One message as its index line describes it, in MARS terms; texts are in their usual form. */
export interface IndexEntry {
  /** `YYYYMMDD` */
  readonly date: string;
  /** `HHMM` */
  readonly time: string;
  readonly type: string;
  readonly stream: string;
  /** MARS class: `od` for operational data, `ai` for data-driven forecasts. */
  readonly class?: string;
  /** MARS model, which lines of the class `ai` name. */
  readonly model?: string;
  /** Version of the experiment, `0001` for the operational one. */
  readonly expver?: string;
  /** End of the forecast step in hours, without leading zeros. */
  readonly step: string;
  readonly levtype: string;
  /** Pressure level in hPa or soil layer, without leading zeros; absent at the surface. */
  readonly levelist?: string;
  /** Perturbed member, without leading zeros; absent for the control. */
  readonly number?: string;
  readonly param: string;
  /** First byte of the message in the GRIB2 file. */
  readonly _offset: number;
  /** Length of the message in bytes. */
  readonly _length: number;
}

/** A line that cannot be read, and why. */
export interface LineFault {
  /** From 1. */
  line: number;
  /** In words, without the file's name: `"step" is true, expected a step in hours`. */
  state: string;
}

/** An index of which no line can be read. */
export class IndexError extends UserError {
  override readonly name = "IndexError";
  /** Name of the index. */
  readonly source: string;
  /** Line of the first fault, from 1. */
  readonly line: number;

  constructor(source: string, { line, state }: LineFault) {
    super("damaged", `Cannot read line ${line} of ${source}: ${state}; download the index again`);
    this.source = source;
    this.line = line;
  }
}

/** The content of an index. */
export interface ParsedIndex {
  /** One a message, in file order. */
  entries: IndexEntry[];
  /** Lines that cannot be read. */
  faults: LineFault[];
}

/** A text with more lines that cannot be read is no index; it is not read further. */
const MAX_FAULTS = 10_000;

/**
 * Parses an index. Blank lines and a comma at the end of a line are tolerated, and so are numbers
 * where text is usual, leading zeros, and a step that is a range of hours.
 *
 * @param text the whole file.
 */
export function parseIndex(text: string): ParsedIndex {
  const index: ParsedIndex = { entries: [], faults: [] };
  const reader = new LineReader();
  let line = 0;
  for (let start = 0; start < text.length && index.faults.length < MAX_FAULTS;) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const content = text.slice(start, end).trim();
    line++;
    if (content !== "" && content !== ",") {
      const entry = reader.read(content);
      if (typeof entry === "string") index.faults.push({ line, state: entry });
      else index.entries.push(entry);
    }
    start = end + 1;
  }
  return index;
}

/** A field of a line. */
interface Rule {
  name: Exclude<keyof IndexEntry, "_offset" | "_length">;
  expected: string;
  /** The usual form of a text; `undefined` for what is not such a field. */
  normalize(text: string): string | undefined;
  isOptional?: boolean;
}

const WORD = { expected: "a word", normalize: matching(/^[\w-]+$/) } as const;
const NUMBER = { normalize: normalizeNumber, isOptional: true } as const;

const RULES: readonly Rule[] = [
  { name: "date", expected: "a date as YYYYMMDD", normalize: matching(/^\d{8}$/) },
  { name: "time", expected: "a time as HHMM", normalize: normalizeTime },
  { name: "type", ...WORD },
  { name: "stream", ...WORD },
  { name: "class", ...WORD, isOptional: true },
  { name: "model", ...WORD, isOptional: true },
  {
    name: "expver",
    expected: "four letters or digits",
    normalize: (text) => /^\w{1,4}$/.test(text) ? text.padStart(4, "0") : undefined,
    isOptional: true,
  },
  { name: "step", expected: "a step in hours", normalize: normalizeStep },
  { name: "levtype", ...WORD },
  // It becomes a part of keys and paths.
  { name: "param", expected: "a short name", normalize: matching(/^(?!\.+$)[^\s/]+$/) },
  { name: "levelist", expected: "a level or nothing", ...NUMBER },
  { name: "number", expected: "a member or nothing", ...NUMBER },
];

function matching(pattern: RegExp): (text: string) => string | undefined {
  return (text) => pattern.test(text) ? text : undefined;
}

function normalizeNumber(text: string): string | undefined {
  return /^\d{1,7}$/.test(text) ? `${Number(text)}` : undefined;
}

/** `36` and `0-36` are the fields that end at 36 hours. */
function normalizeStep(text: string): string | undefined {
  const [, begin, end] = /^(?:(\d{1,7})-)?(\d{1,7})$/.exec(text) ?? [];
  if (end === undefined || Number(begin ?? 0) > Number(end)) return undefined;
  return `${Number(end)}`;
}

/** `0000`, `00` and 0 are midnight, 600 is 06 UTC. */
function normalizeTime(text: string): string | undefined {
  if (!/^\d{1,4}$/.test(text)) return undefined;
  return text.length <= 2 ? `${text.padStart(2, "0")}00` : text.padStart(4, "0");
}

/** Reads the lines of one index: values repeat from line to line, and are looked at once. */
class LineReader {
  readonly #known = RULES.map(() => new Map<unknown, string | undefined>());

  /** The entry of a line, or what is wrong with it in words. */
  read(content: string): IndexEntry | string {
    let entry: unknown;
    try {
      entry = JSON.parse(content.endsWith(",") ? content.slice(0, -1) : content);
    } catch {
      return "it is not JSON";
    }
    if (typeof entry !== "object" || entry === null) {
      return `it is ${quoteValue(entry)}, expected an object`;
    }
    return this.#normalize(entry as Record<string, unknown>) ?? entry as IndexEntry;
  }

  /** Gives the fields their usual form, and says which one has none. */
  #normalize(entry: Record<string, unknown>): string | undefined {
    for (const [i, rule] of RULES.entries()) {
      const { name, isOptional } = rule;
      const value = entry[name];
      if (isOptional && value === undefined) continue;
      const known = this.#known[i]!;
      let text = known.get(value);
      if (text === undefined) known.set(value, text = normalizeValue(rule, value));
      if (text === undefined) return describeFault(name, value, rule.expected);
      if (text !== value) entry[name] = text;
    }
    const { _offset: offset, _length: length } = entry;
    if (!isCount(offset)) return describeFault("_offset", offset, "a byte offset");
    if (!isCount(length) || length === 0 || !isCount(offset + length)) {
      return describeFault("_length", length, "a byte length of 1 or more");
    }
    return undefined;
  }
}

function normalizeValue({ normalize }: Rule, value: unknown): string | undefined {
  if (typeof value === "string") return normalize(value);
  return isCount(value) ? normalize(`${value}`) : undefined;
}

function describeFault(field: string, value: unknown, expected: string): string {
  const found = value === undefined ? "missing" : quoteValue(value);
  return `"${field}" is ${found}, expected ${expected}`;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What is wrong with an entry, beyond its own fields. */
export interface IndexFault {
  /** A `repeat` lists the same message once more, and does no harm; a `duplicate` another one. */
  kind: "repeat" | "duplicate" | "overlap" | "out-of-order" | "past-end";
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
  const pastEnd = findPastEnd(entries, fileLength);
  const repeated = findDuplicates(entries, indexSet(pastEnd));
  const repeats = indexSet(repeated.filter(({ kind }) => kind === "repeat"));
  const order = entries.map((_, i) => i).filter((i) => !repeats.has(i));
  return [
    ...repeated,
    ...findOverlaps(entries, order),
    ...findOutOfOrder(entries, order),
    ...pastEnd,
  ];
}

function indexSet(faults: readonly IndexFault[]): ReadonlySet<number> {
  return new Set(faults.map(({ entry }) => entry));
}

/** The end of the last message, in bytes; 0 without messages. */
export function findEnd(entries: readonly IndexEntry[]): number {
  return entries.reduce((end, { _offset, _length }) => Math.max(end, _offset + _length), 0);
}

/**
 * How many bytes of a file belong to no entry. The index of a whole file lists all of them.
 *
 * @param fileLength in bytes.
 */
export function countUnlisted(entries: readonly IndexEntry[], fileLength: number): number {
  let unlisted = 0;
  let end = 0;
  for (const { _offset, _length } of entries.toSorted((a, b) => a._offset - b._offset)) {
    unlisted += Math.max(0, Math.min(_offset, fileLength) - end);
    end = Math.max(end, _offset + _length);
  }
  return unlisted + Math.max(0, fileLength - end);
}

/** What distinguishes the fields of a file, besides the member. */
const FIELD_NAMES = ["param", "levelist", "levtype", "type", "step"] as const;

/** Branches by each of {@linkcode FIELD_NAMES} in turn, then by member. */
type FieldTree = Map<string | undefined, FieldTree>;

/**
 * By a tree, as joining the texts of each field to one key takes twice as long.
 *
 * @param unusable entries in whose place a later one is used.
 */
function findDuplicates(
  entries: readonly IndexEntry[],
  unusable: ReadonlySet<number>,
): IndexFault[] {
  const faults: IndexFault[] = [];
  const tree: FieldTree = new Map();
  entries.forEach((entry, i) => {
    if (unusable.has(i)) return;
    let branch = tree;
    for (const name of FIELD_NAMES) branch = openBranch(branch, entry[name]);
    const members = branch as unknown as Map<string | undefined, IndexEntry>;
    const first = members.get(entry.number);
    if (!first) {
      members.set(entry.number, entry);
      return;
    }
    const isRepeat = first._offset === entry._offset && first._length === entry._length;
    const message = `${describeEntry(entry)} is listed more than once`;
    faults.push({ kind: isRepeat ? "repeat" : "duplicate", entry: i, message });
  });
  return faults;
}

function openBranch(tree: FieldTree, name: string | undefined): FieldTree {
  let branch = tree.get(name);
  if (!branch) tree.set(name, branch = new Map());
  return branch;
}

function findOverlaps(entries: readonly IndexEntry[], order: readonly number[]): IndexFault[] {
  const faults: IndexFault[] = [];
  let end = 0;
  for (const i of order.toSorted((a, b) => entries[a]!._offset - entries[b]!._offset)) {
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

function findOutOfOrder(entries: readonly IndexEntry[], order: readonly number[]): IndexFault[] {
  const faults: IndexFault[] = [];
  for (let n = 1; n < order.length; n++) {
    const entry = entries[order[n]!]!;
    const { _offset: before } = entries[order[n - 1]!]!;
    if (entry._offset >= before) continue;
    const message =
      `${describeEntry(entry)} at byte ${entry._offset} is listed after the message ` +
      `at byte ${before}`;
    faults.push({ kind: "out-of-order", entry: order[n]!, message });
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
