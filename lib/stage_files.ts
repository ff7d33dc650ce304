/**
 * The files that the stages leave for each other, named as the Python tools name them.
 *
 * @module
 */
import { type Member, memberFileName } from "./ecmwf/members.ts";
import { type Run, runLabel } from "./ecmwf/run.ts";
import { decodeStore, encodeStore } from "./parquet.ts";
import type { Store, StoreValue } from "./references.ts";
import { type Storage, StorageError } from "./storage/mod.ts";

/** A stage that leaves one Parquet file a member. */
export type Stage = 1 | 2 | 3;

const SUFFIX = { 1: "deflated", 2: "merged", 3: "final" } as const;

/** The folder of a run's stage files: `ecmwf_three_stage_20260206_00z`. */
export function stageFolder(run: Run): string {
  return `ecmwf_three_stage_${runLabel(run)}`;
}

/** A member's file of a stage: `stage3_ens_01_final.parquet`. */
export function stageFileName(stage: Stage, member: Member): string {
  return `stage${stage}_${memberFileName(member)}_${SUFFIX[stage]}.parquet`;
}

/** Writes the store of a member, whole or not at all. */
export async function writeStageStore(
  storage: Storage,
  folder: string,
  stage: Stage,
  member: Member,
  store: Iterable<readonly [string, StoreValue]>,
): Promise<void> {
  await storage.put(`${folder}/${stageFileName(stage, member)}`, [encodeStore(store)]);
}

/**
 * Reads the store that a stage left for a member.
 *
 * @param keep which keys to read.
 * @returns `undefined` when the stage left none.
 * @throws {ParquetError} {StoreError} when the file is damaged.
 */
export async function readStageStore(
  storage: Storage,
  folder: string,
  stage: Stage,
  member: Member,
  keep?: (key: string) => boolean,
): Promise<Store | undefined> {
  const source = `${folder}/${stageFileName(stage, member)}`;
  const bytes = await readIfThere(storage, source);
  return bytes && await decodeStore(bytes, { source, ...(keep && { keep }) });
}

/** The bytes of a file; `undefined` when there is none. */
export async function readIfThere(
  storage: Storage,
  url: string,
): Promise<Uint8Array | undefined> {
  try {
    return await storage.get(url);
  } catch (error) {
    if (error instanceof StorageError && error.kind === "missing") return undefined;
    throw error;
  }
}
