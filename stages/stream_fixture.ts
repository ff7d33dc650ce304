/**
 * Final stores of the embedded run in a workplace, and what streams from them.
 *
 * @module
 */
import { findVariable } from "../lib/ecmwf/variables.ts";
import { GIK } from "../lib/profile.ts";
import type { Store } from "../lib/references.ts";
import { readStageStore, writeStageStore } from "../lib/stage_files.ts";
import { runStage2 } from "./stage2.ts";
import { runStage3 } from "./stage3.ts";
import type { StreamOptions } from "./stream_plan.ts";
import {
  BEFORE_50R1,
  EMBEDDED_STEPS,
  ONE_REQUEST_EACH,
  type Workplace,
} from "../fixtures/embedded_run.ts";

const { run, members } = BEFORE_50R1;

/** Leaves final stores of the embedded run in the workplace's folder. */
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

/** What streams from the stores in a folder, with a request for each message. */
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
