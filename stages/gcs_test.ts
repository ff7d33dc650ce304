import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "jsr:@std/assert@^1.0.0";
import {
  BEFORE_50R1,
  EMBEDDED_STEPS,
  openWorkplace,
  type Workplace,
} from "../fixtures/embedded_run.ts";
import { computeChecksums } from "../fixtures/gcs_bucket.ts";
import { ALL_PERMISSIONS, type GcsServer, startGcsServer } from "../fixtures/gcs_server.ts";
import { keysOfSteps, makeRunStore } from "../fixtures/run_store.ts";
import { MissingDataError } from "../lib/errors.ts";
import { silentReporter } from "../lib/util/reporter.ts";
import { runLabel } from "../lib/ecmwf/run.ts";
import { parseManifest } from "../lib/references/manifest.ts";
import { GIK } from "../lib/output/profile.ts";
import { openPublished, publishFolder } from "../lib/references/publish.ts";
import { readStageStore, stageFileName, writeStageStore } from "../lib/references/stage_files.ts";
import { openStorage, type StageContext, StorageError } from "../lib/storage/mod.ts";
import { runPipeline } from "../lib/pipeline/run_pipeline.ts";
import { pipelineOptions } from "./pipeline_fixture.ts";
import { runStage3 } from "../lib/pipeline/run_stage3.ts";
import { runStream } from "../lib/stream/run_stream.ts";

const { run, members } = BEFORE_50R1;
const ACCOUNT = "pipeline@gik.iam.gserviceaccount.com";
const BUCKET = "gik-ecmwf-aws-tf";
const ROOT = `gs://${BUCKET}/run_par_ecmwf`;
const FOLDER = `${ROOT}/${runLabel(run)}`;
const MANIFEST_KEY = `run_par_ecmwf/${runLabel(run)}/manifest.json`;

/** A workplace with a bucket for stores, and an account that may use it. */
interface GcsPlace {
  place: Workplace;
  gcs: GcsServer;
  context: StageContext;
  keyFile: string;
  /** Runs the pipeline, or only stage 3 of it again, with upload. */
  publish(stages?: "all" | "last"): Promise<void>;
  stream(parquetDir: string): ReturnType<typeof runStream>;
  /** Requests to the bucket since the last call, by what they asked for. */
  countRequests(): Record<string, number>;
}

async function withBucket(test: (place: GcsPlace) => Promise<void>): Promise<void> {
  await using place = await openWorkplace();
  await using gcs = await startGcsServer({
    buckets: { [BUCKET]: new Map(), "gik-fmrc": new Map() },
    accounts: { [ACCOUNT]: { [BUCKET]: ALL_PERMISSIONS } },
  });
  const { folder } = place;
  const keyFile = `${folder}/key.json`;
  await Deno.writeTextFile(keyFile, await gcs.formatKeyFile(ACCOUNT));
  const storage = openStorage({
    endpoint: place.server.url,
    gcs: { keyFile, endpoint: gcs.url },
    maxAttempts: 3,
    minDelayMs: 1,
    maxDelayMs: 2,
  });
  const context = { storage, reporter: place.context.reporter };
  const options = { ...pipelineOptions(BEFORE_50R1, folder), uploadRoot: ROOT };
  let counted = 0;
  await test({
    place,
    gcs,
    context,
    keyFile,
    async publish(stages = "all") {
      if (stages === "all") await runPipeline(options, context);
      else await runStage3(options, context);
    },
    stream: (parquetDir) =>
      runStream({
        parquetDir,
        profile: GIK,
        steps: EMBEDDED_STEPS,
        maxMembers: members,
        parallelFetches: 4,
        outputDir: `${folder}/out`,
        now: new Date(0),
      }, context),
    countRequests() {
      const requests = gcs.requests.slice(counted).filter(({ action }) => action !== "token");
      counted = gcs.requests.length;
      return Object.fromEntries(
        Object.entries(Object.groupBy(requests, ({ action }) => action))
          .map(([action, list]) => [action, list.length]),
      );
    },
  });
}

Deno.test("a published run gives the same NetCDF as the local one, byte for byte", () =>
  withBucket(async ({ place, publish, stream, countRequests }) => {
    await publish();
    // Before and after the files, the manifest.
    assertEquals(countRequests(), { list: 2, insert: members + 2 });
    const own = await Deno.readFile((await stream(`${place.folder}/stores`)).path);
    assertEquals(countRequests(), {});

    const result = await stream(FOLDER);
    assert(result.complete);
    assertEquals(await Deno.readFile(result.path), own);
    assertEquals(countRequests(), { list: 1, read: 1 + members });
    assertEquals(place.warnings, []);
  }));

Deno.test("stage 3 sends nothing again, for one listing", () =>
  withBucket(async ({ publish, countRequests }) => {
    await publish();
    countRequests();
    await publish("last");
    assertEquals(countRequests(), { list: 1 });
  }));

Deno.test("the manifest says what belongs to the run, with sizes and checksums", () =>
  withBucket(async ({ place, gcs, publish }) => {
    await publish();
    const bucket = gcs.buckets.get(BUCKET)!;
    const manifest = parseManifest(await readObject(gcs, MANIFEST_KEY), MANIFEST_KEY);
    assertEquals([manifest.run, manifest.complete], [runLabel(run), true]);
    const keys = manifest.files.map(({ name }) => `run_par_ecmwf/${runLabel(run)}/${name}`);
    assertEquals([MANIFEST_KEY, ...keys], await bucket.listKeys());
    for (const { name, member, size, crc32c } of manifest.files) {
      const bytes = await Deno.readFile(`${place.folder}/stores/${name}`);
      assertEquals(name, `stage3_${member}_final.parquet`);
      assertEquals([size, crc32c], [bytes.length, computeChecksums(bytes).crc32c]);
    }
  }));

Deno.test("reference files and the store of all members are published as Parquet files are", () =>
  withBucket(async ({ place, gcs, context, publish }) => {
    await publish();
    const outputDir = `${place.folder}/stores`;
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

Deno.test("what is published is never given out by a cache, which would mix runs", () =>
  withBucket(async ({ gcs, publish }) => {
    await publish();
    const bucket = gcs.buckets.get(BUCKET)!;
    for (const key of await bucket.listKeys()) {
      assertEquals((await bucket.find(key))!.cacheControl, "no-store");
    }
  }));

Deno.test("an upload that breaks off is not taken for complete, and goes on where it was", () =>
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

Deno.test("stores that are damaged or refused on their way arrive all the same", () =>
  withBucket(async ({ gcs, publish, stream, countRequests }) => {
    const refuse = { kind: "status", status: 503 } as const;
    const damage = { kind: "damage" } as const;
    const faults = [refuse, damage, undefined, damage, refuse];
    gcs.setFaults(({ action }) => action === "insert" ? faults.shift() : undefined);
    await publish();
    assertEquals(countRequests().insert, 2 + members + 4);
    assert((await stream(FOLDER)).complete);
  }));

Deno.test("a run that is published again is read as it is then", () =>
  withBucket(async ({ place, context, publish, stream }) => {
    await publish();
    assert((await stream(FOLDER)).complete);
    const store = await readStageStore(context.storage, `${place.folder}/stores`, 2, 1);
    store!.delete("step_036/2t/sfc/ens01/0.0.0");
    await writeStageStore(context.storage, `${place.folder}/stores`, 2, 1, store!);
    await publish("last");
    const { messagesWanted, messagesUsed } = await stream(FOLDER);
    assertEquals(messagesWanted - messagesUsed, 1);
  }));

Deno.test("of a store of a whole run, steps that follow each other cost three requests", () =>
  withBucket(async ({ place, gcs, context, countRequests }) => {
    const folder = `${place.folder}/large`;
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

const ROOT_FOLDER = decodeURIComponent(new URL("../", import.meta.url).pathname);

/** Runs a stage as a user does, in a folder with an `.env`. */
async function runStage(folder: string, stage: string, args: readonly string[]) {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "-c",
      `${ROOT_FOLDER}deno.json`,
      `${ROOT_FOLDER}stages/${stage}.ts`,
      ...args,
    ],
    cwd: folder,
    // Empty, those of the developer are unset: .env counts.
    env: {
      NO_COLOR: "1",
      GCS_BUCKET: "",
      GCS_PARQUET_PREFIX: "",
      GCS_SERVICE_ACCOUNT_FILE: "",
      STORAGE_EMULATOR_HOST: "",
    },
    stdout: "null",
    stderr: "piped",
  }).output();
  return { code, told: new TextDecoder().decode(stderr) };
}

const ARGS = [
  "--date",
  run.date,
  "--steps",
  EMBEDDED_STEPS.join(","),
  "--max-members",
  `${members}`,
];

Deno.test("pipeline --upload-gcs and stream --date find the bucket by what is in .env", () =>
  withBucket(async ({ place, gcs, keyFile }) => {
    const { folder, server } = place;
    const args = [...ARGS, "--endpoint", server.url];
    const dotEnv = `GCS_SERVICE_ACCOUNT_FILE=${keyFile}\nGCS_BUCKET=${BUCKET}\n` +
      `GCS_PARQUET_PREFIX=own/runs\nSTORAGE_EMULATOR_HOST=${gcs.url}\n`;
    for (const name of ["here", "elsewhere"]) {
      await Deno.mkdir(`${folder}/${name}`);
      await Deno.writeTextFile(`${folder}/${name}/.env`, dotEnv);
    }
    const published = `gs://${BUCKET}/own/runs/${runLabel(run)}`;

    const pipeline = await runStage(`${folder}/here`, "pipeline", [
      ...args,
      "--no-template",
      "--upload-gcs",
    ]);
    assertEquals(pipeline.code, 0, pipeline.told);
    assertStringIncludes(pipeline.told, `\n  published      ${published}, ${members} stores sent`);

    const near = await runStage(`${folder}/here`, "stream", args);
    assertEquals(near.code, 0, near.told);
    assertStringIncludes(near.told, `final stores: ecmwf_three_stage_${runLabel(run)}\n`);
    const far = await runStage(`${folder}/elsewhere`, "stream", args);
    assertEquals(far.code, 0, far.told);
    assertStringIncludes(far.told, `final stores: ${published} (there are none in `);
  }));

Deno.test("stage3 --upload-gcs exits 4 when the bucket refuses, and names the bucket that is meant", () =>
  withBucket(async ({ place, gcs, context, keyFile }) => {
    const { folder } = place;
    const stores = `${folder}/ecmwf_three_stage_${runLabel(run)}`;
    await writeStageStore(context.storage, stores, 2, 0, new Map());
    await Deno.writeTextFile(
      `${folder}/.env`,
      `GCS_SERVICE_ACCOUNT_FILE=${keyFile}\nSTORAGE_EMULATOR_HOST=${gcs.url}\n`,
    );
    const upload = ["--max-members", "1", "--upload-gcs", "--gcs-bucket", "gik-fmrc"];
    const { code, told } = await runStage(folder, "stage3", ["--date", run.date, ...upload]);
    assertEquals(code, 4, told);
    for (const part of ['"gik-fmrc"', "storage.objects.list", ACCOUNT, `"${BUCKET}"`]) {
      assertStringIncludes(told, part);
    }
    assert(await Deno.stat(`${stores}/stage3_control_final.parquet`));
  }));
