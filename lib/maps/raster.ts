/**
 * Pictures to be enlarged without smoothing: a pixel is a cell of a field, or a colour of a
 * palette.
 *
 * @module
 */
import { encode } from "npm:fast-png@8.0.0";
import { type ColorScale, indexColor } from "./color_scale.ts";
import { type Palette, PALETTE_COLORS } from "./palettes.ts";
import { element, type Svg } from "./svg.ts";

/** The rectangle that a picture fills. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The cells of a field in the colours of their values; missing values are transparent. */
export function drawCells(
  values: Float32Array,
  columns: number,
  scale: ColorScale,
  box: Box,
): Svg {
  const { colors } = scale.palette;
  const pixels = new Uint8Array(4 * values.length);
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]!)) continue;
    const color = 3 * indexColor(scale, values[i]!);
    pixels.set(colors.subarray(color, color + 3), 4 * i);
    pixels[4 * i + 3] = 255;
  }
  return drawPicture(pixels, columns, 4, box);
}

/** All colours of a palette, side by side. */
export function drawPalette({ colors }: Palette, box: Box): Svg {
  return drawPicture(colors, PALETTE_COLORS, 3, box);
}

function drawPicture(data: Uint8Array, width: number, channels: number, box: Box): Svg {
  const png = encode({ data, width, height: data.length / channels / width, channels });
  return element("image", {
    ...box,
    preserveAspectRatio: "none",
    // For browsers; the renderer of PNG files needs an option of its own.
    style: "image-rendering:pixelated",
    href: `data:image/png;base64,${png.toBase64()}`,
  });
}
