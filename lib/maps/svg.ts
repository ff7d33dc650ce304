/**
 * SVG as text: elements with attributes, everything escaped.
 *
 * @module
 */

/** A piece of SVG, as `element` makes it. */
export interface Svg {
  readonly markup: string;
}

/** Attributes of an element; those that are `undefined` are left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

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

/** Numbers with at most three decimals: a thousandth of a unit cannot be seen. */
function formatValue(value: string | number): string {
  return typeof value === "number" ? String(Math.round(value * 1000) / 1000) : value;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
