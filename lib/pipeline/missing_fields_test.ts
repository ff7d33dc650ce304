import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, bucketKey, openWorkplace } from "../../fixtures/embedded_run.ts";
import type { Bucket } from "../../fixtures/file_versions.ts";
import { type IndexLine, MOVED_STEPS, moveRuns } from "../../fixtures/moved_run.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { parseRun } from "../ecmwf/run.ts";
import { pipelineOptions } from "./pipeline_fixture.ts";
import { runPipeline } from "./run_pipeline.ts";

const RUN = parseRun("20251201", "00");

/** Whether the pipeline of a changed run is complete, and its lines on fields. */
async function run(
  change: (line: IndexLine) => IndexLine | undefined,
  edit: (bucket: Bucket) => void = () => {},
) {
  const bucket = await moveRuns({ run: RUN, change });
  edit(bucket);
  await using place = await openWorkplace(bucket);
  const infos: string[] = [];
  const info = (line: string) => void infos.push(line);
  const context = { ...place.context, reporter: { ...place.context.reporter, info } };
  const options = pipelineOptions({ ...BEFORE_50R1, run: RUN }, place.folder);
  const { complete, stage2 } = await runPipeline({ ...options, steps: MOVED_STEPS }, context);
  const missing = stage2.missingFields.join("; ");
  assertEquals(
    place.warnings.filter((line) => line.startsWith("fields are missing")),
    missing === "" ? [] : [`fields are missing: ${missing}`],
  );
  return { complete, warnings: place.warnings, infos };
}

Deno.test("the pipeline names the fields that an index lacks which is cut at a whole line", async () => {
  const { indexUrl } = stepFiles(RUN, 36)[0]!;
  const { complete, warnings } = await run((line) => line, (bucket) => {
    const key = bucketKey(indexUrl);
    const lines = new TextDecoder().decode(bucket.get(key)).split("\n");
    bucket.set(key, new TextEncoder().encode(lines.slice(0, 64).join("\n")));
  });
  assert(!complete);
  const [left, missing, ...others] = warnings;
  assert(left!.startsWith(`${indexUrl}: lines left out: no line lists`), left);
  assert(/^fields are missing: .*step 36, all members: .*tcw/.test(missing!), missing);
  assertEquals(others, []);
});

Deno.test("the pipeline names the fields that a file and its index lack for all members", async () => {
  const lost = ["2t", "msl", "tcw"];
  const atOneStep = await run((line) =>
    line.step === "36" && lost.includes(line.param) ? undefined : line
  );
  assertEquals([atOneStep.complete, atOneStep.warnings], [
    false,
    ["fields are missing: step 36, all members: 2t, msl, tcw"],
  ]);
  // Nothing tells of msl, which no other step has and the output does not need.
  const everywhere = await run((line) => lost.includes(line.param) ? undefined : line);
  assertEquals([everywhere.complete, everywhere.warnings], [
    false,
    ["fields are missing: steps 0, 36, 39, all members: 2t, tcw"],
  ]);
});

Deno.test("the pipeline names a variable that the index calls unknown, of one member and of all", async () => {
  const rename = (number?: string) => (line: IndexLine) =>
    line.param === "tp" && (number === undefined || line.number === number)
      ? { ...line, param: "unknown" }
      : line;
  const one = await run(rename("2"));
  assertEquals([one.complete, one.warnings], [false, [
    "fields are missing: steps 36, 39, members 2: tp",
    'fields that the index calls "unknown": steps 36, 39, members 2; ' +
    "they may be the missing ones",
  ]]);
  const all = await run(rename());
  assertEquals([all.complete, all.warnings], [false, [
    "fields are missing: steps 36, 39, all members: tp",
    'fields that the index calls "unknown": steps 36, 39, all members; ' +
    "they may be the missing ones",
  ]]);
});

Deno.test("fields that the index calls unknown are information where nothing is missing", async () => {
  const { complete, warnings, infos } = await run((line) =>
    ["10u", "msl"].includes(line.param) ? { ...line, param: "unknown" } : line
  );
  assertEquals([complete, warnings], [true, []]);
  const line = 'fields that the index calls "unknown": steps 0, 36, 39, all members';
  assertEquals(infos.filter((it) => it.includes("unknown")), [line]);
});

Deno.test("the pipeline names a level that all members lack", async () => {
  const { complete, warnings } = await run((line) =>
    line.param === "t" && line.levelist === "850" ? undefined : line
  );
  assertEquals([complete, warnings], [
    false,
    ["fields are missing: steps 0, 36, 39, all members: t (850)"],
  ]);
});

Deno.test("the pipeline misses no accumulation at step 0", async () => {
  const accumulations = ["tp", "ssr", "ssrd", "sf", "ro"];
  const { complete, warnings } = await run((line) =>
    line.step === "0" && accumulations.includes(line.param) ? undefined : line
  );
  assertEquals([complete, warnings], [true, []]);
});
