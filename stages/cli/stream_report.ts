/**
 * What streaming left → the lines, the closing summary and the summary file of a command.
 *
 * @module
 */
import { collectFacts, summarizeStream } from "../../lib/cli/stream_summary.ts";
import {
  describeConversions,
  describeFindings,
  describeRejections,
  describeScarcePoints,
} from "../../lib/ensemble/field_result.ts";
import type { StageContext } from "../../lib/storage/mod.ts";
import type { StreamOptions } from "../../lib/stream/stream_options.ts";
import type { StreamResult, TaskResult } from "../../lib/stream/stream_result.ts";

/** Writes the summary file. @param path @default {undefined} (none is written) */
export async function writeSummary(
  path: string | undefined,
  options: StreamOptions,
  result: StreamResult | TaskResult,
  { storage }: StageContext,
): Promise<void> {
  if (path === undefined) return;
  const json = JSON.stringify(collectFacts(options, result, storage.counters), null, 2);
  await storage.put(path, [new TextEncoder().encode(`${json}\n`)]);
}

/** Reports what was converted, left out and implausible, and the summary. */
export function reportStream(
  options: StreamOptions,
  result: StreamResult | TaskResult,
  context: StageContext,
  startedMs: number,
): void {
  const { reporter } = context;
  for (const line of describeConversions(result.fields)) reporter.info(line);
  for (const line of describeRejections(result.fields)) reporter.warn(line);
  for (const line of describeScarcePoints(result.fields)) reporter.warn(line);
  for (const line of describeFindings(result.fields)) reporter.warn(`implausible: ${line}`);
  reporter.result(summarizeStream(options, result, context, startedMs));
}
