/**
 * A dataset → a file of the format that is asked for. The writers of formats other than NetCDF classic
 * are loaded where they are used.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import { UsageError } from "../errors.ts";
import { type NetcdfDataset, type NetcdfVariable, streamNetcdf } from "../netcdf/encode_netcdf.ts";
import type { OutputFormat } from "../output/profile.ts";
import { isRemote, removePartialFiles, type Storage } from "../storage/mod.ts";

/**
 * Writes a dataset, whole or not at all, in place of what is there. Variables that are read when they are
 * written are held by all formats but NetCDF classic.
 *
 * @throws {UsageError} for a Zarr store that is not to be on this machine.
 * @throws {StorageError} {UserError} when it cannot be written.
 */
export async function writeDataset(
  dataset: NetcdfDataset,
  path: string,
  format: OutputFormat,
  storage: Storage,
): Promise<void> {
  if (format === "zarr") return await writeStore(dataset, path, storage);
  await removePartialFiles(dirname(path), (name) => name === basename(path));
  if (format === "netcdf") return await storage.put(path, streamNetcdf(dataset));
  const { encodeNetcdf4 } = await import("../netcdf/encode_netcdf4.ts");
  await storage.put(path, encodeNetcdf4(await holdStreamed(dataset)));
}

async function writeStore(dataset: NetcdfDataset, path: string, storage: Storage): Promise<void> {
  requireLocal(path);
  const { writeZarr } = await import("../zarr/append_run.ts");
  const { localFiles } = await import("../zarr/store_files.ts");
  await writeZarr(await holdStreamed(dataset), { path }, localFiles(storage));
}

/** @throws {UsageError} for the path of a store that is not on this machine. */
export function requireLocal(path: string): void {
  if (!isRemote(path)) return;
  throw new UsageError(
    `Cannot write the Zarr store "${path}": stores are written to this machine alone; give another ` +
      "--output-dir, or --format netcdf4",
  );
}

async function holdStreamed({ streamed = [], ...dataset }: NetcdfDataset): Promise<NetcdfDataset> {
  const held: NetcdfVariable[] = [];
  for (const { pieces, ...variable } of streamed) {
    const shape = variable.dimensions.map((name) => dataset.dimensions[name]!);
    const data = new Float32Array(shape.reduce((product, length) => product * length, 1));
    let offset = 0;
    for await (const piece of pieces()) {
      data.set(piece, offset);
      offset += piece.length;
    }
    held.push({ ...variable, data });
  }
  return { ...dataset, variables: [...dataset.variables, ...held] };
}
