import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "jsr:@std/assert@^1.0.0";
import { unzipSync } from "npm:fflate@0.8.3";
import {
  AFTER_50R1,
  BEFORE_50R1,
  EMBEDDED_STEPS,
  type EmbeddedRun,
  openWorkplace,
  readEmbeddedBucket,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import { MissingDataError } from "../errors.ts";
import { firstMembers } from "../ecmwf/members.ts";
import { STORE_FORMATS } from "../kerchunk/final_files.ts";
import { isReference, type Store, type StoreValue } from "../references/store.ts";
import { scanRun } from "../kerchunk/scan_run.ts";
import { deflateStore } from "../references/skeleton.ts";
import { readStageStore, writeStageStore } from "../references/stage_files.ts";
import { runStage2 } from "./run_stage2.ts";
import { runStage3, type Stage3Options } from "./run_stage3.ts";

const { run } = BEFORE_50R1;
const own = "s3://ecmwf-forecasts/20260206/00z/ifs/0p25/enfo/20260206000000-36h-enfo-ef";
const KEY = "step_036/tp/sfc/control/0.0.0";

Deno.test("runStage3() writes final stores, and the same zip for the same stores", async () => {
  await using workplace = await openWorkplace();
  const { context } = workplace;
  const folder = `${workplace.folder}/stores`;
  const store: Store = new Map([[KEY, { url: `${own}.grib2`, offset: 7, length: 5 }]]);
  await writeStageStore(context.storage, folder, 2, 0, store);
  const zips: Uint8Array[] = [];
  for (let i = 0; i < 2; i++) {
    const options = { run, maxMembers: 1, outputDir: folder, zip: true };
    const result = await runStage3(options, context);
    assert(result.complete);
    zips.push(await Deno.readFile(result.zipPath!));
  }
  assertEquals(await readStageStore(context.storage, folder, 3, 0), store);
  assertEquals(zips[0], zips[1]);
  assertEquals(Object.keys(unzipSync(zips[0]!)), [
    "stores/stage2_control_merged.parquet",
    "stores/stage3_control_final.parquet",
  ]);
});

Deno.test("runStage3() is incomplete without a member's stage 2 file, and fails without any", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  const options = { run, maxMembers: 2, outputDir: folder, zip: false };
  await assertRejects(() => runStage3(options, context), MissingDataError, "run stage 2 first");
  await writeStageStore(context.storage, folder, 2, 0, new Map());
  const result = await runStage3(options, context);
  assertEquals(result.complete, false);
  assertEquals(result.members, [0]);
});

/** Runs the first two stages on an embedded run; `skeleton` changes each skeleton. */
async function openStage3(
  workplace: Workplace,
  { run, members }: EmbeddedRun,
  skeleton: (store: Store) => Store = (store) => store,
): Promise<Stage3Options> {
  const { context, folder } = workplace;
  const outputDir = `${folder}/stores`;
  const common = { run, maxMembers: members, outputDir };
  const steps = EMBEDDED_STEPS;
  await runStage2({ ...common, steps, parallelWorkers: 4, allowMissing: false }, context);
  const hours = [36];
  const { stores } = await scanRun({ run, hours, members: firstMembers(members) }, context);
  for (const [member, store] of stores) {
    const own = skeleton(deflateStore(store, new Date(0), new Date(0)).store);
    await writeStageStore(context.storage, outputDir, 1, member, own);
  }
  return { ...common, zip: false };
}

/** The requests to the server during some work. */
async function requestsOf({ server }: Workplace, work: () => Promise<unknown>) {
  const before = server.requests.length;
  await work();
  return server.requests.slice(before);
}

/** Paths of the arrays whose chunks are references, and how many each has. */
function countChunks(store: Store): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [key, value] of store) {
    const path = key.slice(0, key.lastIndexOf("/"));
    if (isReference(value) && !key.startsWith("step_")) counts[path] = (counts[path] ?? 0) + 1;
  }
  return counts;
}

Deno.test("a parameter that the skeletons lack costs one header for all members, others nothing", async () => {
  for (const embedded of [BEFORE_50R1, AFTER_50R1]) {
    await using workplace = await openWorkplace();
    const { context, folder, warnings } = workplace;
    const options = await openStage3(
      workplace,
      embedded,
      (store) => new Map([...store].filter(([key]) => !/^(t2m|u)\//.test(key))),
    );
    const requests = await requestsOf(workplace, () => runStage3(options, context));
    // From 50r1 on the control is in a file of its own, whose headers differ.
    const headers = embedded === AFTER_50R1 ? 4 : 2;
    assertEquals(requests.map(({ method }) => method), new Array(headers).fill("GET"));
    assert(requests.every(({ range }) => range !== undefined));
    assertLess(Math.max(...requests.map(({ range }) => rangeLength(range!))), 301);
    const store = await readStageStore(context.storage, `${folder}/stores`, 3, 1);
    const chunks = countChunks(store!);
    const [groups, levels] = embedded === AFTER_50R1 ? [47, 14] : [46, 13];
    assertEquals(Object.keys(chunks).length, groups);
    assertEquals(chunks["t2m/instant/heightAboveGround/t2m"], 2);
    assertEquals(chunks["u/instant/isobaricInhPa/u"], 2 * levels);
    assertEquals(warnings, []);
  }
});

function rangeLength(range: string): number {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range)!;
  return Number(last) - Number(first) + 1;
}

Deno.test("empty skeletons stay empty in Parquet files, and get all groups in other formats", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  const options = await openStage3(workplace, BEFORE_50R1, () => new Map());
  assertEquals((await requestsOf(workplace, () => runStage3(options, context))).length, 0);
  const store = await readStageStore(context.storage, `${folder}/stores`, 3, 1);
  assert([...store!.keys()].every((key) => key.startsWith("step_")));
  const described = await requestsOf(
    workplace,
    () => runStage3({ ...options, format: "kerchunk-json" }, context),
  );
  assertEquals(described.length, 46);
});

Deno.test("every format holds the same groups, and a group without a message is in none", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  const options = await openStage3(workplace, BEFORE_50R1, (store) => {
    const extra = [...store].filter(([key]) => key.startsWith("sp/"));
    const text = (value: StoreValue) => new TextDecoder().decode(value as Uint8Array);
    const renamed = extra.map(([key, value]) =>
      [
        key.replaceAll("sp", "cape"),
        new TextEncoder().encode(text(value).replaceAll('"sp"', '"cape"')),
      ] as const
    );
    return new Map([...store, ...renamed]);
  });
  for (const format of STORE_FORMATS) {
    const result = await runStage3({ ...options, format, combine: true }, context);
    assert(result.complete);
  }
  const names = Array.from(Deno.readDirSync(`${folder}/stores`), ({ name }) => name)
    .filter((name) => name.startsWith("stage3_ens_01") || name.startsWith("stage3_combined"));
  assertEquals(names.sort(), [
    "stage3_combined_final.json",
    "stage3_combined_final.parq",
    "stage3_combined_final.parquet",
    "stage3_ens_01_final.json",
    "stage3_ens_01_final.parq",
    "stage3_ens_01_final.parquet",
  ]);
  const store = (await readStageStore(context.storage, `${folder}/stores`, 3, 1))!;
  assertEquals(Object.keys(countChunks(store)).filter((path) => path.startsWith("cape")), []);
  assertEquals([...store.keys()].filter((key) => key.startsWith("cape")), []);
  const json = JSON.parse(await Deno.readTextFile(`${folder}/stores/stage3_ens_01_final.json`));
  assertEquals(Object.keys(json.refs), [...store.keys()]);
  for (const [key, value] of store) {
    const expected = isReference(value)
      ? [value.url, value.offset, value.length]
      : new TextDecoder().decode(value);
    assertEquals(json.refs[key], expected);
  }
  const { metadata } = JSON.parse(
    await Deno.readTextFile(`${folder}/stores/stage3_ens_01_final.parq/.zmetadata`),
  );
  assertEquals(Object.keys(metadata), [...store.keys()].filter((key) => /(^|\/)\.z/.test(key)));
});

Deno.test("a message that differs from its index gives no group, and stage 3 is incomplete", async () => {
  const bucket = await readEmbeddedBucket();
  const key = "20260206/00z/ifs/0p25/enfo/20260206000000-36h-enfo-ef.index";
  const index = new TextDecoder().decode(bucket.get(key))
    .replaceAll('"param": "sp"', '"param": "?"')
    .replaceAll('"param": "tcw"', '"param": "sp"')
    .replaceAll('"param": "?"', '"param": "tcw"');
  bucket.set(key, new TextEncoder().encode(index));
  await using workplace = await openWorkplace(bucket);
  const { context, folder, warnings } = workplace;
  const options = { run, maxMembers: 2, outputDir: `${folder}/stores`, zip: false };
  const steps = EMBEDDED_STEPS;
  await runStage2({ ...options, steps, parallelWorkers: 4, allowMissing: false }, context);
  const result = await runStage3({ ...options, format: "kerchunk-json" }, context);
  assertEquals(result.complete, false);
  const reported = warnings.join("\n");
  assertStringIncludes(reported, "sp sfc is in no group");
  assertStringIncludes(reported, "its parameter is tcw, the index says sp");
  const json = JSON.parse(await Deno.readTextFile(`${folder}/stores/stage3_ens_01_final.json`));
  assertEquals(Object.keys(json.refs).filter((it) => /^(sp|tcw)\//.test(it)), []);
});
