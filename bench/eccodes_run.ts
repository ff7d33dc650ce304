/**
 * The same statistics by two processes of Python with ecCodes from whole messages
 * (`fixtures/eccodes_pipeline.py`), from the local S3 server, compared with a file that streaming wrote.
 *
 * @module
 */
import type { Region } from "../lib/grib/mod.ts";
import { GIK } from "../lib/output/profile.ts";
import { formatRegion } from "../lib/output/regions.ts";
import { RUN } from "./base_run.ts";
import { ROOT, type ServedBucket, ServerProcess } from "./measure.ts";

/** What that pipeline reports. */
export interface EccodesReport {
  messages: number;
  requests: number;
  bytes: number;
  /** From its first request to its last result. */
  seconds: number;
  /** Processor time of all its processes. */
  cpuSeconds: number;
  /** Of the largest of its processes. */
  peakRssBytes: number;
  /** Relative, to the values of the NetCDF; at most one millionth. */
  largestDifference: number;
}

/** What it computes, and from where. */
export interface EccodesOptions {
  steps: readonly number[];
  /** @default that of the default output */
  region?: Region;
  /** What streaming wrote of the same. */
  netcdf: string;
  /** Further flags of the server's command. @default {[]} (none) */
  serverFlags?: readonly string[];
}

/**
 * Runs that pipeline on `RUN` of a bucket.
 *
 * @throws {Error} with its output if it fails, or if a value differs by more than one part in a million.
 */
export async function runEccodes(
  bucket: ServedBucket,
  { steps, region = GIK.region, netcdf, serverFlags = [] }: EccodesOptions,
): Promise<EccodesReport> {
  await using server = await ServerProcess.start(bucket, serverFlags);
  const { success, stdout, stderr } = await new Deno.Command("/usr/bin/python3", {
    args: [
      ...[`${ROOT}fixtures/eccodes_pipeline.py`, server.url, "--date", RUN.date, "--run", RUN.hour],
      ...["--steps", steps.join(","), `--region=${formatRegion(region)}`, "--nc", netcdf],
    ],
  }).output();
  const [printed, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (!success) throw new Error(printed! + errors!);
  return JSON.parse(printed!);
}
