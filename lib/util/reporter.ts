/**
 * What a command tells while it works: lines, warnings, how far it is, and what came of it.
 *
 * @module
 */

/** Receives what a command tells. */
export interface Reporter {
  /** A line for the user. */
  info(line: string): void;
  /** A line that the user should not miss. */
  warn(line: string): void;
  /**
   * Starts to tell how far some work is.
   *
   * @param traffic what the work moves meanwhile. @default {undefined} (it is not told)
   */
  progress(label: string, total: number, traffic?: Traffic): Progress;
  /** What a command has made, at its end. */
  result(summary: Summary): void;
}

/** Work under way. */
export interface Progress {
  /** Adds to the work done, with a few words on it. */
  advance(amount: number, note?: string): void;
  /** Ends it; nothing of it stays on a terminal. */
  finish(): void;
}

/** Bytes moved and attempts repeated since some moment; asked whenever progress is told. */
export type Traffic = () => { bytes: number; retries: number };

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

/** What a command did. */
export interface Outcome {
  /** Whether everything that was asked for is in the output. */
  complete: boolean;
  /** What goes to standard output as text, or as a result with `--json`. @default nothing does */
  printed?: { text: string; facts: Summary["facts"] };
}

/** A reporter that tells nothing. */
export const silentReporter: Reporter = {
  info() {},
  warn() {},
  progress: () => ({ advance() {}, finish() {} }),
  result() {},
};
