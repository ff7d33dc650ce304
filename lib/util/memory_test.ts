import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { release } from "./memory.ts";

Deno.test("release() takes the memory of arrays, also of parts of them", () => {
  const whole = new Float64Array(1000);
  const bytes = new Uint8Array(1000);
  const part = bytes.subarray(10, 20);
  release(whole, part);
  assertEquals([whole, bytes, part].map(({ buffer }) => buffer.byteLength), [0, 0, 0]);
});
