/**
 * The outer structure of GRIB2: messages and the sections in them.
 *
 * @module
 */
import { type Cursor, readUint64, readUint8 } from "./cursor.ts";
import { GribError, ShortPrefixError } from "./grib_error.ts";

/** One section of a message, its header octets 1–5 included. */
export interface Section {
  /** Section number, 1–7. */
  readonly number: number;
  /** Offset of octet 1 from the start of the bytes given. */
  readonly offset: number;
  /** Length with the header. */
  readonly lengthBytes: number;
}

/** One message: its offset and its sections. */
export interface Message {
  /** Offset of "GRIB" from the start of the bytes given. */
  readonly offset: number;
  /** Length from "GRIB" to "7777", both included. */
  readonly lengthBytes: number;
  /** Code table 0.0: 0 meteorological, 2 land surface, 10 oceanographic, … */
  readonly discipline: number;
  /** Sections 1–7 in file order; their order is not checked here. */
  readonly sections: readonly Section[];
}

const INDICATOR_BYTES = 16;
const SECTION_HEADER_BYTES = 5;
/** The last section of a header; bitmap and data follow it. */
const LAST_OF_HEADER = 5;
const DATA_SECTION = 7;
const END_BYTES = 4;
const GRIB = 0x47524942;
const END = 0x37373737;

/**
 * Reads the frame of the message that begins at `offset`: section 0, the offset of every section,
 * and the closing "7777". Reads headers only.
 *
 * @throws {GribError} when no whole edition 2 message begins there.
 */
export function readMessage(view: DataView, offset: number): Message {
  const { discipline, lengthBytes } = readWholeIndicator(view, offset);
  const end = offset + lengthBytes - END_BYTES;
  checkEnd(view, { offset, lengthBytes });
  const sections: Section[] = [];
  for (let at = offset + INDICATOR_BYTES; at < end;) {
    // At least the "7777" and a byte follow `at`, so that the header of a section can be read.
    const section = readSectionHeader(view, at, end);
    sections.push(section);
    at += section.lengthBytes;
  }
  return { offset, lengthBytes, discipline, sections };
}

/** Checks the closing "7777", unless the bytes end before it. */
function checkEnd(
  view: DataView,
  { offset, lengthBytes }: Omit<Message, "sections" | "discipline">,
) {
  const end = offset + lengthBytes - END_BYTES;
  if (end + END_BYTES > view.byteLength || view.getUint32(end) === END) return;
  throw new GribError(
    `Cannot read the message at byte ${offset}: its ${lengthBytes} bytes do not end in "7777"; ` +
      `the message is damaged or was fetched with the wrong range`,
    { section: 8, offset: end },
  );
}

/** How long a message is, and how much of it is header. */
interface MessageSize {
  /** From "GRIB" to "7777", both included. */
  readonly messageBytes: number;
  /**
   * From "GRIB" to the end of section 5, as far as the bytes given show: when it is more than those,
   * fetch as many and measure again, at most once a section.
   */
  readonly headerBytes: number;
}

/**
 * Measures a message from its first bytes, at least 16.
 *
 * @throws {GribError} when no edition 2 message begins there, or its sections are damaged.
 */
export function measureMessage(bytes: Uint8Array): MessageSize {
  const head = walkHead(viewOf(bytes), LAST_OF_HEADER);
  return { messageBytes: head.lengthBytes, headerBytes: head.endBytes };
}

/**
 * Reads the frame of a message up to its section 5, at the start of the bytes given.
 *
 * @throws {GribError} when no edition 2 message begins there, or the bytes end before section 5 does.
 */
export function readHead(view: DataView): Message {
  const { endBytes, ...message } = walkHead(view, LAST_OF_HEADER);
  if (endBytes <= view.byteLength) return message;
  throw new GribError(
    `Cannot read the header of a message: it needs ${endBytes} bytes and ${view.byteLength} were ` +
      `given; fetch more`,
    { offset: view.byteLength },
  );
}

/**
 * Reads the frame of a message of one field from its first bytes, up to the header of its data
 * section, the last one.
 *
 * @throws {ShortPrefixError} when the bytes end before the data begin.
 * @throws {GribError} when no edition 2 message begins there, or it has several fields.
 */
export function readFrame(view: DataView): Message {
  const { endBytes, ...message } = walkHead(view, DATA_SECTION);
  const last = message.sections.at(-1);
  if (last?.number !== DATA_SECTION) throw dataMissing(view, message, endBytes);
  checkEnd(view, message);
  if (endBytes === message.lengthBytes - END_BYTES) return message;
  throw new GribError("Cannot use a message of several fields: one is expected", {
    section: 7,
    offset: endBytes,
  });
}

function dataMissing(view: DataView, { lengthBytes }: Message, endBytes: number): GribError {
  if (view.byteLength < lengthBytes) {
    return new ShortPrefixError(Math.min(endBytes, lengthBytes), view.byteLength);
  }
  return new GribError(
    `Cannot read the message: its ${lengthBytes} bytes end before a data section; it is damaged`,
    { section: 7, offset: lengthBytes },
  );
}

/** The sections whose headers are in the bytes, and the end of those up to `last`. */
function walkHead(view: DataView, last: number): Message & { endBytes: number } {
  const { discipline, lengthBytes } = readIndicator(view, 0);
  const sections: Section[] = [];
  let endBytes = INDICATOR_BYTES;
  while (endBytes + SECTION_HEADER_BYTES <= view.byteLength) {
    const section = readSectionHeader(view, endBytes, lengthBytes - END_BYTES);
    sections.push(section);
    endBytes += section.lengthBytes;
    if (section.number >= last) {
      return { offset: 0, discipline, lengthBytes, sections, endBytes };
    }
  }
  endBytes += SECTION_HEADER_BYTES;
  return { offset: 0, discipline, lengthBytes, sections, endBytes };
}

/** Sections that may follow each section; 8 is the end of the message. */
const FOLLOWERS: readonly (readonly number[])[] = [
  [1],
  [2, 3],
  [3],
  [4],
  [5],
  [6],
  [7],
  [2, 3, 4, 8],
];

/**
 * Checks that one section may follow another.
 *
 * @throws {GribError} when it may not.
 */
export function checkOrder(previous: number, number: number, offset: number): void {
  if (FOLLOWERS[previous]!.includes(number)) return;
  throw new GribError(
    `Cannot read the section at byte ${offset}: section ${number} follows ${previous}; ` +
      `the message is damaged`,
    { section: number, offset },
  );
}

/**
 * Checks that the bytes are one message and nothing else, or its first bytes, at least 16. Reads
 * headers only.
 *
 * @param messageBytes length of the whole message. @default that of the bytes
 * @throws {GribError} when they are not.
 */
export function checkMessage(bytes: Uint8Array, messageBytes = bytes.byteLength): void {
  const view = viewOf(bytes);
  const { lengthBytes } = bytes.byteLength < messageBytes
    ? walkHead(view, DATA_SECTION)
    : readMessage(view, 0);
  if (lengthBytes === messageBytes) return;
  throw new GribError(
    `Cannot use ${messageBytes} bytes as one message: it ends at byte ${lengthBytes}; ` +
      `check the length`,
    { offset: lengthBytes },
  );
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Opens a section for reading from octet 6, after its length and number. */
export function openSection(view: DataView, section: Section): Cursor {
  return {
    view,
    offset: section.offset + SECTION_HEADER_BYTES,
    end: section.offset + section.lengthBytes,
    section: section.number,
  };
}

/**
 * Reads section 0 at `offset`.
 *
 * @throws {GribError} when no edition 2 message begins there.
 */
function readIndicator(view: DataView, offset: number) {
  const available = view.byteLength - offset;
  if (available < INDICATOR_BYTES || view.getUint32(offset) !== GRIB) {
    throw new GribError(
      `Cannot read a message at byte ${offset}: the ${available} bytes there do not begin with a ` +
        `GRIB indicator section; check the offset`,
      { section: 0, offset },
    );
  }
  const cursor = { view, offset: offset + 6, end: offset + INDICATOR_BYTES, section: 0 };
  const discipline = readUint8(cursor);
  const edition = readUint8(cursor);
  if (edition !== 2) {
    throw new GribError(
      `Cannot read the message at byte ${offset}: it is GRIB edition ${edition}; ` +
        `only 2 is supported`,
      { section: 0, offset: offset + 7 },
    );
  }
  const lengthBytes = readUint64(cursor);
  if (lengthBytes < INDICATOR_BYTES + END_BYTES) {
    throw new GribError(
      `Cannot read the message at byte ${offset}: it claims ${lengthBytes} bytes; it is damaged`,
      { section: 0, offset: offset + 8 },
    );
  }
  return { discipline, lengthBytes };
}

function readWholeIndicator(view: DataView, offset: number) {
  const indicator = readIndicator(view, offset);
  const available = view.byteLength - offset;
  if (indicator.lengthBytes <= available) return indicator;
  throw new GribError(
    `Cannot read the message at byte ${offset}: it claims ${indicator.lengthBytes} bytes and ` +
      `${available} were given; fetch the whole message`,
    { section: 0, offset: offset + 8 },
  );
}

/** Reads octets 1–5; the caller checks that the bytes have them. */
function readSectionHeader(view: DataView, offset: number, end: number): Section {
  const lengthBytes = view.getUint32(offset);
  const number = view.getUint8(offset + 4);
  if (number < 1 || number > 7) {
    throw new GribError(
      `Cannot read the section at byte ${offset}: its number is ${number}, not 1–7; ` +
        `the message is damaged`,
      { offset },
    );
  }
  if (lengthBytes < SECTION_HEADER_BYTES || offset + lengthBytes > end) {
    throw new GribError(
      `Cannot read section ${number} at byte ${offset}: it claims ${lengthBytes} bytes and ` +
        `${end - offset} remain in the message; the message is damaged`,
      { section: number, offset },
    );
  }
  return { number, offset, lengthBytes };
}
