/**
 * Streaming of 51 members × 9 steps × 12 variables at 0.25°, 5,508 messages of 0.76 MB, from a
 * local S3 server, start of the process included, and the same statistics by two processes of Python
 * with ecCodes from whole messages (`fixtures/eccodes_pipeline.py`), whose results must be equal. Once
 * on the bare loopback, once with 30 ms of latency and 200 Mbit/s: `deno run -A bench/stream.ts`.
 * With `--short` three steps on the loopback.
 *
 * The messages are made on the spot (`base_run.ts`); they take 4.2 GB of disk during the run.
 *
 * @module
 */
import { assert } from "jsr:@std/assert@^1.0.0";
import { ENSEMBLE_SIZE } from "../lib/ecmwf/members.ts";
import { GIK } from "../lib/output/profile.ts";
import { formatMegabytes } from "../lib/util/numbers.ts";
import { RUN, VARIABLES, writeRun } from "./base_run.ts";
import { runEccodes } from "./eccodes_run.ts";
import { findLeastBytes, readNeeds } from "./least_bytes.ts";
import { IS_SHORT, printTable, runAgainstServer } from "./measure.ts";

/** Some 245 are usual; so small a machine as one with 512 MB has room for it. */
const PEAK_LIMIT_BYTES = 270e6;
const STEPS = IS_SHORT ? GIK.steps.slice(0, 3) : GIK.steps;
const LOOPBACK: [name: string, serverFlags: string[]] = ["loopback", []];
const LINES = IS_SHORT ? [LOOPBACK] : [
  LOOPBACK,
  ["30 ms, 200 Mbit/s", ["--latency-ms", "30", "--bandwidth-mbit", "200"]] as typeof LOOPBACK,
];

const work = await Deno.makeTempDir();
try {
  const { bucket, stores, messages } = await writeRun(work, STEPS);
  assert(messages === ENSEMBLE_SIZE * STEPS.length * VARIABLES.length);
  const needs = await readNeeds(bucket, RUN, STEPS, GIK.region);

  for (const [name, serverFlags] of LINES) {
    const summary = `${work}/summary.json`;
    const args = [
      "--parquet-dir",
      stores,
      "--steps",
      STEPS.join(","),
      "--output-dir",
      work,
      "--fresh",
    ];
    const ours = await runAgainstServer(
      bucket,
      "stages/stream.ts",
      [...args, "--summary", summary],
      serverFlags,
    );
    const { counters: { requests, bytesSent }, wallSeconds, peakRssBytes } = ours;
    const { secondRequests } = JSON.parse(await Deno.readTextFile(summary)).fetched;
    const netcdf = `${work}/${GIK.fileName(RUN)}`;
    const python = await runEccodes(bucket, { steps: STEPS, netcdf, serverFlags });
    const least = findLeastBytes(needs, requests);
    const ratio = (a: number, b: number) => (a / b).toFixed(3);
    const seconds = (value: number) => `${value.toFixed(1)} s`;
    const share = (bytes: number) => `${formatMegabytes(bytes)} MB, ${ratio(bytes, python.bytes)}`;
    printTable([
      ["", name],
      ["requests", `${requests}, ${ratio(requests, messages)} of the messages`],
      ["second requests", `${secondRequests}, ${ratio(secondRequests, messages)} of the messages`],
      ["received", `${share(bytesSent)} of ${formatMegabytes(python.bytes)} MB`],
      ["least possible", `${share(least)}, by any client in as many requests`],
      [
        "wall time",
        `${seconds(wallSeconds)}, ${ratio(wallSeconds, python.seconds)} of ecCodes' ` +
        seconds(python.seconds),
      ],
      ["peak memory", `${formatMegabytes(peakRssBytes)} MB`],
      ["largest difference", python.largestDifference.toExponential(1)],
    ]);
    assert(bytesSent <= 1.04 * least, `${share(bytesSent)} were received`);
    assert(secondRequests <= 0.03 * messages, `${secondRequests} second requests`);
    assert(peakRssBytes < PEAK_LIMIT_BYTES, `peak memory is ${formatMegabytes(peakRssBytes)} MB`);
  }
} finally {
  await Deno.remove(work, { recursive: true });
}
