/**
 * A folder with a forecast, and the pictures that are drawn of it.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { PNG } from "npm:pngjs@7.0.0";
import { makeAxes } from "../../fixtures/synthetic_forecast.ts";
import { encodeNetcdf, type NetcdfDataset } from "../netcdf/encode_netcdf.ts";
import { silentReporter } from "../util/reporter.ts";
import { plotForecast, type PlotOptions, type PlotResult } from "./plot_forecast.ts";

export const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname);
/** Resolution of the pictures, in pixels an inch: no whole number of them to a unit of the SVG. */
export const DPI = 230;
/** Where no land is. */
export const OCEAN = makeAxes({ north: -2, south: -5, west: 48, east: 51 });

/** Pixels of four bytes, row by row. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8Array;
}

/** Reads a PNG with pngjs, which made no part of it and has no types. */
export function readPng(bytes: Uint8Array): Pixels {
  return PNG.sync.read(Buffer.from(bytes));
}

/** A folder with a forecast in it, inside the project: that is what the permission set opens. */
export async function withForecast(
  dataset: NetcdfDataset,
  test: (
    plot: (options?: Partial<PlotOptions>) => Promise<PlotResult>,
    folder: string,
  ) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: ROOT, prefix: "cgan_output_" });
  try {
    const input = `${folder}/IFS.nc`;
    await Deno.writeFile(input, ReadableStream.from(encodeNetcdf(dataset)));
    const usual: PlotOptions = {
      input,
      output: `${folder}/panel.png`,
      steps: { index: 0 },
      format: "png",
      dpi: DPI,
    };
    await test((options) => plotForecast({ ...usual, ...options }, silentReporter), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

export function listNames(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).toSorted();
}
