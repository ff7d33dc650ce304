/**
 * The files of final stores: one a member, or one for all, in one of three formats.
 *
 * @module
 */
import { type Member, memberFileName } from "../ecmwf/members.ts";
import type { StoreValue } from "../references/store.ts";
import type { Storage } from "../storage/mod.ts";

/**
 * `parquet` has the columns `key` and `value`; `kerchunk-json` is fsspec's reference file, version 1;
 * `kerchunk-parquet` is the folder that fsspec reads array by array.
 */
export type StoreFormat = "parquet" | "kerchunk-json" | "kerchunk-parquet";

/** The file name extension of each format. */
const EXTENSIONS: Readonly<Record<StoreFormat, string>> = {
  "parquet": "parquet",
  "kerchunk-json": "json",
  "kerchunk-parquet": "parq",
};

/** The formats, the default first. */
export const STORE_FORMATS = Object.keys(EXTENSIONS) as StoreFormat[];

/** The member that a store is of, or `combined` for all members. */
export type StoreOwner = Member | "combined";

/** `control`, `ens_01` … `ens_50`, or `combined`. */
export function ownerFileName(owner: StoreOwner): string {
  return owner === "combined" ? owner : memberFileName(owner);
}

/** `stage3_ens_01_final.parquet`, `stage3_combined_final.json`; `….parq` is a folder. */
export function finalFileName(format: StoreFormat, owner: StoreOwner): string {
  return `stage3_${ownerFileName(owner)}_final.${EXTENSIONS[format]}`;
}

/**
 * Writes a final store. One that is not finished does not open: a folder gets its `.zmetadata` last.
 *
 * @param folder local.
 * @throws {StorageError} {StoreError}
 */
export async function writeFinalStore(
  storage: Storage,
  folder: string,
  format: StoreFormat,
  owner: StoreOwner,
  store: Iterable<readonly [string, StoreValue]>,
): Promise<void> {
  const path = `${folder}/${finalFileName(format, owner)}`;
  if (format === "parquet") {
    const { encodeStore } = await import("../references/encode_store.ts");
    return await storage.put(path, [encodeStore(store)]);
  }
  const { encodeReferenceFile, encodeReferenceFolder } = await import("./fsspec_references.ts");
  if (format === "kerchunk-json") return await storage.put(path, encodeReferenceFile(store));
  await removeFolder(path);
  for (const { name, bytes } of encodeReferenceFolder(store)) {
    await storage.put(`${path}/${name}`, [bytes]);
  }
}

async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The format of final stores, and which are written. */
export interface FormatOptions {
  /** @default "parquet" */
  format?: StoreFormat;
  /** Whether there is also a store of all members, with an axis `number`. @default false */
  combine?: boolean;
}
