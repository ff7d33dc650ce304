/**
 * Final stores → the NetCDF of ensemble mean and standard deviation, in one process.
 *
 * @module
 */
import { removeWorkFolder } from "../checkpoint/work_folder.ts";
import { describeSharing, type StageContext, useFolder } from "../storage/mod.ts";
import { FieldSession } from "./field_session.ts";
import { requireArchiveFit } from "./archive_fit.ts";
import { findAppended } from "./output_format.ts";
import type { StreamOptions } from "./stream_options.ts";
import type { StreamResult } from "./stream_result.ts";
import { type OutputHooks, writeOutput } from "./write_output.ts";

/** What a command that keeps records of its outputs gives. */
export interface StreamHooks extends OutputHooks {
  /** Opened before with the same options. */
  session: FieldSession;
}

/**
 * Fetches every message that the output needs, reduces members to mean and standard deviation over
 * the region, and writes the NetCDF.
 *
 * Costs at most one GET a message (5,508 for 51 members, 12 variables and 9 steps), and a second one
 * for up to 3 % of them; neighbouring messages share one. Published stores cost two or three GETs a
 * member, and two requests for the whole folder. A step that was replaced on the server is read again
 * from its index, once, with a warning.
 *
 * Finished fields are saved in the work folder until the output is written: the same command resumes
 * from them after it was stopped. That costs one HEAD a file for steps of which only some fields are
 * saved, to see that they are of the same version as the fields to come.
 *
 * A run that the archive of `append` has already is left there, and nothing is fetched; nor is it for a run
 * that the archive does not take.
 *
 * @param hooks of a command that keeps records. @default {undefined} (any file that is there is replaced)
 * @throws {MissingDataError} when there are no stores, when they are not completely published, or when
 * no message of any of them can be used.
 * @throws {StorageError} when the server cannot be reached or refuses.
 */
export async function runStream(
  options: StreamOptions,
  context: StageContext,
  hooks?: StreamHooks,
): Promise<StreamResult> {
  const session = hooks?.session ?? await FieldSession.open(options, context);
  const { plan, folder } = session;
  const appended = await findAppended(plan.run, options, context);
  if (appended) {
    // What a command that was killed after it had appended the run has left.
    if (options.work === undefined) await removeWorkFolder(folder.path, context.storage);
    return { ...session.finish(appended), path: plan.path };
  }
  await requireArchiveFit(plan, options, context);
  using use = await useFolder(folder.path);
  if (use.isShared) context.reporter.warn(describeSharing(plan.path));
  await resumeFields(session, use.isShared);
  const fields = await session.complete(() => session.judge(session.folder.fields));
  const count = await writeOutput(session, fields, { ...hooks, isAlone: () => use.isAlone() });
  return { ...session.finish(count), path: session.plan.path };
}

/**
 * Fetches the fields that stores in memory have so far, and saves them in the work folder, where
 * `runStream` finds them. Judges no field beside other steps, and writes no output.
 *
 * @returns how many of them had been saved before.
 * @throws as `runStream` does.
 */
export async function saveFields(options: StreamOptions, context: StageContext): Promise<number> {
  const session = await FieldSession.open(options, context);
  if (await findAppended(session.plan.run, options, context)) return 0;
  // Of a variable that no step has yet it is not known whether the output will have it.
  if (session.plan.unpublished.variables.length === 0) {
    await requireArchiveFit(session.plan, options, context);
  }
  await resumeFields(session);
  const { size } = session.folder.fields;
  await session.complete(() => Promise.resolve(new Map()));
  return size;
}

/** @param isShared whether another command works with the saved fields. @default {false} */
async function resumeFields(session: FieldSession, isShared = false): Promise<void> {
  const { options, folder, context } = session;
  // That one goes on reading them; this one makes its own in their place.
  if (options.fresh && isShared) return;
  // A folder that was not named belongs to this output alone.
  if (options.fresh && options.work === undefined) {
    await removeWorkFolder(folder.path, context.storage);
  }
  await session.resume();
}
