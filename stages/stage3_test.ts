import { assert, assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { unzipSync } from "npm:fflate@0.8.3";
import { BEFORE_50R1, openWorkplace } from "../fixtures/embedded_run.ts";
import { MissingDataError } from "../lib/cli/errors.ts";
import type { Store } from "../lib/references.ts";
import { readStageStore, writeStageStore } from "../lib/stage_files.ts";
import { runStage3 } from "./stage3.ts";

const { run } = BEFORE_50R1;
const own = "s3://ecmwf-forecasts/20260206/00z/ifs/0p25/enfo/20260206000000-36h-enfo-ef";
const KEY = "step_036/tp/sfc/control/0.0.0";

Deno.test("runStage3() writes final stores, and the same zip for the same stores", async () => {
  await using place = await openWorkplace();
  const { context } = place;
  const folder = `${place.folder}/stores`;
  const store: Store = new Map([[KEY, { url: `${own}.grib2`, offset: 7, length: 5 }]]);
  await writeStageStore(context.storage, folder, 2, 0, store);
  const zips: Uint8Array[] = [];
  for (let i = 0; i < 2; i++) {
    const options = { run, maxMembers: 1, outputDir: folder, zip: true };
    const result = await runStage3(options, context);
    assert(result.complete);
    zips.push(await Deno.readFile(result.zipPath!));
  }
  assertEquals(await readStageStore(context.storage, folder, 3, 0), store);
  assertEquals(zips[0], zips[1]);
  assertEquals(Object.keys(unzipSync(zips[0]!)), [
    "stores/stage2_control_merged.parquet",
    "stores/stage3_control_final.parquet",
  ]);
});

Deno.test("runStage3() is incomplete without a member's stage 2 file, and stops without any", async () => {
  await using place = await openWorkplace();
  const { context, folder } = place;
  const options = { run, maxMembers: 2, outputDir: folder, zip: false };
  await assertRejects(() => runStage3(options, context), MissingDataError, "run stage 2 first");
  await writeStageStore(context.storage, folder, 2, 0, new Map());
  const result = await runStage3(options, context);
  assertEquals(result.complete, false);
  assertEquals(result.members, [0]);
});
