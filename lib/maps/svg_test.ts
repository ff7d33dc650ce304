import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { initWasm, Resvg } from "npm:@resvg/resvg-wasm@2.6.2";
import resvg from "./resvg_module.js";
import { decodeFonts, drawText, element, TEXT_ATTRIBUTES } from "./svg.ts";
import { measureText } from "./svg_fixture.ts";

await initWasm(resvg);

Deno.test("element() escapes text and attributes, but not child elements", () => {
  const label = element("text", { id: 'a"b' }, "1 < 2 & 3");
  assertEquals(label.markup, '<text id="a&quot;b">1 &lt; 2 &amp; 3</text>');
  assertEquals(element("g", {}, label).markup, `<g>${label.markup}</g>`);
});

Deno.test("element() leaves out what is undefined and rounds numbers", () => {
  const attributes = { x: 1 / 3, y: undefined, z: 0 };
  assertEquals(element("rect", attributes).markup, '<rect x="0.333" z="0"/>');
});

/** Width of the visible part of a rendered text. */
function measureInk(text: string, size: number, weight: "normal" | "bold"): number {
  const line = drawText(text, 10, size, { size, weight });
  const svg = element(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", width: 3000, height: 2 * size, ...TEXT_ATTRIBUTES },
    line,
  );
  const renderer = new Resvg(svg.markup, { font: { fontBuffers: decodeFonts() } });
  return renderer.getBBox()!.width;
}

Deno.test("drawText() lays text out for the width that the renderer draws", () => {
  for (const weight of ["normal", "bold"] as const) {
    for (
      const text of ["total precipitation, 0–48 h", "−10 m s⁻¹ (kg m⁻²) 25°N ·", "Wildly WIDE"]
    ) {
      const [measured, ink] = [measureText(text, 40, weight), measureInk(text, 40, weight)];
      // A letter has some white on both sides.
      assert(measured >= ink && measured - ink < 10, `${text}: ${measured} and ${ink}`);
    }
  }
});

Deno.test("drawText() shrinks text that is wider than its room", () => {
  const text = "surface net short-wave (solar) radiation";
  const width = measureText(text, 20);
  const sizeIn = (room: number) =>
    Number(/font-size="([\d.]+)"/.exec(drawText(text, 0, 0, { size: 20, width: room }).markup)![1]);
  assertEquals(sizeIn(width + 1), 20);
  assertEquals(sizeIn(width / 2), 10);
});

Deno.test("the fonts contain their licence", () => {
  for (const font of decodeFonts()) {
    const text = new TextDecoder("utf-16be").decode(font.subarray(font.length % 2));
    const shifted = new TextDecoder("utf-16be").decode(font.subarray(1 - font.length % 2));
    assertStringIncludes(text + shifted + new TextDecoder("latin1").decode(font), "Bitstream Vera");
  }
});
