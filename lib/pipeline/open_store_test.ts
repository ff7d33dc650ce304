import { assertEquals, assertMatch } from "jsr:@std/assert@^1.0.0";
import {
  AFTER_50R1,
  BEFORE_50R1,
  EMBEDDED_STEPS,
  type EmbeddedRun,
  openWorkplace,
  readEmbeddedBucket,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import { type Bucket, keepMessages, replaceFile } from "../../fixtures/file_versions.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { parseRun } from "../ecmwf/run.ts";
import type { IndexEntry } from "../index/entries.ts";
import { finalFileName, type StoreOwner } from "../kerchunk/final_files.ts";
import { INLINE_BYTES } from "../kerchunk/scanned_message.ts";
import { type PipelineOptions, runPipeline } from "./run_pipeline.ts";
import { pipelineOptions } from "./pipeline_fixture.ts";

// Only Debian's own Python sees Debian's packages.
const PYTHON = "/usr/bin/python3";
const SCRIPT = decodeURIComponent(
  new URL("../../fixtures/open_store.py", import.meta.url).pathname,
);
const MODULES = "import aiohttp, eccodes, fsspec, requests, xarray, zarr";

const canOpen = await new Deno.Command(PYTHON, { args: ["-c", MODULES] }).output()
  .then(({ success }) => success, () => false);
const NEEDS = "(needs Debian's python3-xarray, -zarr, -fsspec, -aiohttp, -requests, -eccodes)";

const SHARED = new URL("../../../shared/data/", import.meta.url);
const hasShared = await Deno.stat(SHARED).then(() => true, () => false);

function storeOptions(embedded: EmbeddedRun, folder: string): PipelineOptions {
  const steps = [0, ...EMBEDDED_STEPS];
  return { ...pipelineOptions(embedded, folder), steps, format: "kerchunk-json", combine: true };
}

/** Opens stores with Python and compares them with GRIB files. @returns a line for each store. */
async function openStores(
  { folder, server }: Workplace,
  owners: readonly StoreOwner[],
  files: readonly string[],
): Promise<string[]> {
  const stores = owners.map((owner) =>
    `--store=${folder}/stores/${finalFileName("kerchunk-json", owner)}`
  );
  const args = [SCRIPT, "--endpoint", server.url, ...stores, ...files];
  const { stdout, stderr } = await new Deno.Command(PYTHON, { args }).output();
  const [printed, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals(errors, "");
  return printed!.trimEnd().split("\n");
}

/** The lines for stores of some variables that equal these numbers of messages. */
function reports(counts: readonly number[], variables = 16): string[] {
  return counts.map((count) => `${variables} variables, ${count} messages compared, 0 differences`);
}

/** Messages of each member: 13 surface fields and 3 variables on 5 levels, at step 0 without sums. */
const MESSAGES = 28 * 3 - 5;

/** The embedded runs with one constant field, as xarray takes minutes for all of them. */
async function readThinBucket(): Promise<Bucket> {
  const bucket = await readEmbeddedBucket();
  for (const { run } of [BEFORE_50R1, AFTER_50R1]) {
    for (const file of [0, ...EMBEDDED_STEPS].flatMap((step) => stepFiles(run, step))) {
      const keep = ({ param, _length }: IndexEntry) => param === "lsm" || _length > INLINE_BYTES;
      replaceFile(bucket, keepMessages(bucket, file, keep));
    }
  }
  return bucket;
}

/** Writes the GRIB2 files of a day of a bucket into a folder, and gives their paths. */
async function writeGrib(bucket: Bucket, date: string, folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const [key, bytes] of bucket) {
    if (!key.startsWith(date) || !key.endsWith(".grib2")) continue;
    files.push(`${folder}/${key.split("/").at(-1)}`);
    await Deno.writeFile(files.at(-1)!, bytes);
  }
  return files;
}

const SCAN = { scan: "always", hours: [0, 36] } as const;
const CASES = [
  { name: "scanned before cycle 50r1", embedded: BEFORE_50R1, options: SCAN },
  { name: "scanned after cycle 50r1", embedded: AFTER_50R1, options: SCAN },
  { name: "built from headers after cycle 50r1", embedded: AFTER_50R1, options: {} },
];

for (const { name, embedded, options } of CASES) {
  Deno.test({
    name: `xarray finds in stores ${name} what ecCodes finds in the messages ${NEEDS}`,
    ignore: !canOpen,
    fn: async () => {
      const bucket = await readThinBucket();
      await using workplace = await openWorkplace(bucket);
      const { context, folder, warnings } = workplace;
      await runPipeline({ ...storeOptions(embedded, folder), ...options }, context);
      assertEquals(warnings, []);
      const files = await writeGrib(bucket, embedded.run.date, folder);
      const reported = await openStores(workplace, [0, embedded.members - 1, "combined"], files);
      assertEquals(reported, reports([MESSAGES, MESSAGES, MESSAGES * embedded.members]));
    },
  });
}

Deno.test({
  name: `xarray finds NaN where a message is missing, and all other values ${NEEDS}`,
  ignore: !canOpen,
  fn: async () => {
    const bucket = await readThinBucket();
    const step = "20260206/00z/ifs/0p25/enfo/20260206000000-36h-enfo-ef";
    const index = new TextDecoder().decode(bucket.get(`${step}.index`)).trimEnd().split("\n");
    const { _offset } = JSON.parse(index.at(-1)!);
    bucket.set(`${step}.index`, new TextEncoder().encode(index.slice(0, -1).join("\n") + "\n"));
    bucket.set(`${step}.grib2`, bucket.get(`${step}.grib2`)!.slice(0, _offset));
    await using workplace = await openWorkplace(bucket);
    const { context, folder, warnings } = workplace;
    const result = await runPipeline(storeOptions(BEFORE_50R1, folder), context);
    assertEquals(result.stage3.complete, true);
    assertMatch(warnings.join(), /fields are missing: step 36/);
    const files = await writeGrib(bucket, BEFORE_50R1.run.date, folder);
    const reported = await openStores(workplace, ["combined"], files);
    assertEquals(reported, reports([MESSAGES * BEFORE_50R1.members - 1]));
  },
});

Deno.test({
  name:
    `xarray finds in stores of kerchunk's own template what ecCodes finds ${NEEDS} (needs ../shared)`,
  ignore: !canOpen || !hasShared,
  fn: async () => {
    const bucket = new Map<string, Uint8Array<ArrayBuffer>>();
    const files = [0, 3].map((hours) => `20240529000000-${hours}h-enfo-ef`);
    for (const name of files.flatMap((file) => [`${file}.index`, `${file}.grib2`])) {
      const bytes = await Deno.readFile(new URL(`kerchunk/${name}`, SHARED));
      bucket.set(`20240529/00z/ifs/0p25/enfo/${name}`, bytes);
    }
    await using workplace = await openWorkplace(bucket);
    const { context, folder, warnings } = workplace;
    const embedded = { run: parseRun("20240529", "00"), members: 4 };
    const template = decodeURIComponent(new URL("template-sample.tar.gz", SHARED).pathname);
    const options = { ...storeOptions(embedded, folder), steps: [0, 3], template };
    const result = await runPipeline(options, context);
    assertEquals([result.stage1.fromTemplate, warnings], [true, []]);
    const grib = files.map((file) => new URL(`kerchunk/${file}.grib2`, SHARED).pathname);
    const reported = await openStores(workplace, [0, 3, "combined"], grib);
    assertEquals(reported, reports([54, 54, 216], 15));
  },
});
