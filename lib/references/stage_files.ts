/**
 * The files that stages write for each other, named as the Python tools name them.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import { type Member, memberFileName } from "../ecmwf/members.ts";
import { decodeStore } from "./store_parquet.ts";
import type { Store, StoreValue } from "./store.ts";
import {
  describeSharing,
  removePartialFiles,
  type Storage,
  unlessMissing,
  useFolder,
} from "../storage/mod.ts";
import type { Reporter } from "../util/reporter.ts";

/** A stage, which writes one Parquet file a member. */
export type Stage = 1 | 2 | 3;

const SUFFIX = { 1: "deflated", 2: "merged", 3: "final" } as const;

/** Marks a folder of stage files as in use, until disposed of; warns where another command works in it. */
export async function useStageFolder(folder: string, reporter: Reporter): Promise<Disposable> {
  const use = await useFolder(folder);
  if (use.isShared) reporter.warn(describeSharing(folder));
  return use;
}

/** A member's file of a stage: `stage3_ens_01_final.parquet`. */
export function stageFileName(stage: Stage, member: Member): string {
  return `stage${stage}_${memberFileName(member)}_${SUFFIX[stage]}.parquet`;
}

const STAGE_FILE = /^stage[1-3]_\w+\.(?:parquet|json)$/;

/** Removes what killed commands left of stage files in a folder: it would stay there for ever. */
export async function removePartialStageFiles(folder: string): Promise<void> {
  await removePartialFiles(folder, (name) => STAGE_FILE.test(name));
}

/** Writes an archive beside the stage files, and removes what killed commands left of it. */
export async function writeArchiveFile(
  storage: Storage,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  await removePartialFiles(dirname(path), (name) => name === basename(path));
  await storage.put(path, [bytes]);
}

/** Writes the store of a member, whole or not at all. */
export async function writeStageStore(
  storage: Storage,
  folder: string,
  stage: Stage,
  member: Member,
  store: Iterable<readonly [string, StoreValue]>,
): Promise<void> {
  const { encodeStore } = await import("./encode_store.ts");
  await storage.put(`${folder}/${stageFileName(stage, member)}`, [encodeStore(store)]);
}

/** What to read of a store, and what is known of its file. */
export interface ReadStoreOptions {
  /** Which keys to read. @default all of them */
  keys?: ReadonlySet<string>;
  /**
   * Sizes of the folder's files in bytes, by name; other files are missing.
   *
   * @default requested, one HEAD a file
   */
  sizes?: ReadonlyMap<string, number>;
}

/**
 * Reads the store that a stage wrote for a member, on a disk or a server. With `keys`, only the parts
 * of the file that they need.
 *
 * @returns `undefined` when there is none.
 * @throws {ParquetError} when the file is damaged.
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
  // All parts must be of one version: forget the version of earlier reads.
  storage.forget(source);
  const byteLength = sizes ? sizes.get(name) : await findSize(storage, source);
  if (byteLength === undefined) return undefined;
  return await readStoreFile(storage, source, byteLength, keys);
}

/**
 * Reads a store of known size, on a disk or a server. With `keys`, only the parts that they need.
 *
 * @throws {ParquetError} when the file is damaged.
 */
export async function readStoreFile(
  storage: Storage,
  source: string,
  byteLength: number,
  keys?: ReadonlySet<string>,
): Promise<Store> {
  const slice = async (start: number, end = byteLength) =>
    (await storage.get(source, { offset: start, length: end - start })).buffer;
  return await decodeStore({ byteLength, slice }, { source, ...(keys && { keys }) });
}

async function findSize(storage: Storage, url: string): Promise<number | undefined> {
  return (await unlessMissing(storage.head(url)))?.size;
}

/** The bytes of a file; `undefined` when there is none. */
export function readIfThere(storage: Storage, url: string): Promise<Uint8Array | undefined> {
  return unlessMissing(storage.get(url));
}
