/**
 * Tables of text.
 *
 * @module
 */

/** Columns with a head, and their cells. */
export interface Table {
  columns: readonly Column[];
  /** Cells by row, one a column. */
  rows: readonly (readonly string[])[];
}

/** A column of a table. */
export interface Column {
  head: string;
  /** Side on which its cells stand: numbers of one precision read best on the right. @default "left" */
  align?: "left" | "right";
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
