/**
 * The text of a summary and of a table.
 *
 * @module
 */
import type { Summary, Table } from "../util/reporter.ts";

/** The summary as lines, values below each other, without the last line end. */
export function formatSummary({ title, table, lines }: Summary): string {
  const width = Math.max(...lines.map(([label]) => label.length));
  return [
    title,
    ...(table ? [formatTable(table), ""] : []),
    ...lines.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`),
  ].join("\n");
}

/** The table with its columns below each other, indented like the lines of a summary. */
export function formatTable({ columns, rows }: Table): string {
  const all = [columns.map(({ head }) => head), ...rows];
  const widths = columns.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return all.map((row) => {
    const cells = row.map((cell, i) =>
      columns[i]!.align === "right" ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)
    );
    return `  ${cells.join("  ")}`.trimEnd();
  }).join("\n");
}
