/// <reference lib="dom" />
/**
 * Tables: the numbers of maps and charts.
 *
 * @module
 */

/** Fills a `table` element: a caption, a row of heads, and rows that begin with a head. */
export function fillTable(
  table: HTMLTableElement,
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  table.replaceChildren();
  table.createCaption().textContent = caption;
  const headRow = table.createTHead().insertRow();
  for (const head of heads) headRow.append(createHead(head, "col"));
  const body = table.createTBody();
  for (const [first = "", ...cells] of rows) {
    const row = body.insertRow();
    row.append(createHead(first, "row"));
    for (const cell of cells) row.insertCell().textContent = cell;
  }
}

/** A head of a column or row. */
export function createHead(text: string, scope: "col" | "row"): HTMLTableCellElement {
  const head = document.createElement("th");
  head.scope = scope;
  head.textContent = text;
  return head;
}
