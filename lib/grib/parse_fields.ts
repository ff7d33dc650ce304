/**
 * Bytes of GRIB2 messages → their fields, each with the sections that apply to it.
 *
 * @module
 */
import { type Bitmap, readBitmap } from "./bitmap.ts";
import { GribError } from "./grib_error.ts";
import { type GribHeader, type Headers, readHeader } from "./headers.ts";
import type { RegularLatLonGrid } from "./lat_lon_grid.ts";
import type { Representation } from "./representation.ts";
import {
  checkOrder,
  type Message,
  openSection,
  readFrame,
  readMessage,
  type Section,
} from "./sections.ts";

/** One field of a message: its headers, and views of its bitmap and packed data. */
export interface GribField extends GribHeader {
  /** Offset of the message from the start of the bytes given. */
  readonly messageOffset: number;
  /** Which grid points have a value; `undefined` when all have. A view, not a copy. */
  readonly bitmap: Bitmap | undefined;
  /** Offset of the packed data from the start of the message. */
  readonly dataOffset: number;
  /** Length of the packed data in bytes. */
  readonly dataLength: number;
  /** The packed data, or the part of them that a prefix has. A view, not a copy. */
  readonly data: Uint8Array;
}

/** Sections in force, each until a later one of the same message replaces it. */
interface FieldHeaders extends Headers {
  bitmap?: Bitmap | undefined;
  /** The last bitmap that the message defined, whether or not the last field used it. */
  definedBitmap?: Bitmap | undefined;
}

/**
 * Finds every field of one message, or of several end to end, in file order. Reads headers only:
 * about 200 bytes a field, whatever its size.
 *
 * @throws {GribError} when the bytes are not whole messages, or have a grid, product or packing that
 *   is not supported.
 */
export function parseFields(bytes: Uint8Array): GribField[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: GribField[] = [];
  let offset = 0;
  do {
    const message = readMessage(view, offset);
    collectFields(view, message, fields);
    offset += message.lengthBytes;
  } while (offset < bytes.byteLength);
  return fields;
}

/**
 * Reads the only field of a message from its first bytes, or from all. The end of the data and the
 * "7777" are not checked when they are cut off.
 *
 * @throws {ShortPrefixError} when the data do not begin within the bytes.
 * @throws {GribError} when the bytes are not a message, it has several fields, or has a grid,
 *   product or packing that is not supported.
 */
export function parsePrefix(bytes: Uint8Array): GribField {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const message = readFrame(view);
  const fields: GribField[] = [];
  collectFields(view, message, fields);
  return fields[0]!;
}

function collectFields(view: DataView, message: Message, fields: GribField[]): void {
  const headers: FieldHeaders = {};
  let previous = 0;
  for (const section of message.sections) {
    checkOrder(previous, section.number, section.offset);
    if (section.number === 7) fields.push(completeField(view, message, headers, section));
    else if (section.number === 6) readFieldBitmap(view, section, headers);
    else readHeader(view, section, headers);
    previous = section.number;
  }
  checkOrder(previous, 8, message.offset + message.lengthBytes);
}

/** Reads section 6. */
function readFieldBitmap(view: DataView, section: Section, headers: FieldHeaders): void {
  const { rowCount, columnCount } = headers.grid!;
  const cursor = openSection(view, section);
  headers.bitmap = readBitmap(cursor, rowCount * columnCount, headers.definedBitmap);
  headers.definedBitmap = headers.bitmap ?? headers.definedBitmap;
}

/** Joins section 7 to the headers in force, which the order of sections guarantees. */
function completeField(
  view: DataView,
  message: Message,
  headers: FieldHeaders,
  section: Section,
): GribField {
  const { offset, end } = openSection(view, section);
  const grid = headers.grid!;
  const representation = headers.representation!;
  checkValueCount(grid, representation, headers.bitmap, section);
  checkDataLength(representation, section, end - offset);
  return {
    messageOffset: message.offset,
    messageLength: message.lengthBytes,
    discipline: message.discipline,
    ...headers.identification!,
    product: headers.product!,
    grid,
    representation,
    bitmap: headers.bitmap,
    dataOffset: offset - message.offset,
    dataLength: end - offset,
    data: viewBytes(view, offset, end),
  };
}

/** The bytes from `start` to `end` (exclusive), or to the end of `view`. */
function viewBytes(view: DataView, start: number, end: number): Uint8Array {
  const length = Math.min(end, view.byteLength) - start;
  return new Uint8Array(view.buffer, view.byteOffset + start, length);
}

function checkValueCount(
  grid: RegularLatLonGrid,
  representation: Representation,
  bitmap: Bitmap | undefined,
  section: Section,
): void {
  const { valueCount } = representation;
  const pointCount = grid.rowCount * grid.columnCount;
  if (bitmap === undefined ? valueCount === pointCount : valueCount <= pointCount) return;
  throw new GribError(
    `Cannot read the field at byte ${section.offset}: ${valueCount} packed values for ` +
      `${pointCount} grid points ${bitmap ? "with" : "without"} a bitmap; the message is damaged`,
    { section: 5, offset: section.offset },
  );
}

/**
 * Rejects data that are too short for their values before memory is allocated for these, and data that
 * values of 0 bits would ignore: a constant field has none.
 */
function checkDataLength(
  representation: Representation,
  section: Section,
  lengthBytes: number,
): void {
  const { template, valueCount, bitsPerValue } = representation;
  // In complex packing, groups of 0-bit references have data all the same.
  const isComplex = template === 2 || template === 3;
  if (bitsPerValue === 0 && lengthBytes > 0 && !isComplex) {
    throw new GribError(
      `Cannot read the field at byte ${section.offset}: its values have 0 bits, but there are ` +
        `${lengthBytes} bytes of data; the message is damaged`,
      { section: 7, offset: section.offset },
    );
  }
  if (template !== 0 || valueCount * bitsPerValue <= lengthBytes * 8) return;
  throw new GribError(
    `Cannot read the field at byte ${section.offset}: ${valueCount} values of ${bitsPerValue} bits ` +
      `do not fit ${lengthBytes} bytes of data; the message is damaged`,
    { section: 7, offset: section.offset },
  );
}
