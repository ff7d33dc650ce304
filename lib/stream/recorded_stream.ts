/**
 * Streaming and merging with a record: an output that is there already is not made again, and one of
 * another command is not replaced.
 *
 * @module
 */
import type { LedgerEntry } from "../runs/ledger.ts";
import { OutputRecord, type OutputRules } from "../runs/output_record.ts";
import {
  findVersions,
  markVersions,
  sameMarks,
  type SourceVersions,
} from "../runs/source_versions.ts";
import { EarlyPool } from "../ensemble/decode_pool.ts";
import type { StageContext } from "../storage/mod.ts";
import { chooseRegion } from "./fetch_fields.ts";
import { FieldSession } from "./field_session.ts";
import { locateRun } from "./output_format.ts";
import { runStream, type StreamHooks } from "./run_stream.ts";
import type { StreamOptions } from "./stream_options.ts";
import type { DoneResult, FieldsCount, StreamResult } from "./stream_result.ts";
import { removeFields } from "./write_output.ts";

/**
 * Does what `runStream` does, unless an earlier command made the same output of the same files: then no
 * message is fetched. Costs one HEAD a file besides, and two writings of the ledger. A decode worker loads
 * while the references are read.
 *
 * @throws {OutputKeptError} for an output that another command made, before any message is fetched.
 * @throws as `runStream` does.
 */
export async function streamRecorded(
  given: StreamOptions,
  rules: OutputRules,
  context: StageContext,
): Promise<StreamResult | DoneResult> {
  using early = given.early ?? new EarlyPool(chooseRegion(given));
  const options = { ...given, early };
  const session = await FieldSession.open(options, context);
  const record = await openRecord(session, rules);
  const done = await findDone(session, record);
  if (done) await removeFields(session);
  return done ?? await runStream(options, context, recordHooks(session, record));
}

/**
 * Does what `runMerge` does. Saved fields are merged also where an earlier command made the output of
 * the same files: they may have been made again on purpose.
 *
 * @throws {OutputKeptError} for an output that another command made.
 * @throws as `runMerge` does.
 */
export async function mergeRecorded(
  options: StreamOptions,
  rules: OutputRules,
  context: StageContext,
): Promise<StreamResult | DoneResult> {
  const { runMerge } = await import("./run_merge.ts");
  const session = await FieldSession.open(options, context, { phase: "fields" });
  const record = await openRecord(session, rules);
  const done = await findDone(session, record);
  if (done) {
    await session.readAll();
    if (session.folder.fields.size === 0) return done;
  }
  return await runMerge(options, context, recordHooks(session, record));
}

/** The versions of the files that the fields of a session were made of. */
export async function markSource({ folder }: FieldSession): Promise<SourceVersions> {
  const fields = [...folder.fields.values()];
  return await markVersions(new Map(fields.flatMap(({ versions }) => Object.entries(versions))));
}

function openRecord(
  { plan: { run }, options, context: { storage } }: FieldSession,
  rules: OutputRules,
): Promise<OutputRecord> {
  return OutputRecord.open(run, locateRun(run, options).output, rules, storage);
}

/** The output that is there, if it is complete, of these options and of the present files. */
async function findDone(
  session: FieldSession,
  record: OutputRecord,
): Promise<DoneResult | undefined> {
  const { plan: { run, path, fields }, context: { storage, reporter } } = session;
  const entry = await record.find((line) => reporter.info(line));
  if (!entry) return undefined;
  const urls = fields.flatMap(({ messages }) => messages.map(({ reference }) => reference.url));
  const source = await markVersions(await findVersions(new Set(urls), storage));
  if (entry.source && sameMarks(entry.source, source)) return { run, path, entry, complete: true };
  reporter.info(`${path} was made of other versions of the files: making it again`);
  return undefined;
}

function recordHooks(session: FieldSession, record: OutputRecord): StreamHooks {
  return {
    session,
    onWrite: () => record.begin(),
    async onWritten(count, sha256) {
      const source = await markSource(session);
      await record.save({ ...describeState(count), source, ...(sha256 && { sha256 }) });
    },
  };
}

function describeState(
  { complete, messagesUsed: used, messagesWanted: wanted }: FieldsCount,
): Pick<LedgerEntry, "state" | "reason" | "messages"> {
  const messages = { used, wanted };
  if (complete) return { state: "complete", messages };
  const reason = used < wanted
    ? `${wanted - used} of ${wanted} messages are missing`
    : "messages are implausible";
  return { state: "incomplete", reason, messages };
}
