/**
 * The width of text in figures, for tests.
 *
 * @module
 */
import { drawText } from "./svg.ts";

/**
 * The width for which text of a size is laid out, from how far it shrinks to fit a narrower one.
 */
export function measureText(text: string, size: number, weight?: "normal" | "bold"): number {
  const [emSize, width] = [1e6, 1e4];
  const { markup } = drawText(text, 0, 0, { size: emSize, weight, width });
  return size * width / Number(/font-size="([\d.]+)"/.exec(markup)![1]);
}
