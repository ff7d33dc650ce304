/**
 * Final stores of the embedded run in a workplace, sound and with faults, and the options to stream from
 * them.
 *
 * @module
 */
import { NetCDFReader } from "npm:netcdfjs@4.0.0";
import {
  BEFORE_50R1,
  bucketKey,
  EMBEDDED_STEPS,
  ONE_REQUEST_EACH,
  openWorkplace,
  readEmbeddedBucket,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import type { Bucket } from "../../fixtures/file_versions.ts";
import { firstMembers, memberKeyName } from "../ecmwf/members.ts";
import { findSection } from "../ecmwf/messages_fixture.ts";
import { findVariable } from "../ecmwf/variables.ts";
import { GIK } from "../output/profile.ts";
import type { Reference, Store } from "../references/store.ts";
import { readStageStore, writeStageStore } from "../references/stage_files.ts";
import { openStorage } from "../storage/mod.ts";
import { runStage2 } from "../pipeline/run_stage2.ts";
import { runStage3 } from "../pipeline/run_stage3.ts";
import type { StreamOptions } from "./stream_options.ts";

const { run, members } = BEFORE_50R1;

/** Writes final stores of the embedded run into the workplace's folder. */
export async function writeFinalStores({ context, folder }: Workplace): Promise<void> {
  const stage = { run, maxMembers: members, outputDir: folder };
  await runStage2(
    { ...stage, steps: EMBEDDED_STEPS, parallelWorkers: 4, allowMissing: false },
    context,
  );
  await runStage3({ ...stage, zip: false }, context);
}

/** Changes the final store of a member. */
export async function changeStore(
  { context, folder }: Workplace,
  member: number,
  change: (store: Store) => Store,
): Promise<void> {
  const store = await readStageStore(context.storage, folder, 3, member);
  await writeStageStore(context.storage, folder, 3, member, change(store!));
}

/** Options that stream from the stores in a folder, with a request for each message. */
export function streamOptions(
  folder: string,
  names: readonly string[] = ["t2m", "u700"],
): StreamOptions {
  return {
    parquetDir: folder,
    profile: GIK,
    steps: EMBEDDED_STEPS,
    maxMembers: members,
    variables: names.map((name) => findVariable(name)!),
    parallelFetches: 4,
    policy: ONE_REQUEST_EACH,
    outputDir: `${folder}/out`,
    now: new Date(0),
  };
}

/** All values of a variable of an output. */
export async function readVariable(path: string, name: string): Promise<number[]> {
  const reader = new NetCDFReader(await Deno.readFile(path));
  return (reader.getDataVariable(name) as number[]).flat();
}

/** A workplace whose stores lack members 2 and 3 of t2m at step 36. */
export async function openLackingWorkplace(): Promise<Workplace> {
  const workplace = await openWorkplace();
  await writeFinalStores(workplace);
  for (const member of [2, 3]) {
    await changeStore(workplace, member, (store) => {
      store.delete(`step_036/2t/sfc/ens0${member}/0.0.0`);
      return store;
    });
  }
  return workplace;
}

/** Adds to all values of a member's message: GRIB2 section 5, octets 12–15, in its unit. */
function raiseMessage(bucket: Bucket, key: string, store: Store, amount: number): void {
  const { url, offset, length } = store.get(key) as Reference;
  const bytes = bucket.get(bucketKey(url))!.slice();
  const message = bytes.subarray(offset, offset + length);
  const view = new DataView(bytes.buffer, offset + findSection(message, 5) + 11);
  view.setFloat32(0, view.getFloat32(0) + amount);
  bucket.set(bucketKey(url), bytes);
}

/** An amount by which a member's message is raised. */
type Raise = [member: number, field: string, amount: number];

const IMPLAUSIBLE: readonly Raise[] = [
  [1, "step_036/2t", 1e6],
  [2, "step_039/tp", -3],
  [3, "step_036/tp", 0.003], // not so much that the packing is odd
];

/**
 * A workplace in which tp grows in time, but tp of member 2 is below zero at step 39, and tp of member 3
 * is larger at step 36 than at step 39; t2m of member 1 is too warm at step 36.
 *
 * @param bucket for the files, so that a test can change them. @default a new one
 * @param raises the faults. @default the above
 */
export async function openImplausibleWorkplace(
  bucket: Bucket = new Map(),
  raises: readonly Raise[] = IMPLAUSIBLE,
): Promise<Workplace> {
  for (const [key, bytes] of await readEmbeddedBucket()) bucket.set(key, bytes);
  const workplace = await openWorkplace(bucket);
  await writeFinalStores(workplace);
  const growth = firstMembers(members).map((member): Raise => [member, "step_039/tp", 0.001]);
  for (const [member, field, amount] of [...growth, ...raises]) {
    const store = await readStageStore(workplace.context.storage, workplace.folder, 3, member);
    raiseMessage(bucket, `${field}/sfc/${memberKeyName(member)}/0.0.0`, store!, amount);
  }
  // A storage that does not know the files as they were.
  const storage = openStorage({ endpoint: workplace.server.url, giveUpAfterMs: 0, minDelayMs: 1 });
  return { ...workplace, context: { ...workplace.context, storage } };
}
