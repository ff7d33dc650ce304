import { assert, assertEquals, assertLess } from "jsr:@std/assert@^1.0.0";
import {
  AFTER_50R1,
  BEFORE_50R1,
  EMBEDDED_STEPS,
  largestDifference,
  ONE_REQUEST_EACH,
  openWorkplace,
  readExpected,
  readOutputFields,
} from "../../fixtures/embedded_run.ts";
import { GIK } from "../output/profile.ts";
import { runPipeline } from "./run_pipeline.ts";
import { pipelineOptions } from "./pipeline_fixture.ts";
import { runStream } from "../stream/run_stream.ts";

const LAYOUTS = [
  { name: "before cycle 50r1", embedded: BEFORE_50R1, files: 1 },
  { name: "after cycle 50r1", embedded: AFTER_50R1, files: 2 },
];

for (const { name, embedded, files } of LAYOUTS) {
  Deno.test(`a run ${name} becomes the statistics that ecCodes and numpy compute`, async () => {
    await using workplace = await openWorkplace();
    const { context, folder, server, warnings } = workplace;
    const { run, members } = embedded;

    const pipeline = await runPipeline(pipelineOptions(embedded, folder), context);
    assert(pipeline.complete);
    const afterPipeline = server.requests.length;
    const result = await runStream({
      parquetDir: `${folder}/stores`,
      profile: GIK,
      steps: EMBEDDED_STEPS,
      maxMembers: members,
      parallelFetches: 4,
      policy: ONE_REQUEST_EACH,
      outputDir: folder,
      now: new Date(0),
    }, context);

    assertEquals(warnings, []);
    assert(result.complete);
    assertEquals(result.membersUsed.length, members);
    assertLess(
      largestDifference(await readOutputFields(result.path), await readExpected(run)),
      1e-6,
    );

    const stream = server.requests.slice(afterPipeline);
    assertEquals(stream.length, 12 * EMBEDDED_STEPS.length * members);
    assert(stream.every(({ method, key }) => method === "GET" && key.endsWith(".grib2")));
    assertEquals(new Set(stream.map(({ key, range }) => `${key} ${range}`)).size, stream.length);

    const indexes = server.requests.filter(({ key }) => key.endsWith(".index"));
    // Stage 1 reads step 0, stage 2 each of the other steps.
    assertEquals(indexes.length, files * (1 + EMBEDDED_STEPS.length));
    assertEquals(new Set(indexes.map(({ key }) => key)).size, indexes.length);
  });
}

Deno.test("the same run gives the same NetCDF, byte for byte", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  await runPipeline(pipelineOptions(AFTER_50R1, folder), context);
  const files: Uint8Array[] = [];
  for (const parallelFetches of [1, 7]) {
    const { path } = await runStream({
      parquetDir: `${folder}/stores`,
      profile: GIK,
      steps: EMBEDDED_STEPS,
      maxMembers: AFTER_50R1.members,
      parallelFetches,
      outputDir: `${folder}/${parallelFetches}`,
      now: new Date(86_400_000),
    }, context);
    files.push(await Deno.readFile(path));
  }
  assertEquals(files[0], files[1]);
});

Deno.test("of two pipelines that make the same stores at once the second says so, and both end well", async () => {
  await using workplace = await openWorkplace();
  const { context, folder, warnings } = workplace;
  const options = pipelineOptions(BEFORE_50R1, folder);
  const both = await Promise.all([1, 2].map(() => runPipeline(options, context)));
  assertEquals(both.map(({ complete }) => complete), [true, true]);
  assertEquals(warnings, [
    `another command is making ${folder}/stores, too: harmless if it is the same one, else stop one of them`,
  ]);
  await runPipeline(options, context);
  assertEquals(warnings.length, 1);
});
