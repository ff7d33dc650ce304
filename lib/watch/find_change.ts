/**
 * A complete output and the versions of the files that it was made of → whether ECMWF has published the
 * run again since.
 *
 * @module
 */
import { findFolder } from "../ecmwf/published.ts";
import { holdsMember, stepFiles } from "../ecmwf/files.ts";
import { chooseMembers } from "../ecmwf/members.ts";
import { describeRun, type Run } from "../ecmwf/run.ts";
import type { LedgerEntry } from "../runs/ledger.ts";
import { findVersions, markVersions, sameMarks } from "../runs/source_versions.ts";
import { type Storage, StorageError } from "../storage/mod.ts";
import { chooseFieldSteps } from "../stream/product_fields.ts";
import type { WatchEnvironment, WatchOptions } from "./watch_options.ts";
import { isLookedAtAgain } from "./watch_schedule.ts";

/** What a run is looked at with. */
export interface ChangeSearch {
  options: Pick<WatchOptions, "forecast">;
  environment: Pick<WatchEnvironment, "clock">;
  /** When its first step may be there, milliseconds since 1970. */
  dueMs: number;
}

/**
 * Looks whether the files of a run are still those that its output was made of, in the first day. Costs
 * one HEAD a file. A server that fails, or has not all of them any more, says nothing.
 *
 * @param source of the output; without one nothing is looked at.
 * @returns what has changed, if anything.
 */
export async function findChange(
  run: Run,
  source: LedgerEntry["source"],
  { options: { forecast }, environment: { clock }, dueMs }: ChangeSearch,
  storage: Storage,
): Promise<string | undefined> {
  if (!source || !isLookedAtAgain(dueMs, clock.now())) return undefined;
  try {
    const urls = await listFileUrls(run, forecast, storage);
    const versions = await findVersions(urls, storage);
    if (versions.size < urls.size || sameMarks(source, await markVersions(versions))) {
      return undefined;
    }
    return `${describeRun(run)} was published again`;
  } catch (error) {
    if (error instanceof StorageError && error.kind !== "permission") return undefined;
    throw error;
  }
}

async function listFileUrls(
  run: Run,
  forecast: WatchOptions["forecast"],
  storage: Storage,
): Promise<Set<string>> {
  const steps = chooseFieldSteps(forecast, run);
  const members = chooseMembers(forecast, forecast.profile.members);
  const folder = await findFolder(run, steps, storage);
  const files = steps.flatMap((step) => stepFiles(run, step, folder))
    .filter((file) => members.some((member) => holdsMember(file, run, member)));
  return new Set(files.map(({ url }) => url));
}
