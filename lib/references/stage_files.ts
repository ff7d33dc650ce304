/**
 * The files that the stages leave for each other, named as the Python tools name them.
 *
 * @module
 */
import { type Member, memberFileName } from "../ecmwf/members.ts";
import { type Run, runLabel } from "../ecmwf/run.ts";
import { decodeStore, encodeStore } from "./store_parquet.ts";
import type { Store, StoreValue } from "./store.ts";
import { type Storage, unlessMissing } from "../storage/mod.ts";

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

/** What is known, and what is wanted, of a store that is to be read. */
export interface ReadStoreOptions {
  /** Which keys to read. @default all of them */
  keys?: ReadonlySet<string>;
  /**
   * Sizes of the folder's files in bytes, by name; a file that is not among them is not there.
   *
   * @default asked for, with a request a file
   */
  sizes?: ReadonlyMap<string, number>;
}

/**
 * Reads the store that a stage left for a member, on a disk or a server. With `keys`, only the parts
 * of the file that they need.
 *
 * @returns `undefined` when the stage left none.
 * @throws {ParquetError} {StoreError} when the file is damaged.
 */
export async function readStageStore(
  storage: Storage,
  folder: string,
  stage: Stage,
  member: Member,
  options: ReadStoreOptions = {},
): Promise<Store | undefined> {
  const { keys, sizes } = options;
  const name = stageFileName(stage, member);
  const source = `${folder}/${name}`;
  // Its parts are of one version; what was read of it before may have been of another.
  storage.forget(source);
  const byteLength = sizes ? sizes.get(name) : await findSize(storage, source);
  if (byteLength === undefined) return undefined;
  const slice = async (start: number, end = byteLength) =>
    (await storage.get(source, { offset: start, length: end - start })).buffer;
  return await decodeStore({ byteLength, slice }, { source, ...(keys && { keys }) });
}

async function findSize(storage: Storage, url: string): Promise<number | undefined> {
  const info = await unlessMissing(storage.head(url));
  return info?.size;
}

/** The bytes of a file; `undefined` when there is none. */
export function readIfThere(storage: Storage, url: string): Promise<Uint8Array | undefined> {
  return unlessMissing(storage.get(url));
}
