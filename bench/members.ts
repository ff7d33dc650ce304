/**
 * What the members and percentiles of 51 members × 9 steps × 12 variables at 0.25° cost beside the default
 * output: wall time, start of the process included, and peak memory. From a local S3 server:
 * `deno run -A bench/members.ts`; with `--short` three steps.
 *
 * @module
 */
import { assert } from "jsr:@std/assert@^1.0.0";
import { GIK } from "../lib/output/profile.ts";
import { formatMegabytes } from "../lib/util/numbers.ts";
import { RUN, writeRun } from "./base_run.ts";
import { type Cost, IS_SHORT, printTable, runAgainstServer } from "./measure.ts";

const PEAK_LIMIT_BYTES = 600e6;
const TIME_LIMIT_RATIO = 1.3;
const STEPS = IS_SHORT ? GIK.steps.slice(0, 3) : GIK.steps;
const STATISTICS = "mean,standard_deviation,p10,p50,p90,members";

const work = await Deno.makeTempDir();
try {
  const { bucket, stores } = await writeRun(work, STEPS);
  const args = ["--parquet-dir", stores, "--steps", STEPS.join(","), "--output-dir", work];
  const stream = (...more: string[]) =>
    runAgainstServer(bucket, "stages/stream.ts", [...args, "--fresh", "--overwrite", ...more], []);
  await stream(); // so that both find the files in memory
  const plain = await stream();
  const members = await stream("--statistics", STATISTICS);
  const { size } = await Deno.stat(`${work}/${GIK.fileName(RUN)}`);
  const ratio = members.wallSeconds / plain.wallSeconds;
  const seconds = ({ wallSeconds }: Cost) => `${wallSeconds.toFixed(1)} s`;
  const peak = ({ peakRssBytes }: Cost) => `${formatMegabytes(peakRssBytes)} MB`;
  printTable([
    ["", `default, and ${STATISTICS}`],
    ["wall time", `${seconds(plain)}, and ${seconds(members)}: ${ratio.toFixed(2)} of it`],
    ["peak memory", `${peak(plain)}, and ${peak(members)}`],
    ["output", `${formatMegabytes(size)} MB`],
  ]);
  assert(members.peakRssBytes < PEAK_LIMIT_BYTES, peak(members));
  assert(ratio < TIME_LIMIT_RATIO, `${ratio}`);
} finally {
  await Deno.remove(work, { recursive: true });
}
