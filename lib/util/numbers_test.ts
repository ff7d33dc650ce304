import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { sortUnique } from "./numbers.ts";

Deno.test("sortUnique() gives each number once, in the order of their size and not of their digits", () => {
  assertEquals(sortUnique([100, 36, 9, 36, -3]), [-3, 9, 36, 100]);
  assertEquals(sortUnique([]), []);
});
