/**
 * Stage 2 for a whole run of 00 UTC before IFS cycle 50r1: 85 indexes of 8,160 lines, from a local S3
 * server, into 51 Parquet files, start of the process included: `deno run -A bench/stage2.ts`.
 *
 * @module
 */
import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { ENSEMBLE_SIZE } from "../lib/ecmwf/members.ts";
import { parseRun, runSteps } from "../lib/ecmwf/run.ts";
import { formatMegabytes } from "../lib/util/numbers.ts";
import { printTable, runAgainstServer } from "./measure.ts";
import { ALL_FIELDS, writeIndexes } from "../fixtures/full_run.ts";

const RUN = parseRun("20260206", "00");
/** The best of these runs counts, because the machine has other work too. */
const REPETITIONS = 5;

async function runOnce(bucket: string, output: string) {
  const args = ["--date", RUN.date, "--run", RUN.hour, "--output-dir", output];
  const { counters, ...cost } = await runAgainstServer(bucket, "stages/stage2.ts", args);
  const files = runSteps(RUN).length;
  assertEquals(counters.byMethod, { GET: files, HEAD: files });
  assertEquals(counters.bySuffix, { index: files, grib2: files });
  assertEquals(counters.byStatus, { 200: 2 * files });
  return { counters, ...cost, writtenBytes: sumSizes(output) };
}

/** Bytes in a folder, which must have one file for each member. */
function sumSizes(folder: string): number {
  const names = Array.from(Deno.readDirSync(folder), (entry) => entry.name);
  assertEquals(names.length, ENSEMBLE_SIZE);
  return names.reduce((sum, name) => sum + Deno.statSync(`${folder}/${name}`).size, 0);
}

const work = await Deno.makeTempDir();
try {
  const files = await writeIndexes(`${work}/bucket`, RUN, runSteps(RUN));
  const results: Awaited<ReturnType<typeof runOnce>>[] = [];
  for (let i = 0; i < REPETITIONS; i++) {
    results.push(await runOnce(`${work}/bucket`, `${work}/stores`));
  }
  const seconds = results.map((result) => result.wallSeconds);
  const best = results[seconds.indexOf(Math.min(...seconds))]!;
  const lines = files * ALL_FIELDS.length * ENSEMBLE_SIZE;
  printTable([
    ["indexes", `${files}, ${lines} lines, ${formatMegabytes(best.counters.bytesSent)} MB`],
    ["requests", JSON.stringify(best.counters.byMethod)],
    ["stores", `${ENSEMBLE_SIZE}, ${formatMegabytes(best.writtenBytes)} MB`],
    ["wall time", `${best.wallSeconds.toFixed(2)} s (${formatSeconds(seconds)})`],
    ["peak memory", `${formatMegabytes(Math.max(...results.map((it) => it.peakRssBytes)))} MB`],
  ]);
} finally {
  await Deno.remove(work, { recursive: true });
}

function formatSeconds(seconds: readonly number[]): string {
  return seconds.map((it) => it.toFixed(2)).join(", ");
}
