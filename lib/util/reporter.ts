/**
 * What a command tells while it works: lines, warnings, how far it is, and what came of it.
 *
 * @module
 */
import type { Summary } from "../cli/summary.ts";

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

/** A reporter that tells nothing. */
export const silentReporter: Reporter = {
  info() {},
  warn() {},
  progress: () => ({ advance() {}, finish() {} }),
  result() {},
};
