/**
 * What streaming says at its end: the range of every variable, what was used and what it has cost.
 *
 * @module
 */
import { formatTask } from "../checkpoint/array_task.ts";
import type { Summary } from "../util/reporter.ts";
import { countRejections } from "../ensemble/field_result.ts";
import type { StageContext } from "../storage/mod.ts";
import { summarizeRun } from "./run_summary.ts";
import type { StreamOptions } from "../stream/stream_options.ts";
import type { StreamResult } from "../stream/run_stream.ts";
import { summarize } from "./stream_summary.ts";
import { measureVariables, tabulateVariables } from "./stream_table.ts";
import type { TaskResult } from "../stream/run_task.ts";

/** The summary of streaming, for people and for programs. */
export function summarizeStream(
  options: StreamOptions,
  result: StreamResult | TaskResult,
  context: StageContext,
  startedMs: number,
): Summary {
  const { run, complete, fields, membersUsed, messagesUsed, messagesWanted } = result;
  const ranges = measureVariables(fields, options.maxMembers);
  return summarizeRun(
    {
      run,
      ...("task" in result && { part: `task ${formatTask(result.task)}` }),
      complete,
      table: tabulateVariables(ranges),
      lines: [
        ["fields", describeCount(result)],
        ["members", `${membersUsed.length}`],
        ["messages used", `${messagesUsed} of ${messagesWanted}${describeFaults(result)}`],
        ["second requests", `${result.secondRequests}`],
        "task" in result ? ["kept in", result.work] : ["written", result.path],
      ],
      facts: { ...summarize(options, result, context.storage.counters), variables: ranges },
    },
    context,
    startedMs,
  );
}

/** `18 (variable × step)`. */
function describeCount({ fields }: StreamResult | TaskResult): string {
  if (fields.length === 0) return "none: nothing to do, there are more tasks than fields";
  return `${fields.length} (variable × step)`;
}

/** `: 2 missing, 1 implausible`; nothing where nothing was left out. */
function describeFaults({ fields }: StreamResult | TaskResult): string {
  const counts = Object.entries(countRejections(fields)).filter(([, count]) => count > 0);
  const faults = counts.map(([fault, count]) => `${count} ${fault}`);
  return faults.length > 0 ? `: ${faults.join(", ")}` : "";
}
