/**
 * What streaming says at its end: the range of every variable, what was used and what it has cost.
 *
 * @module
 */
import type { Summary } from "../lib/cli/summary.ts";
import { countRejections } from "../lib/ensemble/result.ts";
import type { StageContext } from "./options.ts";
import { summarizeRun } from "./run_summary.ts";
import type { StreamOptions, StreamResult } from "./stream_run.ts";
import { summarize } from "./stream_summary.ts";
import { measureVariables, tabulateVariables } from "./stream_table.ts";

/** The summary of streaming, for people and for programs. */
export function summarizeStream(
  options: StreamOptions,
  result: StreamResult,
  context: StageContext,
  startedMs: number,
): Summary {
  const { run, complete, fields, membersUsed, messagesUsed, messagesWanted } = result;
  const ranges = measureVariables(fields, options.maxMembers);
  const summary = {
    run,
    complete,
    table: tabulateVariables(ranges),
    lines: [
      ["fields", `${fields.length} (variable × step)`],
      ["members", `${membersUsed.length}`],
      ["messages used", `${messagesUsed} of ${messagesWanted}${describeFaults(result)}`],
      ["second requests", `${result.secondRequests}`],
      ["written", result.path],
    ] as const,
    facts: { ...summarize(options, result, context.storage.counters), variables: ranges },
  };
  return summarizeRun(summary, context, startedMs);
}

/** `: 2 missing, 1 implausible`; nothing where nothing was left out. */
function describeFaults({ fields }: StreamResult): string {
  const counts = Object.entries(countRejections(fields)).filter(([, count]) => count > 0);
  const faults = counts.map(([fault, count]) => `${count} ${fault}`);
  return faults.length > 0 ? `: ${faults.join(", ")}` : "";
}
