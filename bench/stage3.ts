/**
 * Stage 3 for a whole run of 00 UTC before IFS cycle 50r1: 160 fields, 85 steps and 51 members, in
 * every format, with a skeleton of all fields: `deno run -A bench/stage3.ts`.
 *
 * @module
 */
import { firstMembers } from "../lib/ecmwf/members.ts";
import { parseRun, runSteps } from "../lib/ecmwf/run.ts";
import { silentReporter } from "../lib/util/reporter.ts";
import { BUCKET } from "../lib/ecmwf/files.ts";
import { scanRun } from "../lib/kerchunk/scan_run.ts";
import { deflateStore } from "../lib/references/skeleton.ts";
import { writeStageStore } from "../lib/references/stage_files.ts";
import { openStorage } from "../lib/storage/mod.ts";
import { HEADERS_RUN, HEADERS_STEP, writeHeaders, writeIndexes } from "../fixtures/full_run.ts";
import { startS3Server } from "../fixtures/s3_server.ts";
import { formatMegabytes } from "../lib/util/numbers.ts";
import { printTable, runAgainstServer, runModule } from "./measure.ts";

const RUN = parseRun("20260206", "00");
/** The best of these runs counts, because the machine has other work too. */
const REPETITIONS = 3;

const FORMATS = [
  { name: "parquet", options: [] },
  { name: "kerchunk-json", options: [] },
  { name: "kerchunk-json, combined", options: ["--combine"] },
  { name: "kerchunk-parquet", options: [] },
  { name: "kerchunk-parquet, combined", options: ["--combine"] },
];

/** Writes skeletons that have a group for each of the 160 fields, as stage 1 leaves them. */
async function writeSkeletons(work: string): Promise<void> {
  await writeHeaders(`${work}/headers`);
  await using server = startS3Server({ buckets: { [BUCKET]: `${work}/headers` } });
  const storage = openStorage({ endpoint: server.url });
  const members = firstMembers(51);
  const { stores } = await scanRun(
    { run: HEADERS_RUN, hours: [HEADERS_STEP], members },
    { storage, reporter: silentReporter },
  );
  for (const [member, store] of stores) {
    const skeleton = deflateStore(store, new Date(0), new Date(0)).store;
    await writeStageStore(storage, `${work}/stores`, 1, member, skeleton);
  }
}

/** Bytes of the final stores in a folder. */
function sumSizes(folder: string, ending = /^stage3_/): number {
  let bytes = 0;
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) bytes += sumSizes(path, /./);
    else if (ending.test(entry.name)) bytes += Deno.statSync(path).size;
  }
  return bytes;
}

async function removeFinal(folder: string): Promise<void> {
  for (const { name } of [...Deno.readDirSync(folder)]) {
    if (name.startsWith("stage3_")) await Deno.remove(`${folder}/${name}`, { recursive: true });
  }
}

const work = await Deno.makeTempDir();
try {
  const stores = `${work}/stores`;
  const run = ["--date", RUN.date, "--run", RUN.hour, "--output-dir", stores];
  await writeSkeletons(work);
  await writeIndexes(`${work}/bucket`, RUN, runSteps(RUN));
  await runAgainstServer(`${work}/bucket`, "stages/stage2.ts", run);
  const rows: [string, string][] = [];
  for (const { name, options } of FORMATS) {
    const format = ["--format", name.split(",")[0]!, ...options];
    let seconds = Infinity;
    let peakBytes = 0;
    for (let i = 0; i < REPETITIONS; i++) {
      await removeFinal(stores);
      const cost = await runModule("stages/stage3.ts", [...run, ...format]);
      seconds = Math.min(seconds, cost.wallSeconds);
      peakBytes = Math.max(peakBytes, cost.peakRssBytes);
    }
    const size = `${formatMegabytes(sumSizes(stores))} MB`;
    rows.push([
      name,
      `${seconds.toFixed(2)} s, ${size}, peak memory ${formatMegabytes(peakBytes)} MB`,
    ]);
  }
  printTable(rows);
} finally {
  await Deno.remove(work, { recursive: true });
}
