import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { decompressSnappy } from "./snappy.ts";

/** A block: the length of the result in one byte, then elements. */
const block = (...bytes: number[]) => Uint8Array.from(bytes);

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("decompressSnappy() reads texts and copies of every form", () => {
  const [a, b] = [0x61, 0x62];
  assertEquals(text(decompressSnappy(block(2, 1 << 2, a, b), 2)), "ab");
  assertEquals(text(decompressSnappy(block(2, 60 << 2, 1, a, b), 2)), "ab");
  assertEquals(text(decompressSnappy(block(2, 63 << 2, 1, 0, 0, 0, a, b), 2)), "ab");
  // Copies that repeat what they have just written.
  assertEquals(text(decompressSnappy(block(6, 1 << 2, a, b, 1, 2), 6)), "ababab");
  assertEquals(text(decompressSnappy(block(6, 1 << 2, a, b, (3 << 2) + 2, 2, 0), 6)), "ababab");
  const far = block(4, 1 << 2, a, b, (1 << 2) + 3, 2, 0, 0, 0);
  assertEquals(text(decompressSnappy(far, 4)), "abab");
  assertEquals(decompressSnappy(block(0), 0), new Uint8Array());
});

Deno.test("decompressSnappy() refuses damaged blocks, and reads and reserves nothing for them", () => {
  const damaged: [name: string, bytes: Uint8Array, size: number, says: string][] = [
    ["a text of 4 GB", block(2, 63 << 2, 0xff, 0xff, 0xff, 0xff, 1, 1), 2, "a text of 4294967296"],
    ["a text longer than the block", block(5, 4 << 2, 1), 5, "a text of 5 bytes"],
    ["a text longer than the result", block(1, 1 << 2, 1, 1), 1, "a text of 2 bytes"],
    ["a copy from before the result", block(5, 0, 1, 1, 9), 5, "a copy of 4 bytes from 9"],
    ["a copy of nothing", block(5, 0, 1, 1, 0), 5, "a copy of 4 bytes from 0"],
    ["a copy past the result", block(2, 0, 1, 1, 1), 2, "a copy of 4 bytes from 1"],
    ["a length cut off", block(5, 62 << 2, 1), 5, "it ends inside a length"],
    ["too few bytes", block(3, 0, 1), 3, "it holds 1 bytes, not 3"],
    ["a size that no block has", block(3, 0, 1), 2 ** 31, "3 bytes cannot hold 2147483648"],
    ["a negative size", block(3, 0, 1), -1, "3 bytes cannot hold -1"],
  ];
  for (const [name, bytes, size, says] of damaged) {
    assertThrows(() => decompressSnappy(bytes, size), RangeError, says, name);
  }
});
