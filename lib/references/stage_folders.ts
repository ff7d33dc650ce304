/**
 * Where the stage files of a run are: on this disk, or published, and what was published, in words.
 *
 * @module
 */
import { type Run, runLabel } from "../ecmwf/run.ts";
import type { StageContext, Storage } from "../storage/mod.ts";
import { formatMegabytes } from "../util/numbers.ts";
import type { PublishResult } from "./publish.ts";

/** The folder of a run's stage files: `ecmwf_three_stage_20260206_00z`. */
export function stageFolder(run: Run): string {
  return `ecmwf_three_stage_${runLabel(run)}`;
}

/** The folder of a run that is published: `<root>/20260207_00z`. */
export function publishedFolder(root: string, run: Run): string {
  return `${root}/${runLabel(run)}`;
}

/**
 * The folder of a run's final stores: on this disk if there are some, else published.
 *
 * @param publishedRoot the folder of the published ones. @default {undefined} (they are on this disk)
 */
export async function findStores(
  run: Run,
  publishedRoot: string | undefined,
  { storage, reporter }: StageContext,
): Promise<string> {
  const local = stageFolder(run);
  if (publishedRoot === undefined || await hasFiles(storage, `${local}/stage3_`)) {
    reporter.info(`final stores: ${local}`);
    return local;
  }
  const published = publishedFolder(publishedRoot, run);
  reporter.info(`final stores: ${published} (there are none in ${local})`);
  return published;
}

async function hasFiles(storage: Storage, prefix: string): Promise<boolean> {
  for await (const _ of storage.list(prefix)) return true;
  return false;
}

/** What was published, in one line. */
export function describePublished(result: PublishResult): string {
  const { target, uploaded, skipped, bytesUploaded } = result;
  const sent = `${uploaded} stores sent (${formatMegabytes(bytesUploaded)} MB)`;
  return `${target}, ${sent}, ${skipped} were there already`;
}
