/**
 * SVG to PNG, with a renderer in WebAssembly.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { initWasm, Resvg } from "npm:@resvg/resvg-wasm@2.6.2";
import resvg from "./resvg_module.js";
import { decodeFonts } from "./svg.ts";

const NEAREST = 1;
const METRES_PER_INCH = 0.0254;

let ready: Promise<void> | undefined;

/**
 * Renders an SVG whose size is in inches.
 *
 * Pictures in it are enlarged without smoothing; its text can use only the fonts of `svg.ts`. The
 * first call compiles the renderer (30 ms). No permissions are needed.
 *
 * @param dpi pixels an inch; also stored in the file, for printing.
 */
export async function renderPng(svg: string, dpi: number): Promise<Uint8Array<ArrayBuffer>> {
  await (ready ??= initWasm(resvg));
  const renderer = new Resvg(svg, {
    fitTo: { mode: "zoom", value: dpi / 96 },
    imageRendering: NEAREST,
    font: { fontBuffers: decodeFonts() },
  });
  const image = renderer.render();
  try {
    return insertDensity(image.asPng(), Math.round(dpi / METRES_PER_INCH));
  } finally {
    image.free();
    renderer.free();
  }
}

/** Inserts the chunk pHYs (PNG, 11.3.4.3) after the header: pixels a metre, in both directions. */
function insertDensity(png: Uint8Array, pixelsPerMetre: number): Uint8Array<ArrayBuffer> {
  const headerEnd = 33; // signature 8, then length, name, 13 bytes and checksum of IHDR
  const chunk = new Uint8Array(21);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, 9);
  chunk.set(new TextEncoder().encode("pHYs"), 4);
  view.setUint32(8, pixelsPerMetre);
  view.setUint32(12, pixelsPerMetre);
  view.setUint8(16, 1); // the unit is the metre
  view.setUint32(17, crc32(chunk.subarray(4, 17)));
  const whole = new Uint8Array(png.length + chunk.length);
  whole.set(png.subarray(0, headerEnd));
  whole.set(chunk, headerEnd);
  whole.set(png.subarray(headerEnd), headerEnd + chunk.length);
  return whole;
}
