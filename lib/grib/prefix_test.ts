import { assert, assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { copyMessage, copyNamedMessage, expectedMessages } from "./messages_fixture.ts";
import {
  checkMessage,
  decodeField,
  decodePacked,
  decodePrefix,
  fullWindow,
  GribError,
  type GribField,
  type GridWindow,
  parseFields,
  parsePrefix,
  selectWindow,
  ShortPrefixError,
} from "./mod.ts";
import { powerOf } from "./scaling.ts";

const SINGLE_FIELDS = expectedMessages.filter(({ fields }) => fields.length === 1);

/** Windows of a grid: its northern quarter, its middle, all of it. */
function windowsOf({ grid }: GribField): GridWindow[] {
  const { north, south, unitsPerDegree } = grid;
  const latitude = (share: number) => (north + (south - north) * share) / unitsPerDegree;
  const part = (from: number, to: number) =>
    selectWindow(grid, { north: latitude(from), south: latitude(to), west: -180, east: 180 });
  return [part(0, 0.3), part(0.3, 0.7), fullWindow(grid)];
}

/** The result of a prefix: values, or how many bytes to fetch. */
function tryPrefix(bytes: Uint8Array, window: GridWindow): Float64Array | number {
  try {
    return decodePrefix(parsePrefix(bytes), window).values;
  } catch (error) {
    if (error instanceof ShortPrefixError) return error.neededBytes;
    throw error;
  }
}

Deno.test("decodePrefix() gives the whole message's values or asks for more, however many bytes it gets", () => {
  for (const message of SINGLE_FIELDS) {
    const bytes = copyMessage(message);
    const field = parseFields(bytes)[0]!;
    for (const window of windowsOf(field)) {
      const values = decodeField(field, window);
      const { neededBytes } = decodePrefix(parsePrefix(bytes), window);
      for (let length = 16; length <= bytes.length; length += 1 + (length >> 5)) {
        const found = tryPrefix(bytes.slice(0, length), window);
        if (typeof found !== "number") assertEquals(found, values, message.name);
        else assert(found > length && found <= bytes.length && length < neededBytes, message.name);
      }
    }
  }
});

Deno.test("decodePrefix() needs exactly as many bytes as it says", () => {
  const exact = SINGLE_FIELDS.map((message) => copyMessage(message))
    .filter((bytes) => [0, 42].includes(parsePrefix(bytes).representation.template));
  assert(exact.length > 10);
  for (const bytes of exact) {
    const field = parsePrefix(bytes);
    for (const window of windowsOf(field)) {
      const { values, neededBytes } = decodePrefix(field, window);
      assertEquals(tryPrefix(bytes.slice(0, neededBytes), window), values);
      assert(typeof tryPrefix(bytes.slice(0, neededBytes - 1), window) === "number");
    }
  }
});

Deno.test("decodePacked() gives the integers of CCSDS values, one for each, where 16 bits hold them, else the values", () => {
  let found = 0;
  for (const message of SINGLE_FIELDS) {
    const field = parsePrefix(copyMessage(message));
    const { template, bitsPerValue, ...scaling } = field.representation;
    const isPlain = field.bitmap === undefined && !field.grid.columnsFromEast;
    const hasIntegers = template === 42 && bitsPerValue > 0 && bitsPerValue <= 16 && isPlain;
    for (const window of windowsOf(field)) {
      const { values, neededBytes } = decodePrefix(field, window);
      const packed = decodePacked(field, window);
      assertEquals(packed.neededBytes, neededBytes, message.name);
      assertEquals("integers" in packed, hasIntegers, message.name);
      if (!("integers" in packed)) {
        assertEquals(packed.values, values, message.name);
        continue;
      }
      const { integers } = packed;
      found++;
      const [binary, decimal] = [
        powerOf(2, scaling.binaryScaleFactor),
        powerOf(10, -scaling.decimalScaleFactor),
      ];
      const expected = Float64Array.from(
        integers,
        (integer) => (integer * binary + scaling.referenceValue) * decimal,
      );
      assertEquals(values, expected, message.name);
    }
  }
  assert(found > 5);
});

Deno.test("decodePrefix() says of simple packing exactly how many bytes the window needs", () => {
  const bytes = copyNamedMessage("simple packing, 12 bits");
  const field = parsePrefix(bytes);
  const [north] = windowsOf(field);
  const { neededBytes } = decodePrefix(field, north!);
  assert(neededBytes < bytes.length / 2);
  for (const length of [field.dataOffset, neededBytes - 1]) {
    assertEquals(tryPrefix(bytes.slice(0, length), north!), neededBytes);
  }
});

Deno.test("parsePrefix() asks for the header and the bitmap before it asks for data", () => {
  const message = SINGLE_FIELDS.find((it) => parsePrefix(copyMessage(it)).bitmap)!;
  const bytes = copyMessage(message);
  const { dataOffset } = parsePrefix(bytes);
  const error = assertThrows(() => parsePrefix(bytes.slice(0, dataOffset - 6)), ShortPrefixError);
  assertEquals(error.neededBytes, dataOffset);
  assertEquals(parsePrefix(bytes.slice(0, dataOffset)).data.length, 0);
});

Deno.test("parsePrefix() throws GribError for a message of several fields, whole or not", () => {
  const several = expectedMessages.filter(({ fields }) => fields.length > 1);
  assert(several.length > 0);
  for (const message of several) {
    const bytes = copyMessage(message);
    assertThrows(() => parsePrefix(bytes), GribError, "several fields");
    assertThrows(() => parsePrefix(bytes.slice(0, -10)), GribError, "several fields");
  }
});

Deno.test('parsePrefix() throws GribError for a whole message that does not end in "7777"', () => {
  const bytes = copyNamedMessage("CCSDS packing, 16 bits");
  bytes[bytes.length - 1] = 0;
  assertThrows(() => parsePrefix(bytes), GribError, 'do not end in "7777"');
});

Deno.test("checkMessage() accepts the beginning of a message, and no other bytes or lengths", () => {
  const bytes = copyNamedMessage("CCSDS packing, 16 bits");
  for (const length of [16, 100, bytes.length - 1, bytes.length]) {
    checkMessage(bytes.subarray(0, length), bytes.length);
  }
  assertThrows(() => checkMessage(bytes.subarray(0, 100), bytes.length + 1), GribError, "it ends");
  assertThrows(() => checkMessage(bytes.subarray(1, 100), bytes.length), GribError, "indicator");
});

Deno.test("decodePrefix() throws GribError for a whole message that is damaged, and asks for no more bytes", () => {
  const bytes = copyNamedMessage("CCSDS packing, 16 bits");
  const field = parsePrefix(bytes);
  const { representation, dataLength } = field;
  const damaged = { ...field, data: new Uint8Array(dataLength) };
  assertEquals(representation.template, 42);
  const error = assertThrows(() => decodePrefix(damaged, fullWindow(field.grid)), GribError);
  assertEquals(error instanceof ShortPrefixError, false);
  const cut = { ...damaged, data: new Uint8Array(dataLength - 1) };
  const short = assertThrows(() => decodePrefix(cut, fullWindow(field.grid)), ShortPrefixError);
  assertEquals(short.neededBytes, bytes.length);
});
