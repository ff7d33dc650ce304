import { assert, assertEquals, assertLess, assertRejects } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1 } from "../../fixtures/embedded_run.ts";
import { computeChecksums } from "../../fixtures/gcs_bucket.ts";
import type { GcsServer } from "../../fixtures/gcs_server.ts";
import { keysOfSteps, makeRunStore } from "../../fixtures/run_store.ts";
import { MissingDataError } from "../errors.ts";
import { silentReporter } from "../util/reporter.ts";
import { runLabel } from "../ecmwf/run.ts";
import { parseManifest } from "../references/manifest.ts";
import { openPublished, publishFolder } from "../references/publish.ts";
import { readStageStore, stageFileName, writeStageStore } from "../references/stage_files.ts";
import { StorageError } from "../storage/mod.ts";
import { BUCKET, FOLDER, MANIFEST_KEY, ROOT, withBucket } from "./publish_gcs_fixture.ts";
import { runStage3 } from "./run_stage3.ts";

const { run, members } = BEFORE_50R1;

Deno.test("a published run gives the same NetCDF as the local one, byte for byte", () =>
  withBucket(async ({ workplace, publish, stream, countRequests }) => {
    await publish();
    // The manifest is written before and after the files.
    assertEquals(countRequests(), { list: 2, insert: members + 2 });
    const own = await Deno.readFile((await stream(`${workplace.folder}/stores`)).path);
    assertEquals(countRequests(), {});

    const result = await stream(FOLDER);
    assert(result.complete);
    assertEquals(await Deno.readFile(result.path), own);
    assertEquals(countRequests(), { list: 1, read: 1 + members });
    assertEquals(workplace.warnings, []);
  }));

Deno.test("stage 3 uploads nothing twice, for one listing", () =>
  withBucket(async ({ publish, countRequests }) => {
    await publish();
    countRequests();
    await publish("last");
    assertEquals(countRequests(), { list: 1 });
  }));

Deno.test("the manifest says what belongs to the run, with sizes and checksums", () =>
  withBucket(async ({ workplace, gcs, publish }) => {
    await publish();
    const bucket = gcs.buckets.get(BUCKET)!;
    const manifest = parseManifest(await readObject(gcs, MANIFEST_KEY), MANIFEST_KEY);
    assertEquals([manifest.run, manifest.complete], [runLabel(run), true]);
    const keys = manifest.files.map(({ name }) => `run_par_ecmwf/${runLabel(run)}/${name}`);
    assertEquals([MANIFEST_KEY, ...keys], await bucket.listKeys());
    for (const { name, member, size, crc32c } of manifest.files) {
      const bytes = await Deno.readFile(`${workplace.folder}/stores/${name}`);
      assertEquals(name, `stage3_${member}_final.parquet`);
      assertEquals([size, crc32c], [bytes.length, computeChecksums(bytes).crc32c]);
    }
  }));

Deno.test("reference files and the store of all members are published like Parquet files", () =>
  withBucket(async ({ workplace, gcs, context, publish }) => {
    await publish();
    const outputDir = `${workplace.folder}/stores`;
    const stage3 = { run, maxMembers: members, outputDir, zip: false, uploadRoot: ROOT };
    const result = await runStage3({ ...stage3, format: "kerchunk-json", combine: true }, context);
    assertEquals(result.published?.uploaded, members + 1);
    const { files } = parseManifest(await readObject(gcs, MANIFEST_KEY), MANIFEST_KEY);
    assertEquals(files.map(({ name, member }) => [name, member]).at(-1), [
      "stage3_combined_final.json",
      "combined",
    ]);
    const key = MANIFEST_KEY.replace("manifest.json", "stage3_combined_final.json");
    const local = await Deno.readFile(`${outputDir}/stage3_combined_final.json`);
    assertEquals(await readObject(gcs, key), local);
  }));

Deno.test("no cache may serve what is published, as it would mix runs", () =>
  withBucket(async ({ gcs, publish }) => {
    await publish();
    const bucket = gcs.buckets.get(BUCKET)!;
    for (const key of await bucket.listKeys()) {
      assertEquals((await bucket.find(key))!.cacheControl, "no-store");
    }
  }));

Deno.test("an upload that breaks off is incomplete, and resumes where it stopped", () =>
  withBucket(async ({ gcs, publish, stream, countRequests }) => {
    let inserts = 0;
    // The manifest and two stores arrive.
    gcs.setFaults(({ action }) =>
      action === "insert" && ++inserts > 3 ? { kind: "status", status: 403 } : undefined
    );
    await assertRejects(() => publish(), StorageError, "storage.objects.create");
    await assertRejects(() => stream(FOLDER), MissingDataError, "it is being uploaded");

    gcs.setFaults(undefined);
    countRequests();
    await publish("last");
    assertEquals(countRequests(), { list: 2, insert: members - 2 + 2 });
    assert((await stream(FOLDER)).complete);
  }));

Deno.test("stores that are damaged or refused on their way are sent again", () =>
  withBucket(async ({ gcs, publish, stream, countRequests }) => {
    const refuse = { kind: "status", status: 503 } as const;
    const damage = { kind: "damage" } as const;
    const faults = [refuse, damage, undefined, damage, refuse];
    gcs.setFaults(({ action }) => action === "insert" ? faults.shift() : undefined);
    await publish();
    assertEquals(countRequests().insert, 2 + members + 4);
    assert((await stream(FOLDER)).complete);
  }));

Deno.test("a run that is published again is read in its new state", () =>
  withBucket(async ({ workplace, context, publish, stream }) => {
    await publish();
    assert((await stream(FOLDER)).complete);
    const store = await readStageStore(context.storage, `${workplace.folder}/stores`, 2, 1);
    store!.delete("step_036/2t/sfc/ens01/0.0.0");
    await writeStageStore(context.storage, `${workplace.folder}/stores`, 2, 1, store!);
    await publish("last");
    const { messagesWanted, messagesUsed } = await stream(FOLDER);
    assertEquals(messagesWanted - messagesUsed, 1);
  }));

Deno.test("adjacent steps in a store of a whole run cost three requests", () =>
  withBucket(async ({ workplace, gcs, context, countRequests }) => {
    const folder = `${workplace.folder}/large`;
    const store = makeRunStore();
    await writeStageStore(context.storage, folder, 3, 7, store);
    const name = stageFileName(3, 7);
    const sources = [{ path: `${folder}/${name}`, name, member: "ens_07" }];
    await publishFolder(context.storage, sources, FOLDER, { run, reporter: silentReporter });
    const sizes = await openPublished(context.storage, FOLDER, silentReporter);
    countRequests();

    const before = gcs.counters.bytesSent;
    const keys = keysOfSteps([36, 39, 42, 45, 48, 51, 54, 57, 60]);
    const read = await readStageStore(context.storage, FOLDER, 3, 7, { keys, sizes });
    assertEquals([...read!], [...store].filter(([key]) => keys.has(key)));
    assertEquals(countRequests(), { read: 3 });
    assertLess(gcs.counters.bytesSent - before, sizes.get(name)! / 4);
    assertEquals(await readStageStore(context.storage, FOLDER, 3, 8, { keys, sizes }), undefined);
    assertEquals(countRequests(), {});
  }));

async function readObject(gcs: GcsServer, key: string): Promise<Uint8Array> {
  const object = await gcs.buckets.get(BUCKET)!.find(key);
  return await object!.read(0, object!.size);
}
