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

/** How a command reports. */
export interface ReportOptions {
  /** Path of the summary. @default {undefined} (none) */
  summary?: string;
  /** When the command began, in milliseconds since 1970. */
  startedMs: number;
}

/** Writes the summary file, and reports what was converted, left out and implausible. */
export async function reportStream(
  options: StreamOptions,
  result: StreamResult | TaskResult,
  { summary, startedMs }: ReportOptions,
  context: StageContext,
): Promise<void> {
  const { storage, reporter } = context;
  if (summary !== undefined) {
    const json = JSON.stringify(collectFacts(options, result, storage.counters), null, 2);
    await storage.put(summary, [new TextEncoder().encode(`${json}\n`)]);
  }
  for (const line of describeConversions(result.fields)) reporter.info(line);
  for (const line of describeRejections(result.fields)) reporter.warn(line);
  for (const line of describeScarcePoints(result.fields)) reporter.warn(line);
  for (const line of describeFindings(result.fields)) reporter.warn(`implausible: ${line}`);
  reporter.result(summarizeStream(options, result, context, startedMs));
}
