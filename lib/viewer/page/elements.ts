/// <reference lib="dom" />
/**
 * The elements of the page, and its messages.
 *
 * @module
 */

/** The element with an id. */
export function find<Type extends Element = HTMLElement>(id: string): Type {
  const element = document.getElementById(id);
  if (!element) throw new Error(`Cannot find #${id} in the page`);
  return element as Element as Type;
}

/** Shows why the page does not work, so that nobody trusts its map. */
export function showFailure(message: string): void {
  const place = find("failure");
  place.textContent = `This page has failed: ${message}`;
  place.hidden = false;
}

/** Announces a text to screen readers. */
export function announce(text: string): void {
  find("announcement").textContent = text;
}
