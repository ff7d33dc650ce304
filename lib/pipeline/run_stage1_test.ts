import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { packTar } from "npm:modern-tar@0.8.6";
import {
  AFTER_50R1,
  BEFORE_50R1,
  bucketKey,
  openWorkplace,
  readEmbeddedBucket,
} from "../../fixtures/embedded_run.ts";
import { MissingDataError } from "../errors.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { parseRun } from "../ecmwf/run.ts";
import { encodeStore } from "../references/encode_store.ts";
import { isReference, type Store } from "../references/store.ts";
import { readStageStore } from "../references/stage_files.ts";
import { StorageError } from "../storage/mod.ts";
import { TemplateError } from "../template/template_archive.ts";
import { runStage1, type Stage1Options } from "./run_stage1.ts";

const { run, members } = BEFORE_50R1;

function options(folder: string): Stage1Options {
  return {
    run,
    maxMembers: members,
    outputDir: folder,
    requireTemplate: false,
    templateCache: `${folder}/cache`,
  };
}

const text = (value: string) => new TextEncoder().encode(value);

/** A template of one member: a time coordinate, metadata that names `param`, and a reference. */
async function writeTemplate(path: string, param: string, attributes = ""): Promise<void> {
  const store: Store = new Map();
  store.set(".zgroup", text('{"zarr_format":2}'));
  store.set(`${param}/.zattrs`, text(`{"GRIB_shortName":"${param}"${attributes}}`));
  store.set("time/0", new Uint8Array(new BigInt64Array([1716940800n]).buffer));
  store.set(`${param}/0.0`, {
    url: "s3://old/20240529000000-0h-enfo-ef.grib2",
    offset: 0,
    length: 9,
  });
  const data = encodeStore(store);
  const name = "gik-fmrc/v2ecmwf_fmrc/ens_control/ecmwf-2024052900-control-rt000.par";
  const tar = await packTar([{ header: { name, size: data.length, type: "file" }, body: data }]);
  const gzip = new Blob([tar]).stream().pipeThrough(new CompressionStream("gzip"));
  await Deno.writeFile(path, gzip);
}

Deno.test("runStage1() leaves a skeleton of the template, without references, at the run's time", async () => {
  await using workplace = await openWorkplace();
  const { context, folder, warnings } = workplace;
  await writeTemplate(`${folder}/t.tar.gz`, "2t");
  const result = await runStage1({ ...options(folder), template: `${folder}/t.tar.gz` }, context);
  assert(result.complete && result.fromTemplate);
  const store = await readStageStore(context.storage, folder, 1, 0);
  assertEquals([...store!.keys()], [".zgroup", "2t/.zattrs", "time/0"]);
  assert([...store!.values()].every((value) => !isReference(value)));
  assertStringIncludes(warnings.join("\n"), "the template does not describe");
});

Deno.test("runStage1() continues without a template that cannot be read, and warns", async () => {
  await using workplace = await openWorkplace();
  const { context, folder, server, warnings } = workplace;
  const template = `${server.url}/none/template.tar.gz`;
  const result = await runStage1({ ...options(folder), template }, context);
  assert(result.complete && !result.fromTemplate);
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0]!, "going on without a template");
});

Deno.test("runStage1() continues without a template whose attributes are damaged, and names them", async () => {
  await using place = await openWorkplace();
  const { context, folder, warnings } = place;
  await writeTemplate(`${folder}/t.tar.gz`, "2t", ',"GRIB_Nx";9');
  const template = `${folder}/t.tar.gz`;
  const result = await runStage1({ ...options(folder), template }, context);
  assert(!result.fromTemplate);
  assertStringIncludes(warnings.join("\n"), '"2t/.zattrs"');
});

Deno.test("runStage1() fails at a required template that cannot be fetched or read", async () => {
  await using workplace = await openWorkplace();
  const { context, folder, server } = workplace;
  const required = { ...options(folder), requireTemplate: true };
  const template = `${server.url}/none/template.tar.gz`;
  await assertRejects(() => runStage1({ ...required, template }, context), StorageError, "404");
  await Deno.writeTextFile(`${folder}/bad.tar.gz`, "no archive");
  const damaged = { ...required, template: `${folder}/bad.tar.gz` };
  await assertRejects(() => runStage1(damaged, context), TemplateError, "bad.tar.gz");
});

Deno.test("runStage1() downloads a template once", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  await writeTemplate(`${folder}/t.tar.gz`, "2t");
  await using web = await openWorkplace(
    new Map([["t.tar.gz", await Deno.readFile(`${folder}/t.tar.gz`)]]),
  );
  const template = `${web.server.url}/ecmwf-forecasts/t.tar.gz`;
  for (let i = 0; i < 2; i++) await runStage1({ ...options(folder), template }, context);
  assertEquals(web.server.counters.byMethod, { HEAD: 2, GET: 1 });
});

Deno.test("runStage1() names the members that the run lacks and is incomplete", async () => {
  await using workplace = await openWorkplace();
  const { context, folder, warnings } = workplace;
  const result = await runStage1({ ...options(folder), maxMembers: 7 }, context);
  assert(!result.complete);
  assertStringIncludes(warnings.join("\n"), "has 4 members at step 0; absent: 4-6");
});

Deno.test("runStage1() fails for a run without step 0, as missing", async () => {
  await using workplace = await openWorkplace();
  const absent = { ...options(workplace.folder), run: parseRun("20260207", "00") };
  await assertRejects(
    () => runStage1(absent, workplace.context),
    MissingDataError,
    "20260207 00 UTC",
  );
});

Deno.test("runStage1() finds by decoding that a file does not belong to its index", async () => {
  const bucket = await readEmbeddedBucket();
  const key = (step: number) => bucketKey(stepFiles(run, step)[0]!.url);
  const other = bucket.get(key(36))!;
  // Long enough for every range of the index, so that only the content is wrong.
  bucket.set(key(0), new Uint8Array([...other, ...other]));
  await using workplace = await openWorkplace(bucket);
  const result = await runStage1(options(workplace.folder), workplace.context);
  assert(!result.complete);
  assertStringIncludes(workplace.warnings.join("\n"), "spot check of");
});

for (const status of [500, 403]) {
  Deno.test(`runStage1() names a file that is always answered ${status}, and goes on`, async () => {
    await using place = await openWorkplace();
    const { context, folder, server } = place;
    const template = `${folder}/t.tar.gz`;
    await writeTemplate(template, "2t");
    const fault = { kind: "status", status, code: "Never" } as const;
    server.setFaults(({ key, range }) => range && key.endsWith(".grib2") ? fault : undefined);
    const result = await runStage1({ ...options(folder), template }, context);
    assertEquals([result.complete, result.fromTemplate], [false, false]);
    const warnings = place.warnings.join("\n");
    assertStringIncludes(warnings, "cannot be compared with 20260206 00 UTC: Cannot read");
    assertStringIncludes(warnings, "spot check of");
    assertStringIncludes(warnings, `(${status} Never)`);
  });
}

Deno.test("runStage1() uses a template that was downloaded earlier when the server fails", async () => {
  await using workplace = await openWorkplace();
  const { context, folder, warnings } = workplace;
  await writeTemplate(`${folder}/t.tar.gz`, "2t");
  const objects = new Map([["t.tar.gz", await Deno.readFile(`${folder}/t.tar.gz`)]]);
  await using web = await openWorkplace(objects);
  const template = `${web.server.url}/ecmwf-forecasts/t.tar.gz`;
  await runStage1({ ...options(folder), template }, context);
  objects.clear();
  const result = await runStage1({ ...options(folder), template }, context);
  assert(result.fromTemplate);
  assertStringIncludes(warnings.at(-2)!, "downloaded before");
});

/** Stage 1 of the embedded run without some of its objects. */
async function runWithout(steps: number[] | undefined, lacking: readonly string[]) {
  const bucket = await readEmbeddedBucket();
  for (const url of lacking) bucket.delete(bucketKey(url));
  await using place = await openWorkplace(bucket);
  const { complete } = await runStage1({ ...options(place.folder), steps }, place.context);
  return { complete, warnings: place.warnings.join("\n") };
}

Deno.test("runStage1() checks the first step asked for where step 0 is missing", async () => {
  const { url, indexUrl } = stepFiles(run, 0)[0]!;
  for (const lacking of [url, indexUrl]) {
    const { complete, warnings } = await runWithout([36, 39], [lacking]);
    assert(complete);
    assertStringIncludes(warnings, "step 0 (enfo) is missing: ");
    assertStringIncludes(warnings, "checking the run at step 36");
  }
});

Deno.test("runStage1() is incomplete without a step 0 that is asked for", async () => {
  const lacking = [stepFiles(run, 0)[0]!.indexUrl];
  assert(!(await runWithout([0, 36], lacking)).complete);
});

Deno.test("runStage1() checks what can be read where no step is whole", async () => {
  const bucket = await readEmbeddedBucket();
  for (const step of [0, 36, 39]) {
    bucket.delete(bucketKey(stepFiles(AFTER_50R1.run, step)[1]!.indexUrl));
  }
  await using place = await openWorkplace(bucket);
  const asked = { ...options(place.folder), run: AFTER_50R1.run, steps: [36, 39] };
  assert(!(await runStage1(asked, place.context)).complete);
  assertStringIncludes(place.warnings.join("\n"), "absent: control");
});

Deno.test("runStage1() loses to a malformed line of step 0 one message, and is incomplete", async () => {
  const bucket = await readEmbeddedBucket();
  const key = bucketKey(stepFiles(run, 0)[0]!.indexUrl);
  const text = new TextDecoder().decode(bucket.get(key)!);
  bucket.set(key, new TextEncoder().encode(text.slice(1)));
  await using place = await openWorkplace(bucket);
  const result = await runStage1(options(place.folder), place.context);
  assertEquals([result.complete, result.members], [false, [0, 1, 2, 3]]);
  assertStringIncludes(place.warnings.join("\n"), "lines left out: line 1: it is not JSON");
});

Deno.test("runStage1() writes no skeletons of members that the run lacks", async () => {
  await using workplace = await openWorkplace();
  const { context, folder, warnings } = workplace;
  const result = await runStage1({ ...options(folder), maxMembers: 51 }, context);
  assertEquals([result.complete, result.members], [false, [0, 1, 2, 3]]);
  assertStringIncludes(warnings.join(), "absent: 4-50");
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name);
  assertEquals(files.filter((name) => name.startsWith("stage1_")).length, 4);
});
