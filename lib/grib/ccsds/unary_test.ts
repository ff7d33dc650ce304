import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { makeRandom } from "../../../fixtures/ccsds/signals.ts";
import { GribError } from "../grib_error.ts";
import { openBits } from "./bit_cursor.ts";
import { countOnes, skipUnary } from "./unary.ts";

const random = makeRandom(5);
const stream = Uint8Array.from({ length: 200 }, (_, i) => i % 50 < 10 ? 0 : random() * 256);
const bits = [...stream].map((byte) => byte.toString(2).padStart(8, "0")).join("");

Deno.test("skipUnary() ends after the one that ends the last code, from any bit", () => {
  for (let start = 0; start < 400; start++) {
    let end = start;
    for (let count = 1; count <= 64; count++) {
      end = bits.indexOf("1", end) + 1;
      const cursor = openBits(stream);
      cursor.bit = start;
      skipUnary(cursor, count);
      assertEquals(cursor.bit, end, `${count} codes from bit ${start}`);
    }
  }
});

Deno.test("skipUnary() throws GribError when the stream has fewer codes", () => {
  const ones = bits.replaceAll("0", "").length;
  skipUnary(openBits(stream), ones);
  assertThrows(() => skipUnary(openBits(stream), ones + 1), GribError, "ends after 200 bytes");
});

Deno.test("countOnes() counts the ones of a word, its highest bit too", () => {
  for (const [word, ones] of [[0, 0], [-1, 32], [0x80000000 | 0, 1], [0x01020408, 4]] as const) {
    assertEquals(countOnes(word), ones);
  }
});
