/**
 * Bytes of a NetCDF classic file (CDF-1 or CDF-2) → dimensions, attributes and variables. The header
 * is read and checked at once, the values of a variable when they are asked for.
 *
 * Source: NetCDF Users Guide, appendix "File Format Specifications", the classic format. As the netCDF
 * library does, lengths come from the dimensions: `vsize` is redundant, and wrong in some files.
 *
 * @module
 */
import { UserError } from "../errors.ts";
import {
  decodeNumbers,
  findType,
  makeNumbers,
  type NetcdfNumbers,
  padLength,
} from "./netcdf_values.ts";

/** Text, or numbers of the attribute's own type. */
export type DecodedAttribute = string | NetcdfNumbers;

/** A variable, its values still in the file. */
export interface DecodedVariable {
  name: string;
  /** Names of its dimensions, slowest first; none for a scalar. */
  dimensions: readonly string[];
  /** Their lengths. */
  lengths: readonly number[];
  attributes: ReadonlyMap<string, DecodedAttribute>;
  /**
   * All values, row-major, in a new array of the variable's type.
   *
   * @throws {NetcdfError} when the file ends before, or the variable holds text.
   */
  read(): NetcdfNumbers;
}

/** A whole file. */
export interface DecodedNetcdf {
  /** Global attributes. */
  attributes: ReadonlyMap<string, DecodedAttribute>;
  /** In the order of the file. */
  variables: readonly DecodedVariable[];
}

/** Bytes that are not a NetCDF classic file, or break its rules. */
export class NetcdfError extends UserError {
  override readonly name = "NetcdfError";

  /** @param state what is wrong, and what to do. */
  constructor(readonly state: string) {
    super("damaged", `Cannot read a NetCDF file: ${state}`);
  }
}

const NC_CHAR = 2;
const NC_DIMENSION = 10;
const NC_VARIABLE = 11;
const NC_ATTRIBUTE = 12;
/** `numrecs` of a file whose writer did not know it. */
const STREAMING = 2 ** 32 - 1;

/** A place in the header. */
interface Cursor {
  readonly view: DataView<ArrayBuffer>;
  readonly offsetBytes: 4 | 8;
  offset: number;
}

interface Dimension {
  name: string;
  /** 0 for the record dimension. */
  length: number;
}

/** A variable as the header describes it. */
interface Entry {
  name: string;
  dimensions: readonly Dimension[];
  attributes: ReadonlyMap<string, DecodedAttribute>;
  type: number;
  begin: number;
}

/**
 * Reads the header of a NetCDF classic file.
 *
 * @throws {NetcdfError} when it is another format, is cut short, or contradicts itself: a dimension id
 *   that does not exist, a name that occurs twice, values that overlap.
 */
export function decodeNetcdf(bytes: Uint8Array<ArrayBufferLike>): DecodedNetcdf {
  const [c, d, f, version] = bytes;
  if (c !== 0x43 || d !== 0x44 || f !== 0x46) throw new NetcdfError("it is no NetCDF file");
  if (version === 5) {
    throw new NetcdfError(
      "it is NetCDF CDF-5, make it classic: nccopy -k 64-bit-offset <file> <new file>",
    );
  }
  if (version !== 1 && version !== 2) {
    throw new NetcdfError(
      `it is no NetCDF classic file: its version is ${version}, expected 1 or 2`,
    );
  }
  const view = new DataView(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
  const cursor: Cursor = { view, offset: 4, offsetBytes: version === 1 ? 4 : 8 };
  const records = readUint32(cursor);
  const dimensions = readList(cursor, NC_DIMENSION, "dimensions", readDimension);
  checkNames("dimension", dimensions);
  if (dimensions.filter(({ length }) => length === 0).length > 1) {
    throw new NetcdfError("it has two record dimensions, and the format allows one");
  }
  const attributes = readAttributes(cursor, "the file");
  const read = (cursor: Cursor) => readEntry(cursor, dimensions);
  const entries = readList(cursor, NC_VARIABLE, "variables", read);
  checkNames("variable", entries);
  const layout = planRecords(view.byteLength, entries, records);
  checkOverlap(entries, cursor.offset, layout);
  return { attributes, variables: entries.map((entry) => openVariable(view, entry, layout)) };
}

// ---- header ----

function readUint32(cursor: Cursor): number {
  const { view, offset } = cursor;
  checkRoom(view, offset, 4, "its header");
  cursor.offset += 4;
  return view.getUint32(offset);
}

function checkRoom(view: DataView, offset: number, bytes: number, what: string): void {
  if (offset + bytes <= view.byteLength) return;
  throw new NetcdfError(`${what} is cut short, fetch or write the file again`);
}

/** UTF-8, else Latin-1 as old programs wrote it; zeros at the end are padding of C. */
function readText(cursor: Cursor): string {
  const length = readUint32(cursor);
  const { view, offset } = cursor;
  checkRoom(view, offset, length, "its header");
  cursor.offset += padLength(length);
  const text = new Uint8Array(view.buffer, view.byteOffset + offset, length);
  let decoded: string;
  try {
    decoded = new TextDecoder("utf-8", { fatal: true }).decode(text);
  } catch {
    decoded = new TextDecoder("latin1").decode(text);
  }
  return decoded.replace(/\0+$/, "");
}

/** Every item takes some bytes, so that a wrong count ends at the end of the file. */
function readList<Item>(
  cursor: Cursor,
  tag: number,
  what: string,
  read: (cursor: Cursor) => Item,
): Item[] {
  const found = readUint32(cursor);
  const count = readUint32(cursor);
  if (found !== tag && (found !== 0 || count !== 0)) {
    throw new NetcdfError(`its list of ${what} begins with ${found}, expected ${tag}`);
  }
  const items: Item[] = [];
  for (let i = 0; i < count; i++) items.push(read(cursor));
  return items;
}

function readDimension(cursor: Cursor): Dimension {
  return { name: readText(cursor), length: readUint32(cursor) };
}

function readAttributes(cursor: Cursor, owner: string): Map<string, DecodedAttribute> {
  const read = (cursor: Cursor) => readAttribute(cursor, owner);
  return new Map(readList(cursor, NC_ATTRIBUTE, `attributes of ${owner}`, read));
}

function readAttribute(cursor: Cursor, owner: string): [name: string, value: DecodedAttribute] {
  const name = readText(cursor);
  const type = readUint32(cursor);
  if (type === NC_CHAR) return [name, readText(cursor)];
  const bytes = findType(type)?.bytes;
  if (bytes === undefined) {
    throw new NetcdfError(`its attribute ${name} of ${owner} has type ${type}, expected 1 to 6`);
  }
  const length = readUint32(cursor);
  const { view, offset } = cursor;
  checkRoom(view, offset, length * bytes, "its header");
  cursor.offset += padLength(length * bytes);
  return [name, decodeNumbers(view, offset, makeNumbers(type, length))];
}

function readEntry(cursor: Cursor, dimensions: readonly Dimension[]): Entry {
  const name = readText(cursor);
  const rank = readUint32(cursor);
  const own: Dimension[] = [];
  for (let i = 0; i < rank; i++) {
    const id = readUint32(cursor);
    const dimension = dimensions[id];
    if (!dimension) {
      throw new NetcdfError(
        `its variable ${name} has dimension ${id}, expected 0 to ${dimensions.length - 1}, ` +
          "fetch or write the file again",
      );
    }
    if (dimension.length === 0 && i > 0) {
      throw new NetcdfError(
        `its variable ${name} has the record dimension ${dimension.name} at position ${i}, ` +
          "expected at 0",
      );
    }
    own.push(dimension);
  }
  const attributes = readAttributes(cursor, `variable ${name}`);
  const type = readUint32(cursor);
  if (!findType(type)) {
    throw new NetcdfError(`its variable ${name} has type ${type}, expected 1 to 6`);
  }
  readUint32(cursor); // vsize
  const high = cursor.offsetBytes === 8 ? readUint32(cursor) : 0;
  return { name, dimensions: own, attributes, type, begin: high * 2 ** 32 + readUint32(cursor) };
}

function checkNames(kind: string, items: readonly { name: string }[]): void {
  const names = new Set<string>();
  for (const { name } of items) {
    if (names.has(name)) throw new NetcdfError(`its ${kind} ${name} occurs twice`);
    names.add(name);
  }
}

// ---- values ----

/** How records follow each other. */
interface RecordLayout {
  count: number;
  /** From the start of a record to the start of the next one. */
  stride: number;
}

function isRecord({ dimensions }: Entry): boolean {
  return dimensions[0]?.length === 0;
}

/** Values of one record, or of the whole variable where it has no records. */
function countValues({ dimensions }: Entry): number {
  return dimensions.reduce((product, { length }) => product * (length || 1), 1);
}

/** Bytes of the same, without padding. */
function countBytes(entry: Entry): number {
  return countValues(entry) * findType(entry.type)!.bytes;
}

function planRecords(fileBytes: number, entries: readonly Entry[], given: number): RecordLayout {
  const sizes = entries.filter(isRecord).map(countBytes);
  // A trap of the format: the records of a single record variable are not padded.
  const stride = sizes.length === 1
    ? sizes[0]!
    : sizes.reduce((sum, bytes) => sum + padLength(bytes), 0);
  if (given !== STREAMING || stride === 0) return { count: given, stride };
  const begin = entries.filter(isRecord)
    .reduce((least, entry) => Math.min(least, entry.begin), Infinity);
  return { count: Math.max(0, Math.floor((fileBytes - begin) / stride)), stride };
}

/** Values that lie in the header, or in those of another variable, come from a damaged offset. */
function checkOverlap(
  entries: readonly Entry[],
  headerBytes: number,
  { count, stride }: RecordLayout,
): void {
  let end = headerBytes;
  let before = "the header";
  const spans = entries.filter((entry) => count > 0 || !isRecord(entry))
    .toSorted((a, b) => a.begin - b.begin);
  let firstRecord: Entry | undefined;
  for (const entry of spans) {
    if (entry.begin < end) {
      throw new NetcdfError(
        `the values of its variable ${entry.name} begin within those of ${before}, ` +
          "fetch or write the file again",
      );
    }
    if (isRecord(entry)) firstRecord ??= entry;
    end = entry.begin + countBytes(entry);
    before = entry.name;
  }
  if (firstRecord && end > firstRecord.begin + stride) {
    throw new NetcdfError(
      `the values of its variable ${before} lie among the records, fetch or write the file again`,
    );
  }
}

function openVariable(
  view: DataView<ArrayBuffer>,
  entry: Entry,
  { count, stride }: RecordLayout,
): DecodedVariable {
  const { name, dimensions, attributes, type, begin } = entry;
  return {
    name,
    dimensions: dimensions.map(({ name }) => name),
    lengths: dimensions.map(({ length }) => length || count),
    attributes,
    read() {
      if (type === NC_CHAR) throw new NetcdfError(`its variable ${name} holds text, not numbers`);
      const records = isRecord(entry) ? count : 1;
      const bytes = countBytes(entry);
      if (records === 0) return makeNumbers(type, 0);
      checkRoom(view, begin + (records - 1) * stride, bytes, `its variable ${name}`);
      const length = countValues(entry);
      const values = makeNumbers(type, records * length);
      for (let i = 0; i < records; i++) {
        decodeNumbers(view, begin + i * stride, values.subarray(i * length, (i + 1) * length));
      }
      return values;
    },
  };
}
