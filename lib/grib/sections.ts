/**
 * The outer structure of GRIB2: messages and the sections in them.
 *
 * @module
 */
import { type Cursor, readUint64, readUint8 } from "./cursor.ts";
import { GribError } from "./error.ts";

/** One section of a message, its header octets 1–5 included. */
export interface Section {
  /** Section number, 1–7. */
  readonly number: number;
  /** Offset of octet 1 from the start of the bytes given. */
  readonly offset: number;
  /** Length with the header. */
  readonly lengthBytes: number;
}

/** One message: its place and what is in it. */
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
const END_BYTES = 4;
const GRIB = 0x47524942;
const END = 0x37373737;

/**
 * Reads the frame of the message that begins at `offset`: section 0, the place of every section, and
 * the closing "7777". Reads headers only.
 *
 * @throws {GribError} when no whole edition 2 message begins there.
 */
export function readMessage(view: DataView, offset: number): Message {
  const { discipline, lengthBytes } = readIndicator(view, offset);
  const end = offset + lengthBytes - END_BYTES;
  if (view.getUint32(end) !== END) {
    throw new GribError(
      `Cannot read the message at byte ${offset}: its ${lengthBytes} bytes do not end in "7777"; ` +
        `the message is damaged or was fetched with the wrong range`,
      { section: 8, offset: end },
    );
  }
  const sections: Section[] = [];
  for (let at = offset + INDICATOR_BYTES; at < end;) {
    const section = readSectionHeader(view, at, end);
    sections.push(section);
    at += section.lengthBytes;
  }
  return { offset, lengthBytes, discipline, sections };
}

/**
 * Checks that the bytes are one message and nothing else. Reads headers only.
 *
 * @throws {GribError} when they are not.
 */
export function checkMessage(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { lengthBytes } = readMessage(view, 0);
  if (lengthBytes === bytes.byteLength) return;
  throw new GribError(
    `Cannot use ${bytes.byteLength} bytes as one message: it ends at byte ${lengthBytes}; ` +
      `check the length`,
    { offset: lengthBytes },
  );
}

/** Opens a section for reading from octet 6, behind its length and number. */
export function openSection(view: DataView, section: Section): Cursor {
  return {
    view,
    offset: section.offset + SECTION_HEADER_BYTES,
    end: section.offset + section.lengthBytes,
    section: section.number,
  };
}

function readIndicator(view: DataView, offset: number) {
  const available = view.byteLength - offset;
  if (available < INDICATOR_BYTES + END_BYTES || view.getUint32(offset) !== GRIB) {
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
      `Cannot read the message at byte ${offset}: it is GRIB edition ${edition}, only 2 is read`,
      { section: 0, offset: offset + 7 },
    );
  }
  const lengthBytes = readUint64(cursor);
  if (lengthBytes < INDICATOR_BYTES + END_BYTES || lengthBytes > available) {
    throw new GribError(
      `Cannot read the message at byte ${offset}: it claims ${lengthBytes} bytes and ${available} ` +
        `are there; fetch the whole message`,
      { section: 0, offset: offset + 8 },
    );
  }
  return { discipline, lengthBytes };
}

/** Reads octets 1–5. The "7777" behind the last section makes room for the reading of any header. */
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
