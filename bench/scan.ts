/**
 * A scan of one step of 0.25°, 8,160 messages in 5 GB, from a local S3 server into 51 stores, with its
 * index and without: `deno run -A bench/scan.ts`. kerchunk's `scan_grib` reads the whole file.
 *
 * @module
 */
import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { silentReporter } from "../lib/util/reporter.ts";
import { stepFiles } from "../lib/ecmwf/files.ts";
import { ENSEMBLE_SIZE, firstMembers } from "../lib/ecmwf/members.ts";
import { scanRun } from "../lib/kerchunk/scan_run.ts";
import { openStorage } from "../lib/storage/mod.ts";
import { formatMegabytes } from "../lib/util/numbers.ts";
import { printTable, ServerProcess } from "./measure.ts";
import { ALL_FIELDS, HEADERS_RUN, HEADERS_STEP, writeHeaders } from "../fixtures/full_run.ts";

/** Scans the file in a folder and reports requests, bytes and time. */
async function scan(folder: string, fileBytes: number): Promise<string> {
  await using server = await ServerProcess.start(folder);
  const storage = openStorage({ endpoint: server.url });
  const options = { run: HEADERS_RUN, hours: [HEADERS_STEP], members: firstMembers(ENSEMBLE_SIZE) };
  const start = performance.now();
  const { messages, stores } = await scanRun(options, { storage, reporter: silentReporter });
  const seconds = (performance.now() - start) / 1000;
  assertEquals([messages.length, stores.size], [ALL_FIELDS.length * ENSEMBLE_SIZE, ENSEMBLE_SIZE]);
  const { requests, bytesSent } = await server.stop();
  const share = (100 * bytesSent / fileBytes).toFixed(3);
  return `${requests} requests, ${formatMegabytes(bytesSent)} MB (${share} %), ${
    seconds.toFixed(2)
  } s`;
}

const folder = await Deno.makeTempDir();
try {
  const fileBytes = await writeHeaders(folder);
  const withIndex = await scan(folder, fileBytes);
  const { pathname } = new URL(stepFiles(HEADERS_RUN, HEADERS_STEP)[0]!.indexUrl);
  await Deno.remove(`${folder}${pathname}`);
  printTable([
    ["file", `${ALL_FIELDS.length * ENSEMBLE_SIZE} messages, ${formatMegabytes(fileBytes)} MB`],
    ["with index", withIndex],
    ["without", await scan(folder, fileBytes)],
  ]);
} finally {
  await Deno.remove(folder, { recursive: true });
}
