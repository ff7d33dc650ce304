/**
 * Datasets of runs, and stores of them as zarrita reads them.
 *
 * @module
 */
import * as zarr from "npm:zarrita@0.7.5";
import { parseRun } from "../ecmwf/run.ts";
import { findVariables } from "../ecmwf/variables.ts";
import { plainProduct } from "../ensemble/field_product.ts";
import type { NetcdfDataset } from "../netcdf/encode_netcdf.ts";
import { buildDataset } from "../output/forecast_dataset.ts";
import { GIK } from "../output/profile.ts";
import { openStorage } from "../storage/mod.ts";
import { localFiles, type StoreFiles } from "./store_files.ts";

/** What a run of the tests is like. */
export interface TestRun {
  date: string;
  hour?: string;
  /** Rows and columns. @default {[5, 7]} */
  size?: [rows: number, columns: number];
  /** @default {["tp", "t2m"]} */
  variables?: string[];
  /** @default {[36, 39]} */
  steps?: number[];
  /** Added to all values. @default {0} */
  offset?: number;
}

/** The dataset of a run as `stream` makes it; the values tell run, variable, step and point apart. */
export function makeRunDataset(given: TestRun): NetcdfDataset {
  const { date, hour = "00", size: [rows, columns] = [5, 7], offset = 0 } = given;
  const { steps = [36, 39], variables: names = ["tp", "t2m"] } = given;
  const products = findVariables(names).map(plainProduct);
  const field = (variable: number, step: number, statistic: number) =>
    Float32Array.from(
      { length: rows * columns },
      (_, i) => Number(date.slice(4)) + variable / 8 + step + statistic * 1000 + i / 64 + offset,
    );
  return buildDataset({
    profile: GIK,
    run: parseRun(date, hour),
    products,
    steps,
    axes: {
      latitudes: Float64Array.from({ length: rows }, (_, i) => 25 - i / 4),
      longitudes: Float64Array.from({ length: columns }, (_, i) => 19 + i / 4),
    },
    fields: products.flatMap((product, v) =>
      // The last variable lacks its first step.
      steps.filter((step) => v === 0 || step !== steps[0]).map((stepHours) => ({
        ...{ product, stepHours, membersUsed: 51 - v },
        statistics: [field(v, stepHours, 0), field(v, stepHours, 1)],
      }))
    ),
    membersUsed: [0, 1, 2],
    membersAbsent: [3],
    history: `${date} written by a test`,
  });
}

/** The files of this machine. */
export function openFiles(): StoreFiles {
  return localFiles(openStorage());
}

/** Calls back with a path in a folder that is removed afterwards. */
export async function withStore(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(`${folder}/archive.zarr`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What zarrita finds in a store, opened by its consolidated metadata; `undefined` for no store. */
export async function readStore(path: string) {
  const store = {
    get: async (key: string) => await readFile(path + key),
    async getRange(key: string, range: zarr.RangeQuery) {
      const bytes = await readFile(path + key);
      if (!bytes) return undefined;
      return "suffixLength" in range
        ? bytes.slice(-range.suffixLength)
        : bytes.slice(range.offset, range.offset + range.length);
    },
  };
  const format = await readFile(`${path}/zarr.json`) ? "v3" : "v2";
  if (format === "v2" && !await readFile(`${path}/.zmetadata`)) return undefined;
  const consolidated = await zarr.withConsolidatedMetadata(store, { format });
  const group = await zarr.open(consolidated, { kind: "group" });
  const arrays = new Map<string, StoredArray>();
  for (const { path: name, kind } of consolidated.contents()) {
    if (kind !== "array") continue;
    const array = await zarr.open(group.resolve(name), { kind: "array" });
    const { data, shape } = await zarr.get(array);
    const { _ARRAY_DIMENSIONS: named, ...attributes } = array.attrs;
    const dimensions = (named ?? array.dimensionNames) as string[];
    arrays.set(name.slice(1), { data: data as Float32Array, shape, attributes, dimensions });
  }
  return { format, attributes: group.attrs, arrays };
}

/** An array as it is read back. */
export interface StoredArray {
  data: Float32Array;
  shape: number[];
  attributes: Record<string, unknown>;
  dimensions: string[];
}

async function readFile(path: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Every file below a folder with its bytes as text, by name. */
export async function readTree(folder: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (!isDirectory) tree[name] = (await Deno.readFile(path)).toHex();
    else {for (const [below, hex] of Object.entries(await readTree(path))) {
        tree[`${name}/${below}`] = hex;
      }}
  }
  return tree;
}
