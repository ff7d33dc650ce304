import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { decodeField } from "./decode.ts";
import { GribError } from "./grib_error.ts";
import { type GribField, parseFields } from "./parse_fields.ts";
import { copyNamedMessage } from "./messages_fixture.ts";
import { openPacking } from "./open_packing.ts";
import type { ComplexRepresentation, Representation } from "./representation.ts";
import { selectWindow } from "./window.ts";

function fieldOf(name: string): GribField {
  return parseFields(copyNamedMessage(name))[0]!;
}

/** The field with other parameters of its packing, or other data. */
function withChange(
  name: string,
  change: Partial<ComplexRepresentation> | { flags: number },
  data?: Uint8Array,
): GribField {
  const field = fieldOf(name);
  const representation = { ...field.representation, ...change } as Representation;
  return { ...field, representation, data: data ?? field.data };
}

Deno.test("openPacking() of simple packing needs no more data than the values it reads", () => {
  const field = fieldOf("simple packing, 12 bits");
  const head = field.data.subarray(0, 30);
  const { readValues } = openPacking(field.representation, head, 312);
  const values = new Float64Array(20);
  readValues(0, 20, values, 0);
  assertEquals(values, decodeField(field).subarray(0, 20));
  assertThrows(() => readValues(1, 20, values, 0), GribError, "the 30 bytes of data end");
});

Deno.test("openPacking() of CCSDS needs no more data than the rows it reads", () => {
  const field = fieldOf("CCSDS packing, blocks of 8, interval 2");
  const north = selectWindow(field.grid, { north: 90, west: -180, south: 60, east: 180 });
  const head = { ...field, data: field.data.subarray(0, field.data.length / 4) };
  assertEquals(decodeField(head, north), decodeField(field, north));
  assertThrows(() => decodeField(head), GribError);
});

Deno.test("openPacking() throws GribError when CCSDS samples are signed", () => {
  const field = withChange("CCSDS packing, 16 bits", { flags: 15 });
  assertThrows(() => decodeField(field), GribError, "samples are signed");
});

Deno.test("openPacking() throws GribError when the groups do not add up to the values", () => {
  const field = withChange("complex packing by g2c", { lastGroupLength: 1000 });
  assertThrows(() => decodeField(field), GribError, "values of up to");
});

Deno.test("openPacking() throws GribError when a group is wider than 32 bits", () => {
  const field = withChange("complex packing by g2c", { groupWidthReference: 33 });
  assertThrows(() => decodeField(field), GribError, "not 312 of at most 32");
});

Deno.test("openPacking() throws GribError when differences add up beyond exact integers", () => {
  const name = "spatial differencing, order 2, rough";
  const representation = fieldOf(name).representation as ComplexRepresentation;
  const groups = { groupCount: 1, groupLengthReference: 0, groupLengthIncrement: 1 };
  const widths = { bitsPerValue: 32, groupWidthReference: 0, groupWidthBits: 0 };
  // One group of width 0 whose reference is 2^32 - 1: every second difference is that.
  const valueCount = representation.valueCount * 10_000;
  const data = new Uint8Array(64).fill(0xff, 6, 16);
  const huge: Representation = {
    ...representation,
    ...groups,
    ...widths,
    valueCount,
    lastGroupLength: valueCount,
    missingValueManagement: 0,
    groupLengthBits: 0,
    descriptorBytes: 2,
  };
  assertThrows(() => openPacking(huge, data, valueCount), GribError, "more than 2^53");
});
