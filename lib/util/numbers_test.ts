import { assertEquals } from "jsr:@std/assert@^1.0.0";
import {
  countUp,
  formatCount,
  formatDuration,
  formatMegabytes,
  release,
  sortUnique,
  toMebibytes,
} from "./numbers.ts";

Deno.test("sortUnique() gives each number once, sorted by value and not by digits", () => {
  assertEquals(sortUnique([100, 36, 9, 36, -3]), [-3, 9, 36, 100]);
  assertEquals(sortUnique([]), []);
});

Deno.test("countUp() counts from 0", () => {
  assertEquals([countUp(3), countUp(0)], [[0, 1, 2], []]);
});

Deno.test("toMebibytes() rounds up, so that what it counts fits", () => {
  assertEquals([1, 2 ** 20, 2 ** 20 + 1, 2e9].map(toMebibytes), [1, 1, 2, 1908]);
});

Deno.test("formatMegabytes() gives a decimal below 100 MB", () => {
  assertEquals([0, 9_120_000, 99_940_000, 1e8].map(formatMegabytes), ["0.0", "9.1", "99.9", "100"]);
});

Deno.test("formatCount() gives a decimal to fractions only", () => {
  assertEquals([85, 8.388608].map(formatCount), ["85", "8.4"]);
});

Deno.test("formatDuration() rounds up and changes its units with the size", () => {
  const durations = [0.2, 59, 59.1, 185, 3600, 7860].map(formatDuration);
  assertEquals(durations, ["1 s", "59 s", "1 min 0 s", "3 min 5 s", "1 h 0 min", "2 h 11 min"]);
});

Deno.test("release() takes the memory of arrays, also of parts of them", () => {
  const whole = new Float64Array(1000);
  const bytes = new Uint8Array(1000);
  const part = bytes.subarray(10, 20);
  release(whole, part);
  assertEquals([whole, bytes, part].map(({ buffer }) => buffer.byteLength), [0, 0, 0]);
});
