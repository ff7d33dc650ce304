import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, EMBEDDED_STEPS, openWorkplace } from "../../fixtures/embedded_run.ts";
import { firstMembers } from "../ecmwf/members.ts";
import { MissingDataError } from "../errors.ts";
import { GIK } from "../output/profile.ts";
import { parseCatalog } from "../references/catalog_layout.ts";
import { writeStageStore } from "../references/stage_files.ts";
import { isReference, parseFieldKey } from "../references/store.ts";
import { decodeStore } from "../references/store_parquet.ts";
import type { StageContext } from "../storage/mod.ts";
import { runStream } from "../stream/run_stream.ts";
import type { StreamOptions } from "../stream/stream_options.ts";
import { pipelineOptions } from "./pipeline_fixture.ts";
import { BUCKET, withBucket } from "./publish_gcs_fixture.ts";
import { runPipeline } from "./run_pipeline.ts";
import { runStage3 } from "./run_stage3.ts";

const { run, members } = BEFORE_50R1;
const RUN_FOLDER = "2026/02/20260206/00z";

/** The NetCDF that streaming from these references writes. */
async function stream(
  from: Pick<StreamOptions, "parquetDir" | "catalog">,
  outputDir: string,
  context: StageContext,
): Promise<Uint8Array> {
  const { complete, path } = await runStream({
    ...from,
    run,
    profile: GIK,
    steps: EMBEDDED_STEPS,
    maxMembers: members,
    parallelFetches: 4,
    outputDir,
    now: new Date(0),
  }, context);
  assert(complete);
  return await Deno.readFile(path);
}

Deno.test("stage 3 writes a catalogue, from which stream makes the NetCDF of the final stores", async () => {
  await using place = await openWorkplace();
  const { context, folder, warnings } = place;
  const options = pipelineOptions(BEFORE_50R1, folder);
  await runPipeline(options, context);
  const catalogDir = `${folder}/catalog`;
  const result = await runStage3({ ...options, catalogDir }, context);
  assertEquals([result.complete, result.folder], [true, `${catalogDir}/${RUN_FOLDER}`]);
  assertEquals([...Deno.readDirSync(result.folder)].map(({ name }) => name).sort(), [
    "2026020600z-control.parquet",
    "2026020600z-ens_01.parquet",
    "2026020600z-ens_02.parquet",
    "2026020600z-ens_03.parquet",
  ]);
  assertEquals(
    await stream({ catalog: parseCatalog(catalogDir) }, `${folder}/a`, context),
    await stream({ parquetDir: options.outputDir! }, `${folder}/b`, context),
  );
  assertEquals(warnings, []);
});

Deno.test("a catalogue of stage 3 has references alone, each once, with its level in the key", async () => {
  await using place = await openWorkplace();
  const options = { ...pipelineOptions(BEFORE_50R1, place.folder), catalogDir: place.folder };
  const { stage3, stage2 } = await runPipeline(options, place.context);
  let count = 0;
  for (const member of firstMembers(members)) {
    const name = member === 0 ? "control" : `ens_0${member}`;
    const source = `${stage3.folder}/2026020600z-${name}.parquet`;
    const bytes = await Deno.readFile(source);
    const store = await decodeStore(bytes.buffer, { source });
    for (const [key, value] of store) {
      const field = parseFieldKey(key);
      assertEquals([field?.member, isReference(value)], [member, true], key);
      assertEquals(field?.levtype === "sfc", field?.level === undefined, key);
    }
    count += store.size;
  }
  assertEquals(count, stage2.fieldCount);
});

Deno.test("stage 3 fails without files of stage 2, and leaves other servers out of a catalogue", async () => {
  await using place = await openWorkplace();
  const { context, folder, warnings } = place;
  const options = { ...pipelineOptions(BEFORE_50R1, folder), catalogDir: `${folder}/catalog` };
  await assertRejects(() => runStage3(options, context), MissingDataError, "run stage 2 first");
  const url = "https://evil.example/20260206000000-36h-enfo-ef.grib2";
  const store = new Map([["step_036/tp/sfc/control/0.0.0", { url, offset: 0, length: 9 }]]);
  await writeStageStore(context.storage, options.outputDir!, 2, 0, store);
  const result = await runStage3(options, context);
  assertEquals([result.complete, result.members, result.foreignReferences], [false, [0], 1]);
  assertStringIncludes(warnings.join("\n"), "no stage 2 file of 1-3");
});

Deno.test("stage 3 publishes a catalogue, which stream reads from the bucket once it is whole", () =>
  withBucket(async ({ workplace: { folder, warnings }, context, gcs }) => {
    const uploadRoot = `gs://${BUCKET}/catalogue`;
    const options = {
      ...pipelineOptions(BEFORE_50R1, folder),
      catalogDir: `${folder}/catalog`,
      uploadRoot,
    };
    const { stage3 } = await runPipeline(options, context);
    assertEquals(stage3.published?.target, `${uploadRoot}/${RUN_FOLDER}`);
    assertEquals(stage3.published?.uploaded, members);
    const catalog = parseCatalog(uploadRoot);
    assertEquals(
      await stream({ catalog }, `${folder}/a`, context),
      await stream({ catalog: parseCatalog(options.catalogDir) }, `${folder}/b`, context),
    );
    assertEquals(warnings, []);
    gcs.buckets.get(BUCKET)!.remove(`catalogue/${RUN_FOLDER}/2026020600z-ens_02.parquet`);
    await assertRejects(
      () => stream({ catalog }, `${folder}/c`, context),
      MissingDataError,
      "2026020600z-ens_02.parquet",
    );
  }));
