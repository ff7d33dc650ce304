/**
 * GRIB2 complex packing, templates 5.2 and 7.2, and with spatial differencing, 5.3 and 7.3: groups
 * of values, each with its own reference, width and length.
 *
 * @module
 */
import { unpackBits } from "./bits.ts";
import { countDescriptorBytes, undoDifferencing } from "./differencing.ts";
import { GribError } from "./grib_error.ts";
import type { ComplexRepresentation } from "./representation.ts";
import { type OpenData, scaleIntegers } from "./scaling.ts";

/** The groups, and where the packed values begin. */
interface Groups {
  readonly references: Float64Array;
  readonly widths: Float64Array;
  readonly lengths: Float64Array;
  /** First bit of the values of the first group. */
  readonly valuesStartBit: number;
}

/**
 * Decodes the values up to `end` (exclusive). Groups have no index, and each difference depends on
 * those before it, so the values before a range are decoded too.
 *
 * @throws {GribError} when the groups do not fit the data or the number of values.
 */
export function openComplex(
  representation: ComplexRepresentation,
  data: Uint8Array,
  end: number,
): OpenData {
  // A field without groups is constant. Its packed integers are 0, so the reference value is divided
  // by 10^D, unlike that of a constant field of simple packing; ecCodes does the same.
  const packed = representation.groupCount === 0
    ? new Float64Array(end)
    : unpackIntegers(representation, data, end);
  return {
    readValues: (start, count, out, outStart) =>
      scaleIntegers(representation, packed, start, count, out, outStart),
    dataBytes: data.length,
  };
}

/** The packed integers X of the values up to `end`; missing ones are NaN. */
function unpackIntegers(
  representation: ComplexRepresentation,
  data: Uint8Array,
  end: number,
): Float64Array {
  const groups = unpackGroups(representation, data);
  const packed = unpackValues(representation, groups, data, end);
  if (representation.differencingOrder > 0) {
    undoDifferencing(representation, data, packed);
  }
  return packed;
}

/** Reads the references, widths and lengths of all groups; each list begins on a whole octet. */
function unpackGroups(representation: ComplexRepresentation, data: Uint8Array): Groups {
  const { groupCount, bitsPerValue, groupWidthBits, groupLengthBits } = representation;
  const referencesByte = countDescriptorBytes(representation);
  const widthsByte = referencesByte + Math.ceil(groupCount * bitsPerValue / 8);
  const lengthsByte = widthsByte + Math.ceil(groupCount * groupWidthBits / 8);
  const valuesByte = lengthsByte + Math.ceil(groupCount * groupLengthBits / 8);
  const unpackList = (byte: number, widthBits: number) => {
    const list = new Float64Array(groupCount);
    unpackBits(data, byte * 8, widthBits, groupCount, list, 0);
    return list;
  };
  const references = unpackList(referencesByte, bitsPerValue);
  const widths = unpackList(widthsByte, groupWidthBits);
  const lengths = unpackList(lengthsByte, groupLengthBits);
  for (let group = 0; group < groupCount; group++) {
    widths[group]! += representation.groupWidthReference;
    lengths[group] = lengths[group]! * representation.groupLengthIncrement +
      representation.groupLengthReference;
  }
  lengths[groupCount - 1] = representation.lastGroupLength;
  checkGroups(representation, widths, lengths);
  return { references, widths, lengths, valuesStartBit: valuesByte * 8 };
}

function checkGroups(
  representation: ComplexRepresentation,
  widths: Float64Array,
  lengths: Float64Array,
): void {
  let valueCount = 0;
  let largestWidth = 0;
  for (let group = 0; group < lengths.length; group++) {
    valueCount += lengths[group]!;
    largestWidth = Math.max(largestWidth, widths[group]!);
  }
  if (valueCount !== representation.valueCount || largestWidth > 32) {
    throw new GribError(
      `Cannot decode complex packing: its ${lengths.length} groups hold ${valueCount} values of ` +
        `up to ${largestWidth} bits, not ${representation.valueCount} of at most 32; ` +
        `the message is damaged`,
      { section: 7 },
    );
  }
}

/** The integers up to `end` as the groups hold them, before differencing is undone. */
function unpackValues(
  representation: ComplexRepresentation,
  groups: Groups,
  data: Uint8Array,
  end: number,
): Float64Array {
  const { references, widths, lengths } = groups;
  const packed = new Float64Array(end);
  let bit = groups.valuesStartBit;
  let start = 0;
  for (let group = 0; start < end; group++) {
    const width = widths[group]!;
    const count = Math.min(lengths[group]!, end - start);
    unpackBits(data, bit, width, count, packed, start);
    addReference(representation, packed, start, count, width, references[group]!);
    bit += width * count;
    start += count;
  }
  return packed;
}

/**
 * Adds a group's reference to its values. Missing values are the highest integers of the group's
 * width, or in a group of width 0 a reference that is the highest integer of its own width.
 */
function addReference(
  representation: ComplexRepresentation,
  packed: Float64Array,
  start: number,
  count: number,
  width: number,
  reference: number,
): void {
  const bits = width === 0 ? representation.bitsPerValue : width;
  const missingFrom = 2 ** bits - representation.missingValueManagement;
  if (width === 0) {
    const isMissing = representation.missingValueManagement > 0 && reference >= missingFrom;
    packed.fill(isMissing ? NaN : reference, start, start + count);
    return;
  }
  for (let i = start; i < start + count; i++) {
    const value = packed[i]!;
    packed[i] = value >= missingFrom ? NaN : value + reference;
  }
}
