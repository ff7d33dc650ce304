/**
 * The interface through which work reports lines, warnings, progress and its result.
 *
 * @module
 */

/** Receives what a command reports. */
export interface Reporter {
  /** Reports a line. */
  info(line: string): void;
  /** Reports a line that the user should not miss; shown even when the command is quiet. */
  warn(line: string): void;
  /**
   * Starts to report the progress of work.
   *
   * @param total in the unit of {@linkcode Progress.advance}.
   * @param traffic bytes and retries of the work. @default {undefined} (they are not reported)
   */
  progress(label: string, total: number, traffic?: Traffic): Progress;
  /** Reports what the command has made, at its end. */
  result(summary: Summary): void;
  /**
   * Takes what says, when nothing was reported for a while, what is awaited. @default {undefined} (silences
   * are not explained)
   */
  explainSilence?(explain: () => string | undefined): void;
}

/** Work under way. */
export interface Progress {
  /** Adds to the work done, with a few words on it. */
  advance(amount: number, note?: string): void;
  /** Ends the report, and removes it from a terminal. */
  finish(): void;
}

/** Bytes moved and attempts repeated since a fixed moment; called at each report of progress. */
export type Traffic = () => { bytes: number; retries: number };

/** The result of a command, for people and for programs. */
export interface Summary {
  /** For example `20260206 00 UTC: complete`. */
  title: string;
  /** Stands between the title and the lines. @default {undefined} (no table) */
  table?: Table;
  /** Labels, each with its value in words. */
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
  /** Alignment of its cells; numbers of one precision read best on the right. @default "left" */
  align?: "left" | "right";
}

/** How a command ended. */
export interface Outcome {
  /** Whether the output holds everything that was requested. */
  complete: boolean;
  /** Printed to standard output as text, or as a result with `--json`. @default nothing is printed */
  printed?: { text: string; facts: Summary["facts"] };
}

/** A reporter that reports nothing. */
export const silentReporter: Reporter = {
  info() {},
  warn() {},
  progress: () => ({ advance() {}, finish() {} }),
  result() {},
};
