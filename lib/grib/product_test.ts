import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { GribError } from "./grib_error.ts";
import { parseFields } from "./parse_fields.ts";
import { copyNamedMessage } from "./messages_fixture.ts";
import type { Product } from "./product.ts";

/** Where section 4 of these messages begins. */
const SECTION_4 = 16 + 21 + 72;

/** The product of a message with some octets of section 4 (counted from 1) replaced. */
function productOf(name: string, octets: Record<number, number[]> = {}): Product {
  const bytes = copyNamedMessage(name);
  for (const [octet, values] of Object.entries(octets)) {
    bytes.set(values, SECTION_4 + Number(octet) - 1);
  }
  return parseFields(bytes)[0]!.product;
}

Deno.test("readProduct() reads a negative scaled value as sign and magnitude", () => {
  const { level } = productOf("template 4.0, 700 hPa", { 24: [1], 25: [0x80, 0, 0, 15] });
  assertEquals(level, { type: 100, value: -1.5 });
});

Deno.test("readProduct() reads a forecast time before the reference time", () => {
  const { stepRange } = productOf("template 4.0, 700 hPa", { 19: [0x80, 0, 0, 6] });
  assertEquals(stepRange, { startHours: -6, endHours: -6 });
});

Deno.test("readProduct() multiplies a level by a negative scale factor", () => {
  const { level } = productOf("template 4.0, 700 hPa", { 24: [0x82], 25: [0, 0, 0, 7] });
  assertEquals(level, { type: 100, value: 700 });
});

Deno.test("readProduct() gives a level without value where the message has none", () => {
  const missing = [0xff, 0xff, 0xff, 0xff];
  assertEquals(productOf("template 4.0, 700 hPa", { 25: missing }).level.value, undefined);
  assertEquals(productOf("template 4.0, 700 hPa", { 24: [0xff] }).level.value, undefined);
});

Deno.test("readProduct() ends the interval where it says when there are several time ranges", () => {
  const { stepRange } = productOf("template 4.8, accumulated", { 42: [2], 50: [0, 0, 0, 1] });
  assertEquals(stepRange, { startHours: 0, endHours: 36 });
});

Deno.test("readProduct() ends the interval where it says when the time range has no length", () => {
  const name = "template 4.8, accumulated";
  const { stepRange } = productOf(name, { 50: [0xff, 0xff, 0xff, 0xff] });
  assertEquals(stepRange, { startHours: 0, endHours: 36 });
});

Deno.test("readProduct() throws GribError when several time ranges have no end", () => {
  assertThrows(
    () => productOf("template 4.8, accumulated", { 36: [0, 0, 0], 42: [2] }),
    GribError,
    "which does not exist",
  );
});
