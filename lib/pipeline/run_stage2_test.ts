import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "jsr:@std/assert@^1.0.0";
import {
  AFTER_50R1,
  BEFORE_50R1,
  bucketKey,
  EMBEDDED_STEPS,
  type EmbeddedRun,
  openWorkplace,
  readEmbeddedBucket,
} from "../../fixtures/embedded_run.ts";
import { SLOW_DOWN } from "../../fixtures/s3_server.ts";
import { MissingDataError } from "../errors.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { parseRun, type Run } from "../ecmwf/run.ts";
import { parseIndex } from "../index/entries.ts";
import { isReference, type Store } from "../references/store.ts";
import { readStageStore, writeStageStore } from "../references/stage_files.ts";
import { StorageError } from "../storage/mod.ts";
import { runStage2, type Stage2Options } from "./run_stage2.ts";

function options({ run, members }: EmbeddedRun, folder: string): Stage2Options {
  return {
    run,
    steps: EMBEDDED_STEPS,
    maxMembers: members,
    parallelWorkers: 3,
    outputDir: folder,
    allowMissing: false,
  };
}

const indexKey = (run: Run, step: number, file = 0) =>
  bucketKey(stepFiles(run, step)[file]!.indexUrl);

const reference = (store: Store | undefined, key: string) => {
  const value = store?.get(key);
  return value && isReference(value) ? value : undefined;
};

Deno.test("runStage2() references every line of every index, for its own member", async () => {
  const bucket = await readEmbeddedBucket();
  for (const embedded of [BEFORE_50R1, AFTER_50R1]) {
    await using workplace = await openWorkplace(bucket);
    const { context, folder } = workplace;
    const result = await runStage2(options(embedded, folder), context);
    assert(result.complete);
    let lines = 0;
    for (const file of EMBEDDED_STEPS.flatMap((step) => stepFiles(embedded.run, step))) {
      const index = bucket.get(bucketKey(file.indexUrl))!;
      for (const entry of parseIndex(new TextDecoder().decode(index)).entries) {
        const member = Number(entry.number ?? 0);
        const name = member === 0 ? "control" : `ens${String(member).padStart(2, "0")}`;
        const level = entry.levelist ? `/${entry.levelist}` : "";
        const step = entry.step.padStart(3, "0");
        const key = `step_${step}/${entry.param}/${entry.levtype}${level}/${name}/0.0.0`;
        const store = await readStageStore(context.storage, folder, 2, member, {
          keys: new Set([key]),
        });
        const { _offset: offset, _length: length } = entry;
        assertEquals(reference(store, key), { url: file.url, offset, length });
        lines++;
      }
    }
    assertEquals(result.fieldCount, lines);
  }
});

Deno.test("runStage2() gives the 700 hPa message for keys without a level", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  await runStage2(options(BEFORE_50R1, folder), context);
  const store = await readStageStore(context.storage, folder, 2, 1);
  const named = reference(store, "step_036/u/pl/700/ens01/0.0.0");
  assert(named);
  assertEquals(reference(store, "step_036/u/pl/ens01/0.0.0"), named);
});

Deno.test("runStage2() fetches each index once and asks each file for its length once", async () => {
  await using workplace = await openWorkplace();
  await runStage2(options(AFTER_50R1, workplace.folder), workplace.context);
  const files = EMBEDDED_STEPS.length * 2;
  assertEquals(workplace.server.counters.byMethod, { GET: files, HEAD: files });
  assertEquals(workplace.server.counters.bySuffix, { index: files, grib2: files });
});

Deno.test("runStage2() puts the skeleton of stage 1 before the fresh keys", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  const skeleton: Store = new Map([[".zgroup", new TextEncoder().encode('{"zarr_format":2}')]]);
  await writeStageStore(context.storage, folder, 1, 0, skeleton);
  await runStage2(options(BEFORE_50R1, folder), context);
  const store = await readStageStore(context.storage, folder, 2, 0);
  assertEquals([...store!.keys()][0], ".zgroup");
  assert(store!.size > 1);
});

Deno.test("runStage2() continues without a missing index, requests it again, and is incomplete", async () => {
  const bucket = await readEmbeddedBucket();
  const key = indexKey(BEFORE_50R1.run, 39);
  bucket.delete(key);
  await using workplace = await openWorkplace(bucket);
  const { context, folder, server, warnings } = workplace;
  const result = await runStage2(options(BEFORE_50R1, folder), context);
  assert(!result.complete);
  assertEquals(result.missingFiles.map((file) => file.stepHours), [39]);
  assertEquals(result.members, [0, 1, 2, 3]);
  assertEquals(server.requests.filter((it) => it.key === key).length, 2);
  assertStringIncludes(warnings.join("\n"), "1 of 2 steps are not there: 39");
  const allowed = { ...options(BEFORE_50R1, folder), allowMissing: true };
  assert((await runStage2(allowed, context)).complete);
});

Deno.test("runStage2() fails for a run without any file, as missing", async () => {
  await using workplace = await openWorkplace();
  const absent = { run: parseRun("20260207", "00"), members: 4 };
  await assertRejects(
    () => runStage2(options(absent, workplace.folder), workplace.context),
    MissingDataError,
    "Cannot find anything of 20260207 00 UTC",
  );
});

Deno.test("runStage2() fails when the server answers only SlowDown, as busy", async () => {
  await using workplace = await openWorkplace();
  workplace.server.setFaults(() => SLOW_DOWN);
  const error = await assertRejects(
    () => runStage2(options(BEFORE_50R1, workplace.folder), workplace.context),
    StorageError,
    "503",
  );
  assertEquals(error.kind, "unreachable");
});

Deno.test("runStage2() names members that the run lacks, and a control lost from oper", async () => {
  const bucket = await readEmbeddedBucket();
  for (const step of EMBEDDED_STEPS) {
    bucket.set(indexKey(AFTER_50R1.run, step, 1), new Uint8Array());
  }
  await using workplace = await openWorkplace(bucket);
  const asked = { ...options(AFTER_50R1, workplace.folder), maxMembers: 5 };
  const result = await runStage2(asked, workplace.context);
  assert(!result.complete);
  assertEquals(result.members, [1, 2]);
  assertStringIncludes(workplace.warnings.join("\n"), "lacks members control, 3-4");
});

Deno.test("runStage2() leaves out lines past the end of their file and names the gap", async () => {
  const bucket = await readEmbeddedBucket();
  const file = bucketKey(stepFiles(BEFORE_50R1.run, 36)[0]!.url);
  bucket.set(file, bucket.get(file)!.slice(0, -1));
  await using workplace = await openWorkplace(bucket);
  const result = await runStage2(options(BEFORE_50R1, workplace.folder), workplace.context);
  assert(!result.complete);
  assertStringIncludes(workplace.warnings.join("\n"), "the file at");
  assertMatch(workplace.warnings.join("\n"), /fields are missing: step 36, members 3: gh \(925\)$/);
});

Deno.test("runStage2() refuses an index of another run", async () => {
  const bucket = await readEmbeddedBucket();
  const own = indexKey(BEFORE_50R1.run, 36);
  const text = new TextDecoder().decode(bucket.get(own)!).replaceAll("20260206", "20260205");
  bucket.set(own, new TextEncoder().encode(text));
  await using workplace = await openWorkplace(bucket);
  const asked = { ...options(BEFORE_50R1, workplace.folder), steps: [36, 39] };
  const result = await runStage2(asked, workplace.context);
  assert(!result.complete);
  assertStringIncludes(workplace.warnings.join("\n"), "20260205 0000 step 36, not 20260206 00 UTC");
});

/** Stage 2 of the embedded run with another index of step 36, and the warnings. */
async function runWithIndex(change: (lines: string[]) => string) {
  const bucket = await readEmbeddedBucket();
  const key = indexKey(BEFORE_50R1.run, 36);
  const lines = new TextDecoder().decode(bucket.get(key)!).trim().split("\n");
  bucket.set(key, new TextEncoder().encode(change(lines)));
  await using place = await openWorkplace(bucket);
  const result = await runStage2(options(BEFORE_50R1, place.folder), place.context);
  const store = await readStageStore(place.context.storage, place.folder, 2, 1);
  return { result, store, warnings: place.warnings.join("\n") };
}

/** Of a step of the run before cycle 50r1: 160 of a member. */
const LINES = 4 * 160;
const FIELDS = LINES * EMBEDDED_STEPS.length;

Deno.test("runStage2() loses to a malformed or cut line one field, names it, and is incomplete", async () => {
  const { result, warnings } = await runWithIndex((lines) =>
    [lines[0]!.replace(/"step": "36"/, '"step": null'), ...lines.slice(1)].join("\n").slice(0, -9)
  );
  assert(!result.complete);
  assertEquals(result.fieldCount, FIELDS - 2);
  assertEquals(result.missingFiles, []);
  const url = stepFiles(BEFORE_50R1.run, 36)[0]!.indexUrl;
  assertStringIncludes(warnings, `${url}: lines left out: line 1: "step" is null, expected a step`);
  assertStringIncludes(warnings, `; line ${LINES}: it is not JSON`);
});

Deno.test("runStage2() is incomplete where an index ends before its file does, at a whole line", async () => {
  const { result, warnings } = await runWithIndex((lines) => lines.slice(0, -4).join("\n"));
  assert(!result.complete);
  assertStringIncludes(warnings, "no line lists");
});

const SAME: [name: string, change: (lines: string[]) => string][] = [
  ["lines that are there twice", (lines) => [...lines, ...lines.slice(0, 9)].join("\n")],
  ["CRLF and a byte order mark", (lines) => `\ufeff${lines.join("\r\n")}\r\n`],
  [
    "numbers instead of text",
    (lines) =>
      lines.map((it) => it.replaceAll(/("(?:step|number|levelist)": )"(\d+)"/g, "$1$2")).join("\n"),
  ],
  [
    "leading zeros and ranges of hours",
    (lines) =>
      lines.map((it) => it.replace('"step": "36"', '"step": "0-36"').replace(/"number": "/, "$&0"))
        .join("\n"),
  ],
  [
    "lines of another experiment before ours",
    (lines) =>
      [...lines.slice(0, 9).map((it) => it.replace('"0001"', '"0079"')), ...lines].join("\n"),
  ],
];

for (const [name, change] of SAME) {
  Deno.test(`runStage2() gives the same references for an index with ${name}`, async () => {
    const usual = await runWithIndex((lines) => lines.join("\n"));
    const { result, store, warnings } = await runWithIndex(change);
    assertEquals([result.complete, result.fieldCount, warnings], [true, FIELDS, ""]);
    assertEquals(store, usual.store);
  });
}
