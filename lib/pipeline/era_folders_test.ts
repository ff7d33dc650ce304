import { assert, assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, openWorkplace } from "../../fixtures/embedded_run.ts";
import { MOVED_STEPS, moveRuns } from "../../fixtures/moved_run.ts";
import { parseRun } from "../ecmwf/run.ts";
import { MissingDataError } from "../errors.ts";
import { readStageStore } from "../references/stage_files.ts";
import { isReference } from "../references/store.ts";
import { pipelineOptions } from "./pipeline_fixture.ts";
import { runPipeline } from "./run_pipeline.ts";

/** Runs by date and hour, the folders that have them, and the one that is read. */
const CASES: [date: string, hour: string, there: string[], folder: string][] = [
  ["20230601", "00", ["0p4-beta"], "0p4-beta"],
  ["20240131", "18", ["0p4-beta"], "0p4-beta"],
  ["20240215", "00", ["0p25", "0p4-beta"], "0p25"],
  ["20240215", "12", ["0p4-beta"], "0p4-beta"],
  ["20240228", "06", ["ifs/0p25"], "ifs/0p25"],
  ["20240229", "00", ["ifs/0p25"], "ifs/0p25"],
];

for (const [date, hour, there, folder] of CASES) {
  for (const scan of ["never", "always"] as const) {
    Deno.test(`the pipeline finds the run of ${date} ${hour} UTC of ${there.join(" and ")} in ${folder}, scan ${scan}`, async () => {
      const run = parseRun(date, hour);
      const bucket = await moveRuns(...there.map((folder) => ({ run, folder })));
      await using place = await openWorkplace(bucket);
      const options = { ...pipelineOptions({ ...BEFORE_50R1, run }, place.folder), scan };
      const result = await runPipeline(
        { ...options, steps: MOVED_STEPS, hours: MOVED_STEPS },
        place.context,
      );
      assertEquals(place.warnings, []);
      assert(result.complete);
      const store = await readStageStore(place.context.storage, options.outputDir!, 3, 1);
      const urls = [...store!.values()].flatMap((it) => isReference(it) ? [it.url] : []);
      const root = `s3://ecmwf-forecasts/${date}/${hour}z/${folder}/enfo/`;
      assert(urls.length > 0 && urls.every((url) => url.startsWith(root)), urls[0]);
    });
  }
}

Deno.test("the pipeline says of a run before the archive that there is none", async () => {
  await using place = await openWorkplace(new Map());
  const run = parseRun("20230117", "00");
  await assertRejects(
    () => runPipeline(pipelineOptions({ run, members: 1 }, place.folder), place.context),
    MissingDataError,
    "ECMWF's archive begins with the run of 20230118 00 UTC",
  );
});
