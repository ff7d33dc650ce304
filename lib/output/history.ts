/**
 * The global attribute `history` of an output: when it was written, and by what.
 *
 * @module
 */
import type { OutputProfile } from "./profile.ts";

/** Of this program: that of the newest tag which the README names. */
export const VERSION = "0.1.0";

/** What a history follows from. */
export interface HistoryOptions {
  profile: Pick<OutputProfile, "layout">;
  /** The time that the file is of. */
  now: Date;
  /** The command that wrote it. @default {"stream"} */
  commandLine?: string;
}

/**
 * The history of an output: `2026-02-06T08:15:00.000Z gik-deno 0.1.0: stream --date 20260206`. The file
 * whose bytes are fixed names neither version nor command.
 */
export function formatHistory({ profile, now, commandLine }: HistoryOptions): string {
  const time = now.toISOString();
  if (profile.layout.timeAxis === "both") {
    return `${time} written by gik-deno stream from byte references`;
  }
  return `${time} gik-deno ${VERSION}: ${commandLine ?? "stream"}`;
}

/**
 * A command line from its words, as a shell takes it: those with other letters than names and paths have
 * are quoted.
 */
export function joinWords(words: readonly string[]): string {
  return words.map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
  ).join(" ");
}
