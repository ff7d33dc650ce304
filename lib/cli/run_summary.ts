/**
 * The summary of a run at the end of a command.
 *
 * @module
 */
import { formatMegabytes } from "../util/numbers.ts";
import type { Summary } from "../util/reporter.ts";
import { describeRun, type Run, runLabel } from "../ecmwf/run.ts";
import type { StageContext } from "../storage/mod.ts";

/** What a command made of a run. */
export interface RunSummary extends Pick<Summary, "lines" | "facts"> {
  run: Run;
  /** The part of the run that was made, in words. @default {undefined} (all) */
  part?: string;
  complete: boolean;
  table?: Summary["table"];
}

/** The summary of a run: whether it is complete, what was made, requests, bytes and time. */
export function summarizeRun(
  { run, part, complete, table, lines, facts }: RunSummary,
  { storage }: StageContext,
  startedMs: number,
): Summary {
  const { requests, retries, bytesReceived } = storage.counters;
  const seconds = (Date.now() - startedMs) / 1000;
  const name = part === undefined ? describeRun(run) : `${describeRun(run)}, ${part}`;
  return {
    title: `${name}: ${complete ? "complete" : "INCOMPLETE, see the warnings"}`,
    ...(table && { table }),
    lines: [
      ...lines,
      ["requests", `${requests}, ${retries} of them retries`],
      ["received", `${formatMegabytes(bytesReceived)} MB`],
      ["time", `${seconds.toFixed(1)} s`],
    ],
    facts: { run: runLabel(run), complete, ...facts, requests, retries, bytesReceived, seconds },
  };
}
