import { assertEquals, assertMatch } from "jsr:@std/assert@^1.0.0";
import {
  AFTER_50R1,
  BEFORE_50R1,
  bucketKey,
  openWorkplace,
  readEmbeddedBucket,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import type { Bucket } from "../../fixtures/file_versions.ts";
import { stepFiles } from "../ecmwf/files.ts";
import type { Run } from "../ecmwf/run.ts";
import { stageFolder } from "../references/stage_folders.ts";
import { makeRuns, type RunWork } from "../runs/make_runs.ts";
import { pipelineOptions } from "./pipeline_fixture.ts";
import { type PipelineRunsOptions, pipelineWork } from "./pipeline_runs.ts";
import type { ReadRun } from "./run_pipeline.ts";

const { run } = BEFORE_50R1;
const [FILE] = stepFiles(run, 39);

/** Makes the embedded run as one of several, in the working folder of this process. */
async function runPipelineOf(
  { folder, context }: Workplace,
  change: Partial<PipelineRunsOptions> = {},
  runs: readonly Run[] = [run],
) {
  const before = Deno.cwd();
  Deno.chdir(folder);
  try {
    const given = { ...pipelineOptions(BEFORE_50R1, folder), ...change };
    const complete: boolean[] = [];
    const work: RunWork<ReadRun> = pipelineWork(given, (_, result) => {
      complete.push(result.complete);
    });
    const options = { command: "pipeline", folder: ".", options: {} };
    const [outcome] = await makeRuns(runs, work, options, context);
    return { ...outcome!, complete };
  } finally {
    Deno.chdir(before);
  }
}

/** A run with a file that a test changes. */
async function openChanged(change: (bucket: Bucket) => void): Promise<Workplace> {
  const bucket = await readEmbeddedBucket();
  change(bucket);
  return await openWorkplace(bucket);
}

Deno.test("a run is written into its own folder, and skipped when that is there with every byte", async () => {
  await using workplace = await openWorkplace();
  const first = await runPipelineOf(workplace);
  assertEquals([first.state, first.output], ["complete", stageFolder(run)]);
  const { requests } = workplace.server.counters;
  const again = await runPipelineOf(workplace);
  assertEquals([again.skipped, workplace.server.counters.requests], [true, requests]);
  const store = `${workplace.folder}/${stageFolder(run)}/stage3_control_final.parquet`;
  await Deno.writeFile(store, new Uint8Array(9), { append: true });
  assertEquals((await runPipelineOf(workplace)).skipped, false);
});

Deno.test("a run in the layout of a catalogue is skipped when its files there are the same", async () => {
  await using workplace = await openWorkplace();
  const catalogDir = "gik_catalog";
  const first = await runPipelineOf(workplace, { catalogDir });
  assertEquals([first.state, first.output], ["complete", "gik_catalog/2026/02/20260206/00z"]);
  assertEquals((await runPipelineOf(workplace, { catalogDir })).skipped, true);
  await Deno.remove(`${workplace.folder}/${first.output}/2026020600z-control.parquet`);
  assertEquals((await runPipelineOf(workplace, { catalogDir })).skipped, false);
});

Deno.test("a server of templates that does not answer for one run is not asked for the next one", async () => {
  await using workplace = await openWorkplace();
  const template = { template: "http://template.invalid/template.tar.gz", templateTryMs: 50 };
  const { complete } = await runPipelineOf(workplace, template, [run, AFTER_50R1.run]);
  assertEquals(complete.length, 2);
  const { warnings } = workplace;
  assertEquals(warnings.filter((line) => line.includes("going on without a template")).length, 1);
});

Deno.test("steps that are not there are named; --allow-missing changes only the exit code", async () => {
  await using workplace = await openChanged((bucket) => {
    bucket.delete(bucketKey(FILE!.url));
    bucket.delete(bucketKey(FILE!.indexUrl));
  });
  const { state, reason, exitCode, complete } = await runPipelineOf(workplace);
  assertEquals([state, reason, exitCode], ["incomplete", "1 of 2 steps are not there: 39", 5]);
  assertEquals(complete, [false]);
  const allowed = await runPipelineOf(workplace, { allowMissing: true });
  assertEquals([allowed.state, allowed.exitCode, allowed.skipped], ["incomplete", 0, false]);
  assertEquals(allowed.complete, [true]);
});

Deno.test("steps that are there and cannot be read are something else", async () => {
  await using workplace = await openChanged((bucket) => {
    bucket.set(bucketKey(FILE!.indexUrl), new TextEncoder().encode("<html>busy</html>"));
  });
  const { state, reason } = await runPipelineOf(workplace);
  assertEquals([state, reason], ["incomplete", "1 of 2 steps could not be read: 39"]);
});

Deno.test("absent members are named, and fields that are missing by the first warning", async () => {
  await using workplace = await openWorkplace();
  const fewer = await runPipelineOf(workplace, { maxMembers: 6 });
  assertEquals([fewer.state, fewer.reason], ["incomplete", "no members 4-5"]);
  await using cut = await openChanged((bucket) => {
    const key = bucketKey(FILE!.indexUrl);
    const lines = new TextDecoder().decode(bucket.get(key)!).trim().split("\n");
    bucket.set(key, new TextEncoder().encode(lines.slice(0, -1).join("\n")));
  });
  const { state, reason } = await runPipelineOf(cut);
  assertEquals(state, "incomplete");
  assertMatch(reason!, /^s3:\/\/.*\.index: lines left out: no line lists /);
});
