import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { unzipSync } from "npm:fflate@0.8.3";
import {
  AFTER_50R1,
  BEFORE_50R1,
  bucketKey,
  type EmbeddedRun,
  openWorkplace,
  readEmbeddedBucket,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import { MissingDataError } from "../errors.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { RunError } from "../ecmwf/run.ts";
import { decodeStore } from "../references/store_parquet.ts";
import { isReference, type Store } from "../references/store.ts";
import { scanRun } from "../kerchunk/scan_run.ts";
import { readStageStore } from "../references/stage_files.ts";
import { encodeTemplate } from "../template/template_archive.ts";
import { runStage1, type Stage1Options } from "./run_stage1.ts";
import { HOURS, writeCoarse, writeStale } from "./stale_template_fixture.ts";

function options({ run, members }: EmbeddedRun, folder: string): Stage1Options {
  return {
    run,
    maxMembers: members,
    outputDir: `${folder}/stores`,
    requireTemplate: false,
    templateCache: `${folder}/cache`,
    hours: HOURS,
  };
}

async function readSkeleton({ context, folder }: Workplace, member: number): Promise<Store> {
  return (await readStageStore(context.storage, `${folder}/stores`, 1, member))!;
}

for (const embedded of [BEFORE_50R1, AFTER_50R1]) {
  Deno.test(`stage 1 scans the run of ${embedded.run.date} into skeletons of every member`, async () => {
    await using workplace = await openWorkplace();
    const { context, folder, warnings } = workplace;
    const scan = { ...options(embedded, folder), scan: "always" } as const;
    const result = await runStage1(scan, context);
    assertEquals(warnings, []);
    assert(result.complete && result.scanned && !result.fromTemplate);
    for (const member of result.members) {
      const store = await readSkeleton(workplace, member);
      assert([...store.values()].every((value) => !isReference(value)));
      assert(store.has("t2m/instant/heightAboveGround/t2m/.zarray"));
      assert(!store.has("tp/accum/surface/tp/0.0.0.0"));
    }
  });
}

Deno.test("a saved template and the stage 1 zip give the skeletons that the scan gave", async () => {
  await using workplace = await openWorkplace();
  const { context, folder, server, warnings } = workplace;
  const saveTemplate = `${folder}/saved.tar.gz`;
  const plain = options(BEFORE_50R1, folder);
  await runStage1({ ...plain, scan: "always", saveTemplate, stage1Zip: true }, context);
  const scanned = await readSkeleton(workplace, 2);
  for (const template of [saveTemplate, `${folder}/ecmwf_20260206_00z_efficient.zip`]) {
    await Deno.remove(`${folder}/stores`, { recursive: true });
    const before = server.requests.length;
    const result = await runStage1({ ...plain, template, requireFit: true }, context);
    assert(result.fromTemplate && !result.scanned, template);
    assertEquals(await readSkeleton(workplace, 2), scanned);
    const ranged = server.requests.slice(before).filter(({ range }) => range !== undefined);
    assertEquals(ranged.length, 4, "three messages and one header");
  }
  assertEquals(warnings, []);
});

Deno.test("the stage 1 zip of a template of another run holds it moved to this one", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  const { stores } = await scanRun({ ...BEFORE_50R1, hours: HOURS, members: [0] }, context);
  const template = `${folder}/other.tar.gz`;
  const other = { date: "20260205", hour: "12" } as const;
  await Deno.writeFile(template, await encodeTemplate({ run: other, stores }));
  const plain = { ...options(BEFORE_50R1, folder), maxMembers: 1 };
  await runStage1({ ...plain, template, stage1Zip: true }, context);
  const zip = await Deno.readFile(`${folder}/ecmwf_20260206_00z_efficient.zip`);
  const zipped = unzipSync(zip)["members/control/control.parquet"]!;
  const store = await decodeStore(zipped.slice().buffer, { source: "zip" });
  assertEquals(store, await readSkeleton(workplace, 0));
  assert([...store.values()].every((value) => !isReference(value)));
});

Deno.test("a scan that leaves messages out is incomplete", async () => {
  const bucket = await readEmbeddedBucket();
  const key = bucketKey(stepFiles(BEFORE_50R1.run, 36)[0]!.indexUrl);
  const text = new TextDecoder().decode(bucket.get(key));
  bucket.set(key, new TextEncoder().encode(text.replace('"param": "2t"', '"param": "2d"')));
  await using workplace = await openWorkplace(bucket);
  const scan = { ...options(BEFORE_50R1, workplace.folder), scan: "always" } as const;
  assert(!(await runStage1(scan, workplace.context)).complete);
  assertStringIncludes(workplace.warnings.join("\n"), "its parameter is 2t, the index says 2d");
});

Deno.test("a stale template is named, and the run scanned where that is allowed", async () => {
  await using workplace = await openWorkplace();
  const template = await writeStale(workplace);
  const stale = { ...options(BEFORE_50R1, workplace.folder), template, requireFit: true };
  const result = await runStage1({ ...stale, scan: "if-needed" }, workplace.context);
  assert(result.scanned && result.complete);
  const [warning] = workplace.warnings;
  assertStringIncludes(warning!, "stale.tar.gz does not fit 20260206 00 UTC");
  assertStringIncludes(warning!, "the template does not describe");
  assert(/ 2t\b/.test(warning!) && / tcc\b/.test(warning!) && !/ sp\b/.test(warning!));
  const store = await readSkeleton(workplace, 1);
  assert(store.has("t2m/instant/heightAboveGround/t2m/.zarray"));
});

Deno.test("a stale template that must fit ends stage 1 where no scan is allowed", async () => {
  await using workplace = await openWorkplace();
  const plain = options(BEFORE_50R1, workplace.folder);
  const cases = [
    { template: await writeStale(workplace), requireTemplate: true },
    { template: await writeStale(workplace), requireFit: true },
    { template: await writeCoarse(workplace), requireFit: true },
  ];
  for (const stale of cases) {
    const error = await assertRejects(
      () => runStage1({ ...plain, ...stale }, workplace.context),
      MissingDataError,
      "does not fit 20260206 00 UTC",
    );
    assertStringIncludes(error.message, "--run-stage1");
  }
});

Deno.test("a template for another grid is never used", async () => {
  await using workplace = await openWorkplace();
  const template = await writeCoarse(workplace);
  const result = await runStage1(
    { ...options(BEFORE_50R1, workplace.folder), template },
    workplace.context,
  );
  assert(!result.fromTemplate && !result.scanned);
  assertEquals([...(await readSkeleton(workplace, 0)).keys()], [".zgroup"]);
  assertStringIncludes(workplace.warnings[0]!, "900 × ");
});

Deno.test("without any template the run is scanned where that is allowed", async () => {
  await using workplace = await openWorkplace();
  const { context, folder, warnings } = workplace;
  const scan = "if-needed" as const;
  const absent = { template: `${folder}/none.tar.gz`, requireTemplate: true };
  for (const source of [{}, absent]) {
    const result = await runStage1({ ...options(BEFORE_50R1, folder), ...source, scan }, context);
    assert(result.scanned && result.complete);
  }
  assertStringIncludes(warnings.join("\n"), "scanning the GRIB files");
});

Deno.test("stage 1 does not scan hours that the run does not have", async () => {
  await using workplace = await openWorkplace();
  const wrong = {
    ...options(BEFORE_50R1, workplace.folder),
    scan: "always",
    hours: [0, 1],
  } as const;
  await assertRejects(() => runStage1(wrong, workplace.context), RunError, "Cannot use step 1");
});
