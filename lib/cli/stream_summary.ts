/**
 * The closing summary of streaming: for people, with the range of every variable, and for programs.
 *
 * @module
 */
import { resourceUsage } from "node:process";
import { formatTask } from "../checkpoint/array_task.ts";
import { chooseMembers } from "../ecmwf/members.ts";
import { runLabel } from "../ecmwf/run.ts";
import {
  countRejections,
  describeFindings,
  describeRejections,
  sumConversions,
} from "../ensemble/field_result.ts";
import { formatTargetGrid } from "../output/target_grid.ts";
import type { StageContext, StorageCounters } from "../storage/mod.ts";
import { chooseExtent, type StreamOptions } from "../stream/stream_options.ts";
import type { StreamResult, TaskResult } from "../stream/stream_result.ts";
import type { Summary } from "../util/reporter.ts";
import { summarizeRun } from "./run_summary.ts";
import { measureVariables, tabulateVariables } from "./variable_ranges.ts";

/** The summary of streaming for people; its facts are those of `collectFacts` and the ranges. */
export function summarizeStream(
  options: StreamOptions,
  result: StreamResult | TaskResult,
  context: StageContext,
  startedMs: number,
): Summary {
  const { run, complete, fields, membersUsed, messagesUsed, messagesWanted } = result;
  const absent = listUnpublished(result);
  const wanted = chooseMembers(options, options.profile.members);
  const ranges = measureVariables(fields, wanted.length);
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
        ...(absent.length > 0 ? [["not published", absent.join(", ")] as const] : []),
        ["second requests", `${result.secondRequests}`],
        "task" in result ? ["saved in", result.work] : ["written", result.path],
      ],
      facts: { ...collectFacts(options, result, context.storage.counters), variables: ranges },
    },
    context,
    startedMs,
  );
}

/** Variables and fields that ECMWF did not publish: `tcc`, `tp (0 h)`. */
function listUnpublished({ unpublished }: StreamResult | TaskResult): string[] {
  return [
    ...unpublished.variables.map(({ name }) => name),
    ...unpublished.fields.map(({ variable, stepHours }) => `${variable.name} (${stepHours} h)`),
  ];
}

/** `18 (variable × step)`. */
function describeCount(result: StreamResult | TaskResult): string {
  const { fields } = result;
  if (fields.length === 0 && !("task" in result)) return "none: the archive has this run";
  if (fields.length === 0) return "none: nothing to do, there are more tasks than fields";
  return `${fields.length} (variable × step)`;
}

/** `: 2 missing, 1 implausible`; nothing where nothing was left out. */
function describeFaults({ fields }: StreamResult | TaskResult): string {
  const counts = Object.entries(countRejections(fields)).filter(([, count]) => count > 0);
  const faults = counts.map(([fault, count]) => `${count} ${fault}`);
  return faults.length > 0 ? `: ${faults.join(", ")}` : "";
}

/** What was asked for, what came of it and what it cost: the JSON object of `--summary`. */
export function collectFacts(
  options: StreamOptions,
  result: StreamResult | TaskResult,
  counters: Readonly<StorageCounters>,
) {
  const { fields, messagesWanted, messagesUsed } = result;
  const left = countRejections(fields);
  const { region, grid } = chooseExtent(options);
  return {
    complete: result.complete,
    ...("task" in result
      ? { task: formatTask(result.task), work: result.work }
      : { output: result.path }),
    asked: {
      run: runLabel(result.run),
      profile: options.profile.name,
      variables: [...new Set(fields.map(({ variable }) => variable.name))],
      steps: [...new Set(fields.map(({ stepHours }) => stepHours))],
      region,
      ...(grid && { grid: grid.corners ? formatTargetGrid(grid) : grid.spacing }),
      members: options.maxMembers,
      minMembers: options.minMembers ?? 1,
      dropImplausible: options.dropImplausible ?? false,
    },
    fields: { wanted: fields.length, takenOver: result.fieldsResumed },
    notPublished: listUnpublished(result),
    fetched: {
      requests: counters.requests,
      requestsByHost: counters.requestsByHost,
      retries: counters.retries,
      secondRequests: result.secondRequests,
      bytes: counters.bytesReceived,
    },
    messages: {
      wanted: messagesWanted,
      decoded: messagesUsed + left.implausible + left.scarce,
      used: messagesUsed,
      converted: sumConversions(fields.map(({ reduced }) => reduced))
        .reduce((sum, { messages }) => sum + messages, 0),
      implausibleUsed: fields.reduce((sum, { reduced }) => sum + reduced.implausible.length, 0),
      /** Left out, by reason. */
      left,
    },
    findings: { leftOut: describeRejections(fields), implausible: describeFindings(fields) },
    phasesMs: result.phasesMs,
    peakMemoryBytes: resourceUsage().maxRSS * 1024,
  };
}
