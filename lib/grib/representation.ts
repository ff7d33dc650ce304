/**
 * GRIB2 section 5: how the values are packed.
 *
 * @module
 */
import {
  type Cursor,
  readFloat32,
  readInt16,
  readUint16,
  readUint32,
  readUint8,
  skipBytes,
} from "./cursor.ts";
import { GribError } from "./grib_error.ts";
import { powerOf, type Scaling } from "./scaling.ts";

/** Template 5.0, simple packing. */
export interface SimpleRepresentation extends Scaling {
  readonly template: 0;
}

/** Template 5.2, complex packing, and 5.3, with spatial differencing. */
export interface ComplexRepresentation extends Scaling {
  readonly template: 2 | 3;
  /** Code table 5.5: 0 none, 1 primary, 2 primary and secondary missing values among the data. */
  readonly missingValueManagement: number;
  readonly groupCount: number;
  readonly groupWidthReference: number;
  readonly groupWidthBits: number;
  readonly groupLengthReference: number;
  readonly groupLengthIncrement: number;
  readonly lastGroupLength: number;
  readonly groupLengthBits: number;
  /** Code table 5.6: 1 first, 2 second order; 0 (reserved, but written by ecCodes): none. */
  readonly differencingOrder: number;
  /** Octets of each descriptor at the head of the data (template 7.3). */
  readonly descriptorBytes: number;
}

/** Template 5.42, CCSDS 121.0-B lossless compression. */
export interface CcsdsRepresentation extends Scaling {
  readonly template: 42;
  /** Bits of octet 22, those of libaec. */
  readonly flags: number;
  /** Samples in a block (octet 23). */
  readonly blockSize: number;
  /** Blocks between reference samples (octets 24–25). */
  readonly referenceSampleInterval: number;
}

export type Representation = SimpleRepresentation | ComplexRepresentation | CcsdsRepresentation;

const MAXIMUM_BITS = { simple: 64, complex: 32, ccsds: 32 };

/**
 * Reads section 5.
 *
 * @throws {GribError} for a template (code table 5.0) or a choice inside one that is not supported,
 *   and for scale factors that give values beyond the range of numbers.
 */
export function readRepresentation(cursor: Cursor): Representation {
  const valueCount = readUint32(cursor);
  const template = readUint16(cursor);
  if (template !== 0 && template !== 2 && template !== 3 && template !== 42) {
    fail(
      cursor,
      `code table 5.0 (data representation template) is ${template}; only 0, 2, 3, 42 are supported`,
    );
  }
  const scaling = readScaling(cursor, valueCount);
  skipBytes(cursor, 1); // type of original values: integers too are decoded as numbers
  if (template === 0) return checkBits(cursor, MAXIMUM_BITS.simple, { template, ...scaling });
  if (template === 42) return readCcsds(cursor, scaling);
  return readComplex(cursor, template, scaling);
}

/** Reads octets 12–20. */
function readScaling(cursor: Cursor, valueCount: number): Scaling {
  const referenceValue = readFloat32(cursor);
  const binaryScaleFactor = readInt16(cursor);
  const decimalScaleFactor = readInt16(cursor);
  const bitsPerValue = readUint8(cursor);
  const largest = (powerOf(2, bitsPerValue + binaryScaleFactor) + Math.abs(referenceValue)) *
    powerOf(10, -decimalScaleFactor);
  if (!Number.isFinite(largest)) {
    fail(
      cursor,
      `reference value ${referenceValue}, binary scale ${binaryScaleFactor} and decimal scale ` +
        `${decimalScaleFactor} give no finite values; the message is damaged`,
    );
  }
  return { valueCount, referenceValue, binaryScaleFactor, decimalScaleFactor, bitsPerValue };
}

/** Reads octets 22–25 of template 5.42. */
function readCcsds(cursor: Cursor, scaling: Scaling): CcsdsRepresentation {
  const flags = readUint8(cursor);
  const blockSize = readUint8(cursor);
  const referenceSampleInterval = readUint16(cursor);
  return checkBits(cursor, MAXIMUM_BITS.ccsds, {
    template: 42,
    ...scaling,
    flags,
    blockSize,
    referenceSampleInterval,
  });
}

/** Reads octets 22–47 of templates 5.2 and 5.3, and 48–49 of 5.3. */
function readComplex(cursor: Cursor, template: 2 | 3, scaling: Scaling): ComplexRepresentation {
  const splitting = readUint8(cursor);
  if (splitting !== 1) {
    fail(cursor, `code table 5.4 (group splitting) is ${splitting}; only 1 is supported`);
  }
  const missingValueManagement = readUint8(cursor);
  if (missingValueManagement > 2) {
    fail(
      cursor,
      `code table 5.5 (missing value management) is ${missingValueManagement}; ` +
        `only 0–2 are supported`,
    );
  }
  skipBytes(cursor, 8); // missing value substitutes: missing is NaN here
  const representation: ComplexRepresentation = {
    template,
    ...scaling,
    missingValueManagement,
    groupCount: readUint32(cursor),
    groupWidthReference: readUint8(cursor),
    groupWidthBits: readUint8(cursor),
    groupLengthReference: readUint32(cursor),
    groupLengthIncrement: readUint8(cursor),
    lastGroupLength: readUint32(cursor),
    groupLengthBits: readUint8(cursor),
    differencingOrder: template === 3 ? readUint8(cursor) : 0,
    descriptorBytes: template === 3 ? readUint8(cursor) : 0,
  };
  checkComplex(cursor, representation);
  return checkBits(cursor, MAXIMUM_BITS.complex, representation);
}

function checkComplex(cursor: Cursor, representation: ComplexRepresentation): void {
  const { differencingOrder, descriptorBytes, groupWidthBits, groupLengthBits } = representation;
  if (differencingOrder > 2) {
    fail(
      cursor,
      `code table 5.6 (order of spatial differencing) is ${differencingOrder}; ` +
        `only 0–2 are supported`,
    );
  }
  const hasDescriptors = differencingOrder > 0 && representation.groupCount > 0;
  if (hasDescriptors && (descriptorBytes < 1 || descriptorBytes > 4)) {
    fail(cursor, `its spatial differencing descriptors have ${descriptorBytes} octets, not 1–4`);
  }
  if (groupWidthBits > 32 || groupLengthBits > 32) {
    fail(
      cursor,
      `group widths and lengths of ${groupWidthBits} and ${groupLengthBits} bits, not 0–32`,
    );
  }
  if (representation.groupCount > representation.valueCount) {
    fail(
      cursor,
      `${representation.groupCount} groups for ${representation.valueCount} values; ` +
        `the message is damaged`,
    );
  }
}

function checkBits<T extends Scaling>(cursor: Cursor, maximumBits: number, representation: T): T {
  if (representation.bitsPerValue > maximumBits) {
    fail(
      cursor,
      `values of ${representation.bitsPerValue} bits; at most ${maximumBits} are supported; ` +
        `the message is damaged`,
    );
  }
  return representation;
}

function fail(cursor: Cursor, state: string): never {
  throw new GribError(`Cannot read data representation: ${state}`, {
    section: 5,
    offset: cursor.offset,
  });
}
