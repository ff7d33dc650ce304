/**
 * What streaming was asked for, what it cost and what came of it, for machines.
 *
 * @module
 */
import { resourceUsage } from "node:process";
import { formatTask } from "../checkpoint/array_task.ts";
import { runLabel } from "../ecmwf/run.ts";
import { countRejections, describeFindings, describeRejections } from "../ensemble/field_result.ts";
import type { StorageCounters } from "../storage/mod.ts";
import type { StreamOptions } from "../stream/stream_options.ts";
import type { StreamResult } from "../stream/run_stream.ts";
import type { TaskResult } from "../stream/run_task.ts";

/** The summary of a result, to be written as JSON. */
export function summarize(
  options: StreamOptions,
  result: StreamResult | TaskResult,
  counters: Readonly<StorageCounters>,
) {
  const { fields, messagesWanted, messagesUsed } = result;
  const left = countRejections(fields);
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
      region: options.region ?? options.profile.region,
      members: options.maxMembers,
      minMembers: options.minMembers ?? 1,
      dropImplausible: options.dropImplausible ?? false,
    },
    fields: { wanted: fields.length, takenOver: result.fieldsTakenOver },
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
      implausibleUsed: fields.reduce((sum, { reduced }) => sum + reduced.implausible.length, 0),
      /** Left out, by reason. */
      left,
    },
    findings: { leftOut: describeRejections(fields), implausible: describeFindings(fields) },
    phasesMs: result.phasesMs,
    peakMemoryBytes: resourceUsage().maxRSS * 1024,
  };
}
