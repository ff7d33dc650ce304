import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { GribError } from "../grib_error.ts";
import { openBits, readBits, skipBits, skipToByte } from "./bit_cursor.ts";

Deno.test("readBits() reads integers of 0 to 32 bits at any bit, up to the last", () => {
  const stream = Uint8Array.of(0xf0, 0x0d, 0xbe, 0xef, 0x12, 0x34, 0x56, 0x78, 0x9a);
  const bits = [...stream].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  for (let width = 0; width <= 32; width++) {
    for (let start = 0; start + width <= bits.length; start++) {
      const cursor = openBits(stream);
      skipBits(cursor, start);
      assertEquals(readBits(cursor, width), parseInt("0" + bits.slice(start, start + width), 2));
      assertEquals(cursor.bit, start + width);
    }
  }
});

Deno.test("readBits() and skipBits() throw GribError past the end of the stream", () => {
  for (const length of [0, 1, 4, 300]) {
    const cursor = openBits(new Uint8Array(length));
    assertThrows(() => skipBits(cursor, length * 8 + 1), GribError, `ends after ${length} bytes`);
    skipBits(cursor, length * 8);
    assertThrows(() => readBits(cursor, 1), GribError, `ends after ${length} bytes`);
  }
});

Deno.test("skipToByte() stays at a byte boundary and moves to the next from elsewhere", () => {
  const cursor = openBits(new Uint8Array(3));
  for (const [bit, expected] of [[0, 0], [1, 8], [7, 8], [8, 8], [17, 24]] as const) {
    cursor.bit = bit;
    skipToByte(cursor);
    assertEquals(cursor.bit, expected);
  }
});

Deno.test("openBits() throws GribError for a stream with more bits than 31 bits can count", () => {
  assertThrows(() => openBits(new Uint8Array(2 ** 28)), GribError, "268435456 bytes; at most");
});
