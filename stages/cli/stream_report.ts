/**
 * What streaming left → the lines, the closing summary and the summary file of a command.
 *
 * @module
 */
import { type RunSummary, summarizeRun } from "../../lib/cli/run_summary.ts";
import { collectFacts, summarizeStream } from "../../lib/cli/stream_summary.ts";
import {
  describeConversions,
  describeFindings,
  describeRejections,
  describeScarcePoints,
} from "../../lib/ensemble/field_result.ts";
import type { StageContext } from "../../lib/storage/mod.ts";
import type { StreamOptions } from "../../lib/stream/stream_options.ts";
import type { DoneResult, StreamResult, TaskResult } from "../../lib/stream/stream_result.ts";

/** What a command of streaming left. */
type Left = StreamResult | TaskResult | DoneResult;

/** Writes the summary file. @param path @default {undefined} (none is written) */
export async function writeSummary(
  path: string | undefined,
  options: StreamOptions,
  result: Left,
  { storage }: StageContext,
): Promise<void> {
  if (path === undefined) return;
  const facts = "entry" in result
    ? factsOfDone(result)
    : collectFacts(options, result, storage.counters);
  const json = JSON.stringify(facts, null, 2);
  await storage.put(path, [new TextEncoder().encode(`${json}\n`)]);
}

/** Reports what was converted, left out and implausible, and the summary. */
export function reportStream(
  options: StreamOptions,
  result: Left,
  context: StageContext,
  startedMs: number,
): void {
  const { reporter } = context;
  if ("entry" in result) {
    reporter.info(`already done: ${result.path}, made at ${result.entry.time}`);
    return reporter.result(summarizeRun(describeDone(result), context, startedMs));
  }
  for (const line of describeConversions(result.fields)) reporter.info(line);
  for (const line of describeRejections(result.fields)) reporter.warn(line);
  for (const line of describeScarcePoints(result.fields)) reporter.warn(line);
  for (const line of describeFindings(result.fields)) reporter.warn(`implausible: ${line}`);
  reporter.result(summarizeStream(options, result, context, startedMs));
}

function describeDone(result: DoneResult): RunSummary {
  const { run, path, complete } = result;
  return {
    run,
    complete,
    part: "already done",
    lines: [["is there", path]],
    facts: factsOfDone(result),
  };
}

/** For programs: what is there, and since when. */
function factsOfDone({ path, complete, entry: { time, messages } }: DoneResult) {
  return { complete, output: path, alreadyDone: true, madeAt: time, ...(messages && { messages }) };
}
