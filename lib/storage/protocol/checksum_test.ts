import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { Buffer } from "node:buffer";
import { CRC32C } from "npm:@google-cloud/storage@8.4.0";
import { crc32c } from "./checksum.ts";

Deno.test("crc32c() gives the checksums of RFC 3720 appendix B.4, big-endian", () => {
  const checksums = [
    new Uint8Array(32),
    new Uint8Array(32).fill(0xff),
    Uint8Array.from({ length: 32 }, (_, i) => i),
  ].map((bytes) => Uint8Array.fromBase64(crc32c(bytes)).toHex());
  assertEquals(checksums, ["8a9136aa", "62a8ab43", "46dd794e"]);
  assertEquals(crc32c(new Uint8Array()), "AAAAAA==");
});

Deno.test("crc32c() agrees with the storage SDK's own class on any bytes", () => {
  for (const length of [1, 7, 1000, 65_536]) {
    const bytes = crypto.getRandomValues(new Uint8Array(length));
    const expected = new CRC32C();
    expected.update(Buffer.from(bytes));
    assertEquals(crc32c(bytes), expected.toString());
  }
});
