import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { alignEight, hashBytes, littleEndian, utf8, withChecksum } from "./hdf5_encoding.ts";

Deno.test("hashBytes() gives what the driver of lookup3.c prints", () => {
  // `driver5` of lookup3.c: hashlittle() of these texts with the initial value 0.
  assertEquals(hashBytes([]), 0xdeadbeef);
  assertEquals(hashBytes(utf8("Four score and seven years ago")), 0x17770551);
});

Deno.test("the checksum is that of the bytes before it", () => {
  const bytes = withChecksum([1, 2, 3]);
  assertEquals(bytes.slice(3), littleEndian(hashBytes([1, 2, 3]), 4));
});

Deno.test("numbers beyond 32 bits keep their value", () => {
  assertEquals(littleEndian(2 ** 40 + 258, 8), [2, 1, 0, 0, 0, 1, 0, 0]);
  assertEquals(alignEight([1, 2, 3]), [1, 2, 3, 0, 0, 0, 0, 0]);
  assertEquals(alignEight(new Array(8).fill(1)).length, 8);
});
