import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, EMBEDDED_STEPS } from "../fixtures/embedded_run.ts";
import { runLabel } from "../lib/ecmwf/run.ts";
import { ACCOUNT, BUCKET, withBucket } from "../lib/pipeline/publish_gcs_fixture.ts";
import { writeStageStore } from "../lib/references/stage_files.ts";

const { run, members } = BEFORE_50R1;

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
    // Empty, so that those of the developer do not override .env.
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
  return { code, reported: new TextDecoder().decode(stderr) };
}

const ARGS = [
  "--date",
  run.date,
  "--steps",
  EMBEDDED_STEPS.join(","),
  "--max-members",
  `${members}`,
];

Deno.test("pipeline --upload-gcs and stream --date find the bucket by the variables in .env", () =>
  withBucket(async ({ workplace, gcs, keyFile }) => {
    const { folder, server } = workplace;
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
    assertEquals(pipeline.code, 0, pipeline.reported);
    assertStringIncludes(
      pipeline.reported,
      `\n  published      ${published}, ${members} stores sent`,
    );

    const near = await runStage(`${folder}/here`, "stream", args);
    assertEquals(near.code, 0, near.reported);
    assertStringIncludes(near.reported, `final stores: ecmwf_three_stage_${runLabel(run)}\n`);
    const far = await runStage(`${folder}/elsewhere`, "stream", args);
    assertEquals(far.code, 0, far.reported);
    assertStringIncludes(far.reported, `final stores: ${published} (there are none in `);
  }));

Deno.test("stage3 --upload-gcs exits 4 when the bucket refuses, and names the right bucket", () =>
  withBucket(async ({ workplace, gcs, context, keyFile }) => {
    const { folder } = workplace;
    const stores = `${folder}/ecmwf_three_stage_${runLabel(run)}`;
    await writeStageStore(context.storage, stores, 2, 0, new Map());
    await Deno.writeTextFile(
      `${folder}/.env`,
      `GCS_SERVICE_ACCOUNT_FILE=${keyFile}\nSTORAGE_EMULATOR_HOST=${gcs.url}\n`,
    );
    const upload = ["--max-members", "1", "--upload-gcs", "--gcs-bucket", "gik-fmrc"];
    const { code, reported } = await runStage(folder, "stage3", ["--date", run.date, ...upload]);
    assertEquals(code, 4, reported);
    for (const part of ['"gik-fmrc"', "storage.objects.list", ACCOUNT, `"${BUCKET}"`]) {
      assertStringIncludes(reported, part);
    }
    assert(await Deno.stat(`${stores}/stage3_control_final.parquet`));
  }));
