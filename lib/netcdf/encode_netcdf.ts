/**
 * A dataset → the bytes of a NetCDF classic file in the 64-bit-offset variant (CDF-2): fixed
 * dimensions, numeric variables, attributes. Conventions (CF) are the caller's.
 *
 * Source: NetCDF Users Guide, appendix "File Format Specifications", the classic format. Functions
 * named `encode…` follow its grammar, rule by rule. All numbers in the file are big-endian.
 *
 * @module
 */

import { UserError } from "../errors.ts";
import {
  concatenate,
  encodeNumbers,
  encodeText,
  encodeUint32,
  type NetcdfNumbers,
  padLength,
  turnBytes,
  TYPES,
} from "./netcdf_values.ts";

export type { NetcdfNumbers };

/**
 * Text becomes NC_CHAR in UTF-8, a plain number NC_DOUBLE of length 1, a typed array its own type.
 * `_FillValue` must have its variable's type, hence `Float32Array.of(NaN)` for a float32 variable.
 */
export type NetcdfAttribute = string | number | NetcdfNumbers;

/** A variable with all its values. */
export interface NetcdfVariable {
  name: string;
  /** Names of its dimensions, slowest first; none for a scalar. */
  dimensions: string[];
  attributes: Record<string, NetcdfAttribute>;
  /** Row-major, last dimension fastest; the array's type is the variable's type. */
  data: NetcdfNumbers;
}

/** A variable too large to be held: its values are read when they are written. */
export interface StreamedVariable extends Omit<NetcdfVariable, "data"> {
  /**
   * Its values in float32, in order, as many as its dimensions say; each piece is read when it is due.
   * Pieces are the reader's: it may change them.
   */
  pieces(): AsyncIterable<Float32Array>;
}

/** A variable of a file, held or read when it is written. */
export type FileVariable = NetcdfVariable | StreamedVariable;

/** Whether a variable is held. */
export function isHeld(variable: FileVariable): variable is NetcdfVariable {
  return !("pieces" in variable);
}

/** A whole file. Dimensions, attributes and variables are written in the order given. */
export interface NetcdfDataset<Variable extends FileVariable = NetcdfVariable> {
  /** Name to length, at least 1: the format reserves length 0 for its record dimension. */
  dimensions: Record<string, number>;
  /** Global attributes. */
  attributes: Record<string, NetcdfAttribute>;
  variables: Variable[];
  /** Written after the others, such as members. @default {[]} */
  streamed?: StreamedVariable[];
}

/** A file some of whose variables are read when they are written. */
export type FileDataset = NetcdfDataset<FileVariable>;

/** A variable in the header: what is known of it without its values. */
interface HeaderEntry extends Omit<NetcdfVariable, "data"> {
  type: NetcdfNumbers[typeof Symbol.toStringTag];
  bytes: number;
}

const NC_CHAR = 2;
const NC_DIMENSION = 10;
const NC_VARIABLE = 11;
const NC_ATTRIBUTE = 12;

/** Largest dimension length: NON_NEG is a signed 32-bit integer. */
const MAX_INT32 = 2 ** 31 - 1;
/** Largest variable that another variable may follow. */
const MAX_INNER_VARIABLE_BYTES = 2 ** 32 - 4;
/** Largest name that the netCDF library reads (NC_MAX_NAME). */
const MAX_NAME_LENGTH = 256;
/** Elements converted at a time; a multiple of 4, so that only a variable's last piece is padded. */
const PIECE_LENGTH = 2 ** 17;

/**
 * Encodes a dataset as the bytes of a CDF-2 file, in pieces to be written one after the other: the
 * header, then each variable's data. The dataset is checked before this returns; data are converted
 * when a piece is read, at most 1 MiB at a time, so that a large output is not in memory twice.
 * Equal values give equal bytes: every NaN is written as the same quiet NaN.
 *
 * Names are ASCII letters, digits and `_ . @ + -` beginning with a letter or `_`: every reader
 * accepts them without escapes, and JavaScript preserves the order of such keys (not of those that
 * look like numbers).
 *
 * @example
 * ```ts
 * import { encodeNetcdf } from "./encode_netcdf.ts";
 *
 * const pieces = encodeNetcdf({
 *   dimensions: { latitude: 2 },
 *   attributes: { Conventions: "CF-1.8" },
 *   variables: [{
 *     name: "latitude",
 *     dimensions: ["latitude"],
 *     attributes: { units: "degrees_north" },
 *     data: Float32Array.of(25, 24.75),
 *   }],
 * });
 * const file = new Blob([...pieces]); // or: await Deno.writeFile(path, ReadableStream.from(pieces))
 * console.log(file.size);
 * ```
 *
 * @throws {UserError} (`failed`) naming the dimension, attribute or variable: for a name that is not
 *   valid or used twice, a dimension that is not declared or not a length, data that do not fill
 *   their dimensions, a `_FillValue` of another type, and a variable too large for the format or
 *   one that is streamed, as {@linkcode streamNetcdf} writes it.
 */
export function encodeNetcdf(dataset: NetcdfDataset): Generator<Uint8Array<ArrayBuffer>, void> {
  checkDataset(dataset);
  const [streamed] = dataset.streamed ?? [];
  if (streamed) throw refusal(`variable "${streamed.name}"`, "it is streamed; use streamNetcdf()");
  return generatePieces(encodeWholeHeader(dataset), dataset.variables);
}

/** All variables in the order of the file. */
export function listVariables({ variables, streamed = [] }: FileDataset): FileVariable[] {
  return [...variables, ...streamed];
}

function encodeWholeHeader(dataset: FileDataset): Uint8Array<ArrayBuffer> {
  const entries = listEntries(dataset);
  const placeholders = entries.map(() => 0); // offsets have a fixed width
  const headerBytes = encodeHeader(dataset, placeholders).byteLength;
  return encodeHeader(dataset, planOffsets(headerBytes, entries));
}

/**
 * Encodes a dataset with variables that are read when they are written, likewise. Without any the bytes
 * are those of {@linkcode encodeNetcdf}.
 *
 * @throws {UserError} (`failed`) as that does, and when a variable's pieces are not as long as it is.
 */
export async function* streamNetcdf(
  dataset: FileDataset,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  checkDataset(dataset);
  yield encodeWholeHeader(dataset);
  for (const variable of listVariables(dataset)) {
    if (isHeld(variable)) yield* encodeVariableData(variable);
    else yield* readPieces(variable, dataset);
  }
}

/**
 * A variable with all its values in memory.
 *
 * @throws {UserError} (`failed`) when its pieces are not as long as it is.
 */
export async function holdVariable(
  variable: FileVariable,
  dataset: Pick<FileDataset, "dimensions">,
): Promise<NetcdfVariable> {
  if (isHeld(variable)) return variable;
  const { name, dimensions, attributes, pieces } = variable;
  const data = new Float32Array(countValues(dimensions, dataset));
  let found = 0;
  for await (const values of pieces()) {
    if (found + values.length <= data.length) data.set(values, found);
    found += values.length;
  }
  if (found === data.length) return { name, dimensions, attributes, data };
  throw refusal(`variable "${name}"`, `it has ${found} values, expected ${data.length}`);
}

async function* readPieces(
  { name, dimensions, pieces }: StreamedVariable,
  dataset: FileDataset,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const expected = countValues(dimensions, dataset);
  let found = 0;
  for await (const values of pieces()) {
    found += values.length;
    yield turnBytes(values);
  }
  if (found === expected) return;
  throw refusal(`variable "${name}"`, `it has ${found} values, expected ${expected}`);
}

/** The variables in the order of the file, with their type and size. */
function listEntries(dataset: FileDataset): HeaderEntry[] {
  return listVariables(dataset).map((variable) => {
    const { name, dimensions, attributes } = variable;
    if (isHeld(variable)) {
      const { byteLength: bytes, [Symbol.toStringTag]: type } = variable.data;
      return { name, dimensions, attributes, type, bytes };
    }
    const bytes = Float32Array.BYTES_PER_ELEMENT * countValues(dimensions, dataset);
    return { name, dimensions, attributes, type: "Float32Array" as const, bytes };
  });
}

function countValues(dimensions: readonly string[], dataset: Pick<FileDataset, "dimensions">) {
  return dimensions.reduce((product, name) => product * dataset.dimensions[name]!, 1);
}

/**
 * The offset of each variable from the start of the file (`begin` in the grammar): one after the
 * other after the header, each at a multiple of 4 bytes. `vsize` of CDF-2 has 32 bits, which limits
 * every variable but the last.
 */
function planOffsets(
  headerBytes: number,
  variables: readonly { name: string; bytes: number }[],
): number[] {
  let end = headerBytes;
  return variables.map(({ name, bytes }, i) => {
    if (bytes > MAX_INNER_VARIABLE_BYTES && i < variables.length - 1) {
      throw refusal(
        `variable "${name}"`,
        `it has ${bytes} bytes, and only the last variable may exceed ` +
          `${MAX_INNER_VARIABLE_BYTES}; move it to the end or split it`,
      );
    }
    const begin = end;
    end += padLength(bytes);
    return begin;
  });
}

function* generatePieces(header: Uint8Array<ArrayBuffer>, variables: readonly NetcdfVariable[]) {
  yield header;
  for (const variable of variables) yield* encodeVariableData(variable);
}

function* encodeVariableData(variable: NetcdfVariable): Generator<Uint8Array<ArrayBuffer>, void> {
  const { data } = variable;
  for (let start = 0; start < data.length; start += PIECE_LENGTH) {
    yield encodeNumbers(data.subarray(start, start + PIECE_LENGTH), findFillValue(variable));
  }
}

/** The value that pads a variable's data: its own `_FillValue`, else the default of its type. */
function findFillValue({ attributes, data }: NetcdfVariable): number {
  const fill = attributes._FillValue;
  if (typeof fill === "object") return fill[0]!;
  return TYPES[data[Symbol.toStringTag]].fill;
}

// ---- checks ----

/** @throws {UserError} as `encodeNetcdf` does, but for what only the classic format cannot hold. */
export function checkDataset(dataset: FileDataset): void {
  const { dimensions, attributes } = dataset;
  const variables = listVariables(dataset);
  for (const [name, length] of Object.entries(dimensions)) {
    checkName("dimension", name);
    if (!Number.isInteger(length) || length < 1 || length > MAX_INT32) {
      throw refusal(
        `dimension "${name}"`,
        `its length is ${length}, expected an integer from 1 to ${MAX_INT32}`,
      );
    }
  }
  Object.keys(attributes).forEach((name) => checkName("global attribute", name));
  const names = variables.map(({ name }) => name);
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) {
    throw refusal(`variable "${repeated}"`, "it occurs twice; rename one");
  }
  const lengths = new Map(Object.entries(dimensions));
  for (const variable of variables) {
    if (isHeld(variable)) checkVariable(variable, lengths);
    else checkNames(variable, lengths);
  }
}

function checkVariable(variable: NetcdfVariable, lengths: ReadonlyMap<string, number>): void {
  const { name, dimensions, data } = variable;
  const expected = checkNames(variable, lengths);
  if (data.length !== expected) {
    throw refusal(
      `variable "${name}"`,
      `it has ${data.length} values, expected ${expected} for its dimensions ` +
        `(${dimensions.join(", ")})`,
    );
  }
  checkFillValue(variable);
}

/** @returns how many values the dimensions of a variable have. */
function checkNames(
  { name, dimensions, attributes }: Omit<NetcdfVariable, "data">,
  lengths: ReadonlyMap<string, number>,
): number {
  checkName("variable", name);
  Object.keys(attributes).forEach((key) => checkName(`attribute of variable "${name}"`, key));
  let expected = 1;
  for (const dimension of dimensions) {
    const length = lengths.get(dimension);
    if (length === undefined) {
      throw refusal(
        `variable "${name}"`,
        `its dimension "${dimension}" is not declared; add it to the dataset`,
      );
    }
    expected *= length;
  }
  return expected;
}

function checkFillValue({ name, attributes, data }: NetcdfVariable): void {
  const fill = attributes._FillValue;
  if (fill === undefined) return;
  const type = data[Symbol.toStringTag];
  const given = typeof fill === "object" ? fill[Symbol.toStringTag] : typeof fill;
  if (typeof fill === "number" && type === "Float64Array") return;
  if (typeof fill === "object" && given === type && fill.length === 1) return;
  throw refusal(
    `_FillValue of variable "${name}"`,
    `it is a ${given}, expected a ${type} of length 1`,
  );
}

function checkName(kind: string, name: string): void {
  if (name.length <= MAX_NAME_LENGTH && /^[A-Za-z_][A-Za-z0-9_.@+-]*$/.test(name)) return;
  throw refusal(
    `${kind} "${name}"`,
    `its name is not valid; use at most ${MAX_NAME_LENGTH} of A-Z a-z 0-9 _ . @ + - with a letter ` +
      `or _ first`,
  );
}

/** The error for a dataset that cannot be written. */
export function refusal(what: string, state: string): UserError {
  return new UserError("failed", `Cannot write ${what}: ${state}`);
}

// ---- header ----

function encodeHeader(dataset: FileDataset, begins: number[]): Uint8Array<ArrayBuffer> {
  const dimensions = Object.entries(dataset.dimensions);
  const dimensionIds = new Map(dimensions.map(([name], id) => [name, id]));
  return concatenate([
    Uint8Array.of(0x43, 0x44, 0x46, 2), // "CDF", version 2: 64-bit offsets
    encodeUint32(0), // numrecs: there is no record dimension
    encodeList(
      NC_DIMENSION,
      dimensions.map(([name, length]) => concatenate([encodeText(name), encodeUint32(length)])),
    ),
    encodeAttributes(dataset.attributes),
    encodeList(
      NC_VARIABLE,
      listEntries(dataset).map((entry, i) => encodeVariable(entry, dimensionIds, begins[i]!)),
    ),
  ]);
}

/** dim_list, att_list or var_list: tag and count, or two zeros for an empty list. */
function encodeList(tag: number, items: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return concatenate([encodeUint32(items.length === 0 ? 0 : tag, items.length), ...items]);
}

function encodeAttributes(attributes: Record<string, NetcdfAttribute>): Uint8Array {
  const items = Object.entries(attributes).map(([name, value]) =>
    concatenate([encodeText(name), encodeAttributeValue(value)])
  );
  return encodeList(NC_ATTRIBUTE, items);
}

function encodeAttributeValue(value: NetcdfAttribute): Uint8Array {
  if (typeof value === "string") return concatenate([encodeUint32(NC_CHAR), encodeText(value)]);
  const numbers = typeof value === "number" ? Float64Array.of(value) : value;
  const { code } = TYPES[numbers[Symbol.toStringTag]];
  return concatenate([encodeUint32(code, numbers.length), encodeNumbers(numbers, 0)]);
}

function encodeVariable(
  { name, dimensions, attributes, type, bytes }: HeaderEntry,
  dimensionIds: ReadonlyMap<string, number>,
  begin: number,
): Uint8Array {
  // vsize saturates: a last variable of 4 GiB or more is sized from its dimensions.
  const vsize = Math.min(padLength(bytes), 2 ** 32 - 1);
  return concatenate([
    encodeText(name),
    encodeUint32(dimensions.length, ...dimensions.map((dimension) => dimensionIds.get(dimension)!)),
    encodeAttributes(attributes),
    encodeUint32(TYPES[type].code, vsize),
    encodeUint32(Math.floor(begin / 2 ** 32), begin % 2 ** 32),
  ]);
}
