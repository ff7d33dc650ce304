import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { findLeastBytes } from "./least_bytes.ts";

Deno.test("findLeastBytes() joins the shortest gaps first, within files", () => {
  const files = [
    [{ offset: 0, length: 50 }, { offset: 90, length: 60 }, { offset: 170, length: 5 }],
    [{ offset: 500, length: 10 }, { offset: 600, length: 30 }],
  ];
  assertEquals([9, 5, 4, 3, 2].map((requests) => findLeastBytes(files, requests)), [
    155,
    155,
    175,
    215,
    305,
  ]);
  assertThrows(() => findLeastBytes(files, 1), RangeError, "2 files in 1 requests");
});
