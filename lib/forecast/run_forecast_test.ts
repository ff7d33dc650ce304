import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@^1.0.0";
import {
  AFTER_50R1,
  BEFORE_50R1,
  EMBEDDED_STEPS,
  type EmbeddedRun,
  ONE_REQUEST_EACH,
  openWorkplace,
  readEmbeddedBucket,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import { replaceFile, reverseMessages } from "../../fixtures/file_versions.ts";
import type { LoggedRequest } from "../../fixtures/s3_server.ts";
import { moveRuns } from "../../fixtures/moved_run.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { parseRun } from "../ecmwf/run.ts";
import { MissingDataError, UsageError } from "../errors.ts";
import { GIK_VARIABLES } from "../ecmwf/variables.ts";
import { GIK } from "../output/profile.ts";
import { runStage2 } from "../pipeline/run_stage2.ts";
import { runStage3 } from "../pipeline/run_stage3.ts";
import { openStorage, StorageError } from "../storage/mod.ts";
import { runStream } from "../stream/run_stream.ts";
import type { StreamResult } from "../stream/stream_result.ts";
import { type ForecastOptions, runForecast } from "./run_forecast.ts";

/** Options for a forecast of an embedded run in a folder. */
function forecastOptions(
  { run, members }: EmbeddedRun,
  folder: string,
  changes: Partial<ForecastOptions> = {},
): ForecastOptions {
  return {
    runRequest: run,
    profile: GIK,
    steps: EMBEDDED_STEPS,
    maxMembers: members,
    parallelFetches: 4,
    policy: ONE_REQUEST_EACH,
    outputDir: `${folder}/forecast`,
    now: new Date(0),
    allowMissing: false,
    plot: false,
    view: false,
    ...changes,
  };
}

/** The output of stages 2 and 3 and of streaming, with the same options. */
async function runTwoPhases(
  { run, members }: EmbeddedRun,
  { context, folder }: Workplace,
  steps = EMBEDDED_STEPS,
): Promise<StreamResult> {
  const parquetDir = `${folder}/two_phases`;
  const stage = { run, maxMembers: members, outputDir: parquetDir };
  await runStage2({ ...stage, steps, parallelWorkers: 4, allowMissing: false }, context);
  await runStage3({ ...stage, zip: false }, context);
  const { runRequest: _, ...options } = forecastOptions({ run, members }, folder, { steps });
  return await runStream({ ...options, run, parquetDir, outputDir: parquetDir }, context);
}

/** Requests by method, the kind of their file and whether they are for a range. */
function countRequests(requests: readonly LoggedRequest[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { method, key, range } of requests) {
    const kind = `${method} ${key.split(".").at(-1)}${range ? " range" : ""}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

for (
  const { embedded, files } of [
    { embedded: BEFORE_50R1, files: 2 },
    { embedded: AFTER_50R1, files: 4 },
  ]
) {
  Deno.test(`runForecast() writes the bytes of pipeline and stream for ${embedded.run.date}, and asks for indexes and messages alone`, async () => {
    await using place = await openWorkplace();
    const { context, folder, server } = place;
    const result = await runForecast(forecastOptions(embedded, folder), context);
    assertEquals([result.complete, result.outputs], [true, [result.path]]);
    const counts = countRequests(server.requests);
    const before = server.requests.length;
    const expected = await runTwoPhases(embedded, place);
    const streamed = countRequests(server.requests.slice(before));
    assertEquals(await Deno.readFile(result.path), await Deno.readFile(expected.path));
    assertEquals(counts["GET index"], files);
    assertEquals(counts["HEAD grib2"], files);
    assertEquals(counts, streamed);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).toSorted(), [
      "forecast",
      "two_phases",
    ]);
    assertEquals([...Deno.readDirSync(`${folder}/forecast`)].length, 1);
  });
}

Deno.test("runForecast() reads no file without wanted members: the control alone is in one of two", async () => {
  await using place = await openWorkplace();
  const { context, folder, server } = place;
  const options = forecastOptions({ ...AFTER_50R1, members: 1 }, folder);
  const result = await runForecast(options, context);
  assertEquals([result.complete, result.membersUsed], [true, [0]]);
  assertEquals(server.requests.filter(({ key }) => !key.includes("-oper-fc")), []);
});

Deno.test("runForecast() resumes from the fields that a stopped forecast saved", async () => {
  await using place = await openWorkplace();
  const { context, folder, server } = place;
  const options = forecastOptions(BEFORE_50R1, folder);
  let ranges = 0;
  server.setFaults(({ range }) =>
    range && ++ranges > 40 ? { kind: "status", status: 500, code: "Down" } : undefined
  );
  await assertRejects(() => runForecast(options, context), StorageError, "500");
  server.setFaults(undefined);
  const before = server.requests.length;
  const storage = openStorage({ endpoint: server.url });
  const resumed = await runForecast(options, { ...context, storage });
  assert(resumed.fieldsResumed > 4, `${resumed.fieldsResumed}`);
  const counts = countRequests(server.requests.slice(before));
  const fields = GIK_VARIABLES.length * EMBEDDED_STEPS.length - resumed.fieldsResumed;
  assertEquals(counts["GET grib2 range"], BEFORE_50R1.members * fields);
  const expected = await runTwoPhases(BEFORE_50R1, place);
  assertEquals(await Deno.readFile(resumed.path), await Deno.readFile(expected.path));
});

Deno.test("runForecast() names missing steps in one line, and writes the others as two phases do", async () => {
  const bucket = await readEmbeddedBucket();
  await using place = await openWorkplace(bucket);
  const { context, folder, warnings } = place;
  const steps = [...EMBEDDED_STEPS, 42, 45];
  const result = await runForecast(forecastOptions(BEFORE_50R1, folder, { steps }), context);
  assertEquals(result.complete, false);
  const lines = warnings.filter((line) => line.includes("not there"));
  assertEquals(lines.length, 1);
  assertMatch(
    lines[0]!,
    /^2 of 4 steps of 20260206 00 UTC are not there: 42, 45; Cannot read "s3:/,
  );
  const expected = await runTwoPhases(BEFORE_50R1, place, steps);
  assertEquals(await Deno.readFile(result.path), await Deno.readFile(expected.path));
});

Deno.test("runForecast() refuses a run that is not there, and a step that the run does not have", async () => {
  await using place = await openWorkplace(new Map());
  const { context, folder, server } = place;
  await assertRejects(
    () => runForecast(forecastOptions(BEFORE_50R1, folder), context),
    MissingDataError,
    "Cannot find anything of 20260206 00 UTC",
  );
  const before = server.requests.length;
  await assertRejects(
    () => runForecast(forecastOptions(BEFORE_50R1, folder, { steps: [37] }), context),
    Error,
    "Cannot use step 37",
  );
  assertEquals(server.requests.length, before);
});

Deno.test("runForecast() reads a step again that is replaced while it is read", async () => {
  const bucket = await readEmbeddedBucket();
  await using place = await openWorkplace(bucket);
  const { context, folder, server, warnings } = place;
  const [file] = stepFiles(BEFORE_50R1.run, 36);
  let ranges = 0;
  server.setFaults(({ range }) => {
    if (range && ++ranges === 10) replaceFile(bucket, reverseMessages(bucket, file!));
    return undefined;
  });
  const result = await runForecast(forecastOptions(BEFORE_50R1, folder), context);
  assert(result.complete);
  assertMatch(warnings.join("\n"), /step 36 was replaced on the server while it was read/);
  const expected = await runTwoPhases(BEFORE_50R1, place);
  assertEquals(await Deno.readFile(result.path), await Deno.readFile(expected.path));
});

/** Names and bytes of the files of stages 2 and 3 in a folder. */
async function readStageFiles(folder: string): Promise<[string, Uint8Array][]> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.startsWith("stage")).toSorted();
  return await Promise.all(
    names.map(async (name): Promise<[string, Uint8Array]> => [
      name,
      await Deno.readFile(`${folder}/${name}`),
    ]),
  );
}

Deno.test("runForecast() with `keepReferences` writes the files of stages 2 and 3, and loses no others", async () => {
  await using place = await openWorkplace();
  const { context, folder, server } = place;
  const keepReferences = `${folder}/kept`;
  const options = forecastOptions(BEFORE_50R1, folder, { keepReferences });
  const result = await runForecast(options, context);
  const requests = server.requests.length;
  const expected = await runTwoPhases(BEFORE_50R1, place);
  assertEquals(await Deno.readFile(result.path), await Deno.readFile(expected.path));
  assertEquals(server.requests.length, 2 * requests);
  const kept = await readStageFiles(keepReferences);
  assertEquals(kept.length, 2 * BEFORE_50R1.members);
  assertEquals(kept, await readStageFiles(`${folder}/two_phases`));
  await runForecast(options, context);
  await assertRejects(
    () => runForecast({ ...options, steps: [36] }, context),
    UsageError,
    `Cannot write references to ${keepReferences}: it has those of other steps, such as 39`,
  );
  await assertRejects(
    () => runForecast(forecastOptions(AFTER_50R1, folder, { keepReferences }), context),
    UsageError,
    "it has those of 20260206 00 UTC",
  );
  assertEquals(await readStageFiles(keepReferences), kept);
});

Deno.test("runForecast() draws the picture, writes the page, and publishes all with a manifest last", async () => {
  await using place = await openWorkplace();
  const { context, folder } = place;
  const publish = `${folder}/published`;
  const written: string[] = [];
  const storage = {
    ...context.storage,
    put(url: string, pieces: Parameters<typeof context.storage.put>[1]) {
      if (url.startsWith(publish)) written.push(url.slice(publish.length + 1));
      return context.storage.put(url, pieces);
    },
  };
  const options = forecastOptions(BEFORE_50R1, folder, { plot: true, view: true, publish });
  const result = await runForecast(options, { ...context, storage });
  const stem = "IFS_20260206_00Z_cgan";
  const names = [`${stem}.nc`, `${stem}_036h.png`, `${stem}.html`];
  assertEquals(result.outputs, names.map((name) => `${options.outputDir}/${name}`));
  assertEquals(written, [...names, `${stem}.manifest.json`]);
  const manifest = JSON.parse(await Deno.readTextFile(result.manifest!));
  assertEquals([manifest.run, manifest.complete], ["20260206_00z", true]);
  for (const { name, size, sha256 } of manifest.files) {
    const bytes = await Deno.readFile(`${publish}/${name}`);
    assertEquals(bytes, await Deno.readFile(`${options.outputDir}/${name}`));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    assertEquals([size, sha256], [bytes.length, digest]);
  }
  assertEquals(manifest.files.length, 3);
  const { requests } = context.storage.counters;
  await assertRejects(
    () => runForecast({ ...options, publish: `${options.outputDir}/.` }, context),
    UsageError,
    "Cannot publish to",
  );
  assertEquals(context.storage.counters.requests, requests);
});

Deno.test("runForecast() reads a run of an early era from its folder, and misses nothing that was not published", async () => {
  const run = parseRun("20240215", "00");
  const unpublished = ["ssr", "ssrd", "tcw", "tcc", "sf"];
  const bucket = await moveRuns({
    run,
    folder: "0p4-beta",
    change: (line) => unpublished.includes(line.param) ? undefined : line,
  });
  await using place = await openWorkplace(bucket);
  const early = { run, members: BEFORE_50R1.members };
  const result = await runForecast(forecastOptions(early, place.folder), place.context);
  const names = result.unpublished.variables.map(({ name }) => name);
  assertEquals([result.complete, names, place.warnings], [true, unpublished, []]);
  const expected = await runTwoPhases(early, place);
  assertEquals(await Deno.readFile(result.path), await Deno.readFile(expected.path));
});
