/**
 * SVG as text: elements with attributes, everything escaped, and lines of text whose width is
 * known.
 *
 * @module
 */
import fonts from "./fonts.json" with { type: "json" };

/** A piece of SVG, made by `element()`. */
export interface Svg {
  readonly markup: string;
}

/** Attributes of an element; `undefined` ones are left out. */
type Attributes = Readonly<Record<string, string | number | undefined>>;

/** An element. Text among its children is escaped, elements are not. */
export function element(
  name: string,
  attributes: Attributes,
  ...children: readonly (Svg | string)[]
): Svg {
  const written = Object.entries(attributes).map(([key, value]) =>
    value === undefined ? "" : ` ${key}="${escapeText(formatValue(value))}"`
  );
  const content = children.map((child) =>
    typeof child === "string" ? escapeText(child) : child.markup
  );
  const head = `<${name}${written.join("")}`;
  return { markup: content.length === 0 ? `${head}/>` : `${head}>${content.join("")}</${name}>` };
}

/** Numbers get at most three decimals: a thousandth of a unit is invisible. */
function formatValue(value: string | number): string {
  return typeof value === "number" ? String(Math.round(value * 1000) / 1000) : value;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

type Weight = "normal" | "bold";

/** The style of a line of text. */
export interface TextStyle {
  size: number;
  /** @default {"normal"} */
  weight?: Weight;
  /** Part of the text that lies at the point. @default {"start"} */
  anchor?: "start" | "middle" | "end";
  /** @default {that of {@linkcode TEXT_ATTRIBUTES}} */
  fill?: string;
  /** Largest width: longer text becomes smaller. @default {Infinity} */
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

/** Width of a line of text; a letter that the fonts lack counts as a wide one. */
function measureText(text: string, size: number, weight: Weight = "normal"): number {
  return size * [...text].reduce((sum, letter) => sum + (ADVANCES[weight].get(letter) ?? 1), 0);
}

/** A line of text whose base line is at a point. */
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

/** The fonts as part of an SVG, so that it looks the same everywhere. */
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

/** Attributes of an element that contains text. */
export const TEXT_ATTRIBUTES = { "font-family": `${fonts.family}, sans-serif`, fill: "#1a1a1a" };

/** The fonts as TrueType files. */
export function decodeFonts(): Uint8Array[] {
  return [fonts.normal, fonts.bold].map(({ file }) => Uint8Array.fromBase64(file));
}
