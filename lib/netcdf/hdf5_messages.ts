/**
 * The messages that describe an object of an HDF5 file: its type, shape, attributes, place and links.
 *
 * Source: HDF5 File Format Specification Version 3.0 (The HDF Group), sections IV.A.2 and IV.A.1.b.
 * Functions named `…Message` are its messages, with their numbers.
 *
 * @module
 */
import { littleEndian, NO_ADDRESS, utf8, withChecksum } from "./hdf5_encoding.ts";
import type { NetcdfNumbers } from "./netcdf_values.ts";

/** A message of an object header: its number and its bytes. */
export interface HeaderMessage {
  type: number;
  body: readonly number[];
  /** Its place among the attributes or links, as they were made. @default {0} */
  order?: number;
}

// ---- types ----

/** A signed integer of `size` bytes. */
function integerType(size: number): number[] {
  return [0x10, 0x08, 0, 0, ...littleEndian(size, 4), 0, 0, ...littleEndian(8 * size, 2)];
}

/** An IEEE float, by its bytes: where its sign, exponent and mantissa are. */
const FLOATS: Readonly<Record<number, readonly number[]>> = {
  4: [31, 23, 8, 23, 127],
  8: [63, 52, 11, 52, 1023],
};

/** An IEEE float of 4 or 8 bytes. */
function floatType(size: number, isBigEndian = false): number[] {
  const [sign, exponent, exponentBits, mantissaBits, bias] = FLOATS[size]! as number[];
  const position = [exponent!, exponentBits!, 0, mantissaBits!, ...littleEndian(bias!, 4)];
  return [
    ...[0x11, 0x20 | Number(isBigEndian), sign!, 0, ...littleEndian(size, 4)],
    ...[0, 0, ...littleEndian(8 * size, 2), ...position],
  ];
}

/** The type of what the netCDF library keeps for a dimension without a variable. */
export const BARE_DIMENSION_TYPE: readonly number[] = floatType(4, true);

/** The type of the values of an array. */
export function typeOf(values: NetcdfNumbers): number[] {
  const isFloat = values instanceof Float32Array || values instanceof Float64Array;
  return (isFloat ? floatType : integerType)(values.BYTES_PER_ELEMENT);
}

/** How text of a fixed length ends. */
type TextEnd = "zero" | "padding";

function textType(length: number, end: TextEnd): number[] {
  return [0x13, end === "zero" ? 0x00 : 0x11, 0, 0, ...littleEndian(length, 4)];
}

const REFERENCE_TYPE = [0x17, 0, 0, 0, ...littleEndian(8, 4)];

/** Sequences of references: one sequence a dimension. */
const REFERENCES_TYPE = [0x19, 0, 0, 0, ...littleEndian(16, 4), ...REFERENCE_TYPE];

/** A dataset and the number of one of its dimensions, as C lays them out. */
const USE_TYPE = [
  ...[0x36, 2, 0, 0, ...littleEndian(16, 4)],
  ...[...utf8("dataset\0"), 0, ...REFERENCE_TYPE],
  ...[...utf8("dimension\0"), 8, ...integerType(4)],
];

// ---- shapes ----

/** Shape of an array; none of a single value. */
function dataspace(lengths: readonly number[] = []): number[] {
  const kind = lengths.length === 0 ? 0 : 1;
  return [2, lengths.length, 0, kind, ...lengths.flatMap((length) => littleEndian(length, 8))];
}

/** No value at all. */
const NO_VALUES = [2, 0, 0, 2];

/** Shape of a dataset (0x01). */
export function dataspaceMessage(lengths: readonly number[]): HeaderMessage {
  return { type: 0x01, body: dataspace(lengths) };
}

/** Type of the values of a dataset (0x03). */
export function datatypeMessage(type: readonly number[]): HeaderMessage {
  return { type: 0x03, body: type };
}

/** What stands where nothing was written (0x05): values are allocated as late as possible. */
export function fillValueMessage(fill: NetcdfNumbers | undefined): HeaderMessage {
  const flags = 0x0a; // allocated late, written if set
  if (!fill) return { type: 0x05, body: [3, flags] };
  const bytes = valueBytes(fill);
  return { type: 0x05, body: [3, flags | 0x20, ...littleEndian(bytes.length, 4), ...bytes] };
}

/** Little-endian bytes of values; every NaN is the same quiet one. */
export function valueBytes(values: NetcdfNumbers): Uint8Array<ArrayBuffer> {
  const size = values.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(values.byteLength);
  const view = new DataView(bytes.buffer);
  const isFloat = values instanceof Float32Array || values instanceof Float64Array;
  for (let i = 0; i < values.length; i++) {
    const [at, value] = [i * size, values[i]!];
    if (!isFloat) {
      for (let byte = 0; byte < size; byte++) bytes[at + byte] = value >> (8 * byte);
    } else if (size === 4) {
      if (Number.isNaN(value)) view.setUint32(at, 0x7fc00000, true);
      else view.setFloat32(at, value, true);
    } else if (Number.isNaN(value)) view.setUint32(at + 4, 0x7ff80000, true);
    else view.setFloat64(at, value, true);
  }
  return bytes;
}

// ---- places ----

/** The filters of a dataset's chunks (0x0B): bytes of values shuffled, then deflated. */
export function filtersMessage(bytesPerValue: number, level: number): HeaderMessage {
  const filter = (id: number, value: number) => [
    ...littleEndian(id, 2),
    ...littleEndian(1, 2), // optional
    ...littleEndian(1, 2),
    ...littleEndian(value, 4),
  ];
  return { type: 0x0b, body: [2, 2, ...filter(2, bytesPerValue), ...filter(1, level)] };
}

/** Where the values of a dataset are (0x08), one after the other. */
export function contiguousMessage(address: readonly number[], bytes: number): HeaderMessage {
  return { type: 0x08, body: [3, 1, ...address, ...littleEndian(bytes, 8)] };
}

/** Where the tree of a dataset's chunks is (0x08). */
export function chunkedMessage(
  treeAddress: readonly number[],
  shape: readonly number[],
  bytesPerValue: number,
): HeaderMessage {
  const lengths = [...shape, bytesPerValue].flatMap((length) => littleEndian(length, 4));
  return { type: 0x08, body: [3, 2, shape.length + 1, ...treeAddress, ...lengths] };
}

// ---- attributes ----

function attributeMessage(
  name: string,
  type: readonly number[],
  space: readonly number[],
  data: Iterable<number>,
): HeaderMessage {
  const nameBytes = [...utf8(name), 0];
  const sizes = [nameBytes, type, space].flatMap(({ length }) => littleEndian(length, 2));
  return { type: 0x0c, body: [3, 0, ...sizes, 1, ...nameBytes, ...type, ...space, ...data] };
}

/** Text as NC_CHAR: of a fixed length, without a zero at its end unless that is asked for. */
export function textAttribute(name: string, text: string, end: TextEnd = "padding"): HeaderMessage {
  const bytes = utf8(end === "zero" ? `${text}\0` : text);
  const space = bytes.length === 0 ? NO_VALUES : dataspace();
  return attributeMessage(name, textType(Math.max(1, bytes.length), end), space, bytes);
}

/** Numbers along one dimension. */
export function numbersAttribute(name: string, values: NetcdfNumbers): HeaderMessage {
  return attributeMessage(name, typeOf(values), dataspace([values.length]), valueBytes(values));
}

/** A single integer. */
export function integerAttribute(name: string, value: number): HeaderMessage {
  return attributeMessage(name, integerType(4), dataspace(), littleEndian(value, 4));
}

/** The scale of each dimension, by the place of its reference in the heap. */
export function dimensionListAttribute(
  heapAddress: number,
  heapIndexes: readonly number[],
): HeaderMessage {
  const places = heapIndexes.flatMap((index) => [
    ...littleEndian(1, 4),
    ...littleEndian(heapAddress, 8),
    ...littleEndian(index, 4),
  ]);
  return attributeMessage(
    "DIMENSION_LIST",
    REFERENCES_TYPE,
    dataspace([heapIndexes.length]),
    places,
  );
}

/** The datasets that have a scale, each with the number of the dimension. */
export function referenceListAttribute(
  uses: readonly { address: number; dimension: number }[],
): HeaderMessage {
  const data = uses.flatMap(({ address, dimension }) => [
    ...littleEndian(address, 8),
    ...littleEndian(dimension, 8),
  ]);
  return attributeMessage("REFERENCE_LIST", USE_TYPE, dataspace([uses.length]), data);
}

/** How attributes are kept (0x15): in the header, in the order in which they were made. */
export function attributeInfoMessage(count: number): HeaderMessage {
  return {
    type: 0x15,
    body: [0, 3, ...littleEndian(count, 2), ...NO_ADDRESS, ...NO_ADDRESS, ...NO_ADDRESS],
  };
}

// ---- groups ----

/** How links are kept (0x02): in the header, in the order in which they were made. */
export function linkInfoMessage(count: number): HeaderMessage {
  return {
    type: 0x02,
    body: [0, 3, ...littleEndian(count, 8), ...NO_ADDRESS, ...NO_ADDRESS, ...NO_ADDRESS],
  };
}

/** That a group has nothing to be said of it (0x0A). */
export const GROUP_INFO_MESSAGE: HeaderMessage = { type: 0x0a, body: [0, 0] };

/** The name of an object and where it is (0x06). */
export function linkMessage(name: string, order: number, address: number): HeaderMessage {
  const nameBytes = utf8(name);
  const flags = 0x15; // its order and character set are given, its length has two bytes
  return {
    type: 0x06,
    body: [
      ...[1, flags, ...littleEndian(order, 8), 1, ...littleEndian(nameBytes.length, 2)],
      ...[...nameBytes, ...littleEndian(address, 8)],
    ],
    order,
  };
}

/** An object: its messages in one block, protected by a checksum. */
export function objectHeader(messages: readonly HeaderMessage[]): number[] {
  const body = messages.flatMap(({ type, body, order = 0 }) => [
    type,
    ...littleEndian(body.length, 2),
    0,
    ...littleEndian(order, 2),
    ...body,
  ]);
  const flags = 0x0e; // attributes are ordered; the block's length has four bytes
  return withChecksum([...utf8("OHDR"), 2, flags, ...littleEndian(body.length, 4), ...body]);
}
