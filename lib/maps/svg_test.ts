import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { element } from "./svg.ts";

Deno.test("element() escapes text and attributes, and takes elements as they are", () => {
  const label = element("text", { id: 'a"b' }, "1 < 2 & 3");
  assertEquals(label.markup, '<text id="a&quot;b">1 &lt; 2 &amp; 3</text>');
  assertEquals(element("g", {}, label).markup, `<g>${label.markup}</g>`);
});

Deno.test("element() leaves out what is undefined and rounds numbers", () => {
  const attributes = { x: 1 / 3, y: undefined, z: 0 };
  assertEquals(element("rect", attributes).markup, '<rect x="0.333" z="0"/>');
});
