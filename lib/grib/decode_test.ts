import { assertEquals, assertStrictEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { decodeField } from "./decode.ts";
import { GribError } from "./grib_error.ts";
import { type GribField, parseFields } from "./parse_fields.ts";
import {
  copyMessage,
  copyNamedMessage,
  type ExpectedField,
  expectedMessages,
  expectedNumbers,
  type ExpectedWindow,
} from "./messages_fixture.ts";
import { fullWindow, selectWindow } from "./window.ts";

for (const message of expectedMessages) {
  Deno.test(`decodeField() equals ecCodes to the last bit: ${message.name}`, () => {
    const fields = parseFields(copyMessage(message));
    assertEquals(fields.length, message.fields.length);
    message.fields.forEach((expected, i) => checkField(fields[i]!, expected));
  });
}

Deno.test("decodeField() fills and returns the array it is given", () => {
  const field = parseFields(copyNamedMessage("simple packing, 12 bits"))[0]!;
  const window = selectWindow(field.grid, { north: 30, west: 0, south: 0, east: 30 });
  const out = new Float64Array(window.rowCount * window.columnCount + 1).fill(-1);
  assertStrictEquals(decodeField(field, window, out), out);
  assertEquals(out.subarray(0, -1), decodeField(field, window));
  assertEquals(out.at(-1), -1);
});

Deno.test("decodeField() throws GribError when the array is too short", () => {
  const field = parseFields(copyNamedMessage("simple packing, 12 bits"))[0]!;
  assertThrows(
    () => decodeField(field, fullWindow(field.grid), new Float64Array(311)),
    GribError,
    "Cannot decode 312 points into an array of 311",
  );
});

Deno.test("decodeField() throws GribError when the window is of another grid", () => {
  const field = parseFields(copyNamedMessage("simple packing, 12 bits"))[0]!;
  const other = parseFields(copyNamedMessage("area across Greenwich"))[0]!;
  assertThrows(
    () => decodeField(field, fullWindow(other.grid)),
    GribError,
    "it has another grid than the window",
  );
});

Deno.test("decodeField() throws GribError when the bitmap has more ones than there are values", () => {
  const bytes = copyNamedMessage("grid_simple, bitmap");
  const field = parseFields(bytes)[0]!;
  field.bitmap!.fill(0xff);
  assertThrows(() => decodeField(field), GribError, "needs at least 312 values and 215 are packed");
});

function checkField(field: GribField, expected: ExpectedField): void {
  const values = decodeField(field);
  assertSameBits(values, expectedNumbers(expected.values, values.length));
  for (const window of expected.windows ?? []) checkWindow(field, window);
}

function checkWindow(field: GribField, expected: ExpectedWindow): void {
  const [north, west, south, east] = expected.region;
  if (expected.rowCount === 0) {
    assertThrows(() => selectWindow(field.grid, { north, west, south, east }), GribError);
    return;
  }
  const window = selectWindow(field.grid, { north, west, south, east });
  assertEquals(window.rowCount, expected.rowCount, expected.name);
  assertEquals(window.columnCount, expected.columnCount, expected.name);
  const values = decodeField(field, window);
  assertSameBits(values, expectedNumbers(expected.values, values.length), expected.name);
}

/** Equal float64 bits: unlike `===`, distinguishes 0 from -0 and equates NaN. */
function assertSameBits(actual: Float64Array, expected: Float64Array, name = "all"): void {
  assertEquals(actual.length, expected.length, name);
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(actual[i], expected[i])) {
      throw new Error(`${name}: value ${i} is ${actual[i]}, ecCodes says ${expected[i]}`);
    }
  }
}
