/**
 * What a command says at its end.
 *
 * @module
 */
import { formatTable, type Table } from "./table.ts";

/** What came of a command, for people and for programs. */
export interface Summary {
  /** For example `20260206 00 UTC: complete`. */
  title: string;
  /** Between the title and the lines. @default {undefined} (there is none) */
  table?: Table;
  /** What is told, and its value in words. */
  lines: readonly (readonly [label: string, value: string])[];
  /** The same for programs: a JSON object, names in camel case, bytes, seconds. */
  facts: Readonly<Record<string, unknown>>;
}

/** The summary as lines, values below each other, without the last line end. */
export function formatSummary({ title, table, lines }: Summary): string {
  const width = Math.max(...lines.map(([label]) => label.length));
  return [
    title,
    ...(table ? [formatTable(table), ""] : []),
    ...lines.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`),
  ].join("\n");
}
