import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { GribError } from "./grib_error.ts";
import { parseHeader } from "./headers.ts";
import { parseFields } from "./parse_fields.ts";
import { copyMessage, copyNamedMessage, expectedMessages } from "./messages_fixture.ts";
import { measureMessage } from "./sections.ts";

/** Bytes of a message, fetched in as many steps as its measure asks for. */
function fetchHeader(
  message: Uint8Array,
  firstBytes: number,
): { bytes: Uint8Array; steps: number } {
  let bytes = message.subarray(0, firstBytes);
  for (let steps = 1;; steps++) {
    const { headerBytes } = measureMessage(bytes);
    if (headerBytes <= bytes.length) return { bytes: bytes.subarray(0, headerBytes), steps };
    bytes = message.subarray(0, headerBytes);
  }
}

Deno.test("parseHeader() reads from the first bytes what parseFields() reads from the whole message", () => {
  for (const expected of expectedMessages) {
    const message = copyMessage(expected);
    const { bytes } = fetchHeader(message, 300);
    const { messageOffset: _, bitmap: _1, dataOffset: _2, dataLength: _3, data: _4, ...field } =
      parseFields(message)[0]!;
    assertEquals<unknown>(parseHeader(bytes), field, expected.name);
  }
});

Deno.test("measureMessage() finds the end of section 5 from any first bytes, 16 at least", () => {
  const message = copyNamedMessage("template 4.0, 700 hPa");
  const { bytes } = fetchHeader(message, message.length);
  for (let first = 16; first <= 300; first++) {
    assertEquals(fetchHeader(message, first).bytes.length, bytes.length);
  }
  assertEquals(fetchHeader(message, 300).steps, 1);
  assertEquals(measureMessage(message.subarray(0, 16)).messageBytes, message.length);
});

Deno.test("parseHeader() says how many bytes a header needs that is cut short", () => {
  const message = copyNamedMessage("template 4.0, 700 hPa");
  assertThrows(
    () => parseHeader(message.subarray(0, 60)),
    GribError,
    "and 60 were given; fetch more",
  );
});

Deno.test("measureMessage() throws GribError for bytes that are no message", () => {
  const message = copyNamedMessage("template 4.0, 700 hPa");
  assertThrows(() => measureMessage(message.subarray(1)), GribError, "check the offset");
  assertThrows(() => measureMessage(message.subarray(0, 15)), GribError, "the 15 bytes there");
});

Deno.test("parseHeader() throws GribError for sections out of order", () => {
  const message = copyNamedMessage("template 4.0, 700 hPa");
  message[16 + 4] = 3;
  assertThrows(() => parseHeader(message), GribError, "section 3 follows 0");
});
