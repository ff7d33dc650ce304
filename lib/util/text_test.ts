import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { findNearest, messageOf, suggestNearest, summarizeLines } from "./text.ts";

Deno.test("messageOf() gives the message of an error, and anything else as text", () => {
  assertEquals(messageOf(new RangeError("too far")), "too far");
  assertEquals([messageOf("stop"), messageOf(undefined)], ["stop", "undefined"]);
});

Deno.test("suggestNearest() ends a message with the nearest name, or adds nothing", () => {
  assertEquals(suggestNearest("step", ["steps"]), "; did you mean steps?");
  assertEquals(suggestNearest("x", ["steps"]), "");
});

Deno.test("findNearest() finds the name with the fewest letters changed, added or left out", () => {
  const names = ["source", "steps", "region"];
  assertEquals(findNearest("sorce", names), "source");
  assertEquals(findNearest("stepss", names), "steps");
  assertEquals(findNearest("regoin", names), "region");
});

Deno.test("findNearest() finds none when more than two letters and a third of them differ", () => {
  assertEquals(findNearest("variables", ["source", "steps"]), undefined);
  assertEquals(findNearest("abc", ["xyz"]), undefined);
  assertEquals(findNearest("abc", []), undefined);
});

Deno.test("summarizeLines() gives the first lines and how many follow", () => {
  assertEquals(summarizeLines([]), "");
  assertEquals(summarizeLines(["a", "b", "c"]), "a; b; c");
  assertEquals(summarizeLines(["a", "b", "c", "d", "e"]), "a; b; c; and 2 more");
  assertEquals(summarizeLines(["a", "b"], 1), "a; and 1 more");
});
