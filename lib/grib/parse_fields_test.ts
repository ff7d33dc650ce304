import { assert, assertEquals, assertStrictEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { GribError } from "./grib_error.ts";
import { type GribField, parseFields } from "./parse_fields.ts";
import {
  allBytes,
  copyMessage,
  copyNamedMessage,
  type ExpectedField,
  expectedMessages,
} from "./messages_fixture.ts";
import type { Product } from "./product.ts";

Deno.test("parseFields() reads the headers that ecCodes reads, in messages laid end to end", () => {
  const fields = parseFields(allBytes);
  const expected = expectedMessages.flatMap((message) =>
    message.fields.map((field) => ({ message, field }))
  );
  assertEquals(fields.length, expected.length);
  for (const [i, { message, field }] of expected.entries()) {
    assertEquals(fields[i]!.messageOffset, message.offset, message.name);
    assertEquals(fields[i]!.messageLength, message.length, message.name);
    assertHeader(fields[i]!, field, message.name);
  }
});

Deno.test("parseFields() gives a view of the packed data and its offset", () => {
  for (const field of parseFields(allBytes)) {
    const { messageOffset, dataOffset, dataLength, data } = field;
    assertStrictEquals(data.buffer, allBytes.buffer);
    assertEquals(data.byteOffset, allBytes.byteOffset + messageOffset + dataOffset);
    assertEquals(data.length, dataLength);
  }
});

Deno.test("parseFields() reads bytes that begin inside a buffer", () => {
  const bytes = copyNamedMessage("grid_ccsds, bitmap");
  const shifted = new Uint8Array(bytes.length + 7);
  shifted.set(bytes, 7);
  const [field] = parseFields(shifted.subarray(7));
  assertEquals(field!.data, parseFields(bytes)[0]!.data);
  assertEquals(field!.bitmap, parseFields(bytes)[0]!.bitmap);
});

Deno.test("parseFields() gives a reused bitmap to every field of the message", () => {
  const fields = parseFields(copyNamedMessage("three fields, bitmap reused"));
  assertEquals(fields.length, 3);
  assert(fields[0]!.bitmap !== undefined);
  assertEquals(fields[1]!.bitmap, fields[0]!.bitmap);
  assertEquals(fields[2]!.bitmap, fields[0]!.bitmap);
});

Deno.test("parseFields() gives a bitmap only to the fields that use it", () => {
  const fields = parseFields(copyNamedMessage("bitmap, none, none"));
  assertEquals(fields.map((field) => field.bitmap === undefined), [false, true, true]);
});

/** Byte offsets in the message "template 4.0, 700 hPa", which has no section 2. */
const SECTION_1 = 16;
const SECTION_3 = SECTION_1 + 21;
const SECTION_4 = SECTION_3 + 72;
const SECTION_5 = SECTION_4 + 34;
const SECTION_6 = SECTION_5 + 21;
const SECTION_7 = SECTION_6 + 6;

/** Damages to a message, and the error of each. */
const DAMAGES: [name: string, damage: (bytes: Uint8Array) => Uint8Array | void, text: string][] = [
  ["is empty", () => new Uint8Array(0), "the 0 bytes there do not begin with a GRIB indicator"],
  ["begins with other bytes", (bytes) => set(bytes, 0, 0x42), "do not begin with a GRIB indicator"],
  ["is GRIB edition 1", (bytes) => set(bytes, 7, 1), "GRIB edition 1; only 2 is supported"],
  ["is cut short", (bytes) => bytes.subarray(0, -1), "fetch the whole message"],
  [
    "is followed by other bytes",
    (bytes) => append(bytes, 30),
    "do not begin with a GRIB indicator",
  ],
  ["claims no length", (bytes) => set(bytes, 8, 0, 0, 0, 0, 0, 0, 0, 0), "it claims 0 bytes"],
  ["does not end in 7777", (bytes) => set(bytes, bytes.length - 1, 0), `do not end in "7777"`],
  ["has a section 9", (bytes) => set(bytes, SECTION_4 + 4, 9), "its number is 9, not 1–7"],
  ["has a section without length", (bytes) => set(bytes, SECTION_4 + 3, 4), "it claims 4 bytes"],
  ["has a section past its end", (bytes) => set(bytes, SECTION_7, 1), "remain in the message"],
  ["has no section 5", (bytes) => set(bytes, SECTION_5 + 4, 6), "section 6 follows 4"],
  ["ends after section 6", (bytes) => set(bytes, SECTION_7 + 4, 3), "section 3 follows 6"],
  [
    "has no date",
    (bytes) => set(bytes, SECTION_1 + 14, 13),
    "2024-13-29 12:0:0, which does not exist",
  ],
  ["has 31 November", (bytes) => set(bytes, SECTION_1 + 14, 11, 31), "2024-11-31"],
  ["has a section too short for its template", shortenProduct, "Cannot read section 4: it ends"],
  ["has another product", (bytes) => set(bytes, SECTION_4 + 8, 15), "code table 4.0"],
  ["counts time in months", (bytes) => set(bytes, SECTION_4 + 17, 3), "code table 4.4"],
  ["has another packing", (bytes) => set(bytes, SECTION_5 + 10, 40), "code table 5.0"],
  ["packs in 65 bits", (bytes) => set(bytes, SECTION_5 + 19, 65), "at most 64 are supported"],
  ["has values without end", (bytes) => set(bytes, SECTION_5 + 15, 0x7f), "give no finite values"],
  ["has an infinite reference", (bytes) => set(bytes, SECTION_5 + 11, 0x7f, 0x80), "no finite"],
  ["has fewer values than points", (bytes) => set(bytes, SECTION_5 + 8, 1), "without a bitmap"],
  ["has less data than values", (bytes) => set(bytes, SECTION_5 + 19, 9), "do not fit 312 bytes"],
  [
    "has a bitmap that only the centre has",
    (bytes) => set(bytes, SECTION_6 + 5, 1),
    "code table 6.0",
  ],
  ["reuses no bitmap", (bytes) => set(bytes, SECTION_6 + 5, 254), "the previous bitmap"],
  ["has no bits in its bitmap", (bytes) => set(bytes, SECTION_6 + 5, 0), "0 bytes for 312 points"],
];

for (const [name, damage, text] of DAMAGES) {
  Deno.test(`parseFields() throws GribError when the message ${name}`, () => {
    const bytes = copyNamedMessage("template 4.0, 700 hPa");
    const damaged = damage(bytes) ?? bytes;
    assertThrows(() => parseFields(damaged), GribError, text);
  });
}

Deno.test("parseFields() names the section and the offset of a fault in a later message", () => {
  const first = expectedMessages[0]!;
  const bytes = new Uint8Array([
    ...copyMessage(first),
    ...set(copyNamedMessage("template 4.0, 700 hPa"), SECTION_4 + 8, 15),
  ]);
  const error = assertThrows(() => parseFields(bytes), GribError);
  assertEquals(error.section, 4);
  assertEquals(error.offset, first.length + SECTION_4 + 9);
});

for (
  const [name, offset, value, text] of [
    ["splits groups by rows", 21, 0, "code table 5.4"],
    ["has unknown missing values", 22, 3, "code table 5.5"],
    ["has third differences", 47, 3, "code table 5.6"],
    ["has descriptors of 5 octets", 48, 5, "have 5 octets"],
    ["has group widths of 33 bits", 36, 33, "33 and"],
    ["has more groups than values", 31, 0x7f, "groups for 312 values"],
  ] as const
) {
  Deno.test(`parseFields() throws GribError when complex packing ${name}`, () => {
    const bytes = copyNamedMessage("spatial differencing, order 2");
    assertThrows(() => parseFields(set(bytes, SECTION_5 + offset, value)), GribError, text);
  });
}

function set(bytes: Uint8Array, offset: number, ...values: number[]): Uint8Array {
  bytes.set(values, offset);
  return bytes;
}

function append(bytes: Uint8Array, count: number): Uint8Array {
  return new Uint8Array([...bytes, ...new Uint8Array(count)]);
}

/** Moves the border of sections 4 and 5 forward by 10 bytes: 4 is too short, 5 has its header. */
function shortenProduct(bytes: Uint8Array): Uint8Array {
  const middle = bytes.slice(SECTION_5, SECTION_5 + 21);
  const shortened = new Uint8Array([
    ...bytes.subarray(0, SECTION_5 - 10),
    ...middle,
    ...bytes.subarray(SECTION_6),
  ]);
  set(shortened, SECTION_4 + 3, 24);
  new DataView(shortened.buffer).setBigUint64(8, BigInt(shortened.length));
  return shortened;
}

function assertHeader(field: GribField, { header, ...size }: ExpectedField, name: string): void {
  const { product, representation } = field;
  const actual = {
    discipline: field.discipline,
    centre: field.centre,
    subCentre: field.subCentre,
    dataDate: Number(field.referenceTime.toISOString().slice(0, 10).replaceAll("-", "")),
    dataTime: field.referenceTime.getUTCHours() * 100 + field.referenceTime.getUTCMinutes(),
    productDefinitionTemplateNumber: product.template,
    parameterCategory: product.parameterCategory,
    parameterNumber: product.parameterNumber,
    typeOfGeneratingProcess: product.typeOfGeneratingProcess,
    typeOfStatisticalProcessing: product.typeOfStatisticalProcessing,
    typeOfEnsembleForecast: product.typeOfEnsembleForecast,
    perturbationNumber: product.perturbationNumber,
    numberOfForecastsInEnsemble: product.numberOfForecastsInEnsemble,
    dataRepresentationTemplateNumber: representation.template,
    numberOfValues: representation.valueCount,
    bitsPerValue: representation.bitsPerValue,
    binaryScaleFactor: representation.binaryScaleFactor,
    decimalScaleFactor: representation.decimalScaleFactor,
    referenceValue: representation.referenceValue,
    startHours: product.stepRange.startHours,
    endHours: product.stepRange.endHours,
  };
  for (const [key, value] of Object.entries(actual)) assertEquals(value, header[key], key);
  assertEquals(product.level, expectLevel(header, "First"), name);
  const second = header.typeOfSecondFixedSurface === 255
    ? undefined
    : expectLevel(header, "Second");
  assertEquals(product.secondLevel, second, name);
  assertEquals(field.grid.rowCount, size.rowCount, name);
  assertEquals(field.grid.columnCount, size.columnCount, name);
}

function expectLevel(header: ExpectedField["header"], which: "First" | "Second"): Product["level"] {
  const factor = header[`scaleFactorOf${which}FixedSurface`];
  const scaled = header[`scaledValueOf${which}FixedSurface`];
  const isGiven = factor !== undefined && scaled !== undefined;
  return {
    type: header[`typeOf${which}FixedSurface`]!,
    value: isGiven ? Number(`${scaled}e${-factor}`) : undefined,
  };
}
