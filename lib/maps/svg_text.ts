/**
 * Text whose width is known: DejaVu Sans, cut to the letters that maps need.
 *
 * @module
 */
import fonts from "./fonts.json" with { type: "json" };
import { element, type Svg } from "./svg.ts";

type Weight = "normal" | "bold";

/** How a line of text is set. */
export interface TextStyle {
  size: number;
  /** @default {"normal"} */
  weight?: Weight;
  /** Which part of the text is at the point. @default {"start"} */
  anchor?: "start" | "middle" | "end";
  /** @default {that of {@linkcode TEXT_ATTRIBUTES}} */
  fill?: string;
  /** Room for it: text that is longer is set smaller. @default {Infinity} */
  width?: number;
}

const UNITS_PER_EM = 2048;
const ADVANCES: Readonly<Record<Weight, ReadonlyMap<string, number>>> = {
  normal: listAdvances("normal"),
  bold: listAdvances("bold"),
};

function listAdvances(weight: Weight): Map<string, number> {
  const advances = fonts[weight].advances.split(" ").map(Number);
  return new Map([...fonts.letters].map((letter, i) => [letter, advances[i]! / UNITS_PER_EM]));
}

/** Width of a line of text; a letter that the fonts do not have counts as a wide one. */
export function measureText(text: string, size: number, weight: Weight = "normal"): number {
  return size * [...text].reduce((sum, letter) => sum + (ADVANCES[weight].get(letter) ?? 1), 0);
}

/** A line of text with its base line at a point. */
export function drawText(text: string, x: number, y: number, style: TextStyle): Svg {
  const { size, weight, anchor, fill, width = Infinity } = style;
  return element("text", {
    x,
    y,
    "font-size": size * Math.min(1, width / measureText(text, size, weight)),
    "font-weight": weight,
    "text-anchor": anchor,
    fill,
  }, text);
}

/** The fonts as an SVG carries them, so that it looks the same everywhere. */
export function drawFonts(): Svg {
  const rule = (weight: string, font: string) =>
    `@font-face{font-family:"${fonts.family}";font-weight:${weight};` +
    `src:url(data:font/ttf;base64,${font})}`;
  return element(
    "style",
    {},
    `${rule("normal", fonts.normal.file)}${rule("bold", fonts.bold.file)}`,
  );
}

/** Attributes of whatever holds text. */
export const TEXT_ATTRIBUTES = { "font-family": `${fonts.family}, sans-serif`, fill: "#1a1a1a" };

/** The fonts as files in the TrueType format. */
export function decodeFonts(): Uint8Array[] {
  return [fonts.normal, fonts.bold].map(({ file }) => Uint8Array.fromBase64(file));
}
