/// <reference lib="dom" />
/**
 * The elements of the page, and what it says.
 *
 * @module
 */

/** The element of that id. */
export function find<Type extends Element = HTMLElement>(id: string): Type {
  const element = document.getElementById(id);
  if (!element) throw new Error(`Cannot find #${id} in the page`);
  return element as Element as Type;
}

/** Tells that the page does not work, and why: never a map that is not true. */
export function showFailure(message: string): void {
  const place = find("failure");
  place.textContent = `This page has failed: ${message}`;
  place.hidden = false;
}

/** Says something to those who listen to the page. */
export function announce(text: string): void {
  find("announcement").textContent = text;
}
