import { assert, assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { openWorkplace } from "../../fixtures/embedded_run.ts";
import { UsageError } from "../errors.ts";
import { decodeNetcdf } from "../netcdf/decode_netcdf.ts";
import { readVariable, streamOptions, writeFinalStores } from "./final_stores_fixture.ts";
import { runMerge } from "./run_merge.ts";
import { runStream } from "./run_stream.ts";
import { runTask } from "./run_task.ts";

/** The embedded runs have a grid of 3°. */
const SPACING = 0.75;

const gridOptions = (folder: string, spacing: number) => ({
  ...streamOptions(folder),
  grid: { spacing },
});

Deno.test("a grid that is asked for holds the points of the messages unchanged, and those between them", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  await writeFinalStores(workplace);
  const plain = await runStream(streamOptions(folder), context);
  const before = new Map<string, number[]>();
  for (const name of ["latitude", "longitude", "t2m_ensemble_mean"]) {
    before.set(name, await readVariable(plain.path, name));
  }
  const fine = await runStream(gridOptions(folder, SPACING), context);
  assert(fine.complete);
  const [rows, columns] = ["latitude", "longitude"].map((name) => before.get(name)!);
  const latitudes = await readVariable(fine.path, "latitude");
  const longitudes = await readVariable(fine.path, "longitude");
  assertEquals([latitudes[0], latitudes[1]], [rows![0], rows![0]! - SPACING]);
  assertEquals([longitudes[0], longitudes[1]], [columns![0], columns![0]! + SPACING]);
  const values = await readVariable(fine.path, "t2m_ensemble_mean");
  const plainValues = before.get("t2m_ensemble_mean")!;
  const plainAt = (row: number, column: number) => plainValues[row * columns!.length + column]!;
  const fineAt = (row: number, column: number) => values[row * longitudes.length + column]!;
  for (const row of rows!.keys()) {
    for (const column of columns!.keys()) {
      assertEquals(fineAt(4 * row, 4 * column), plainAt(row, column));
    }
  }
  const corners = plainAt(0, 0) + plainAt(0, 1) + plainAt(1, 0) + plainAt(1, 1);
  assert(Math.abs(fineAt(2, 2) - corners / 4) < 1e-4, `${fineAt(2, 2)}`);
  const { attributes } = decodeNetcdf(await Deno.readFile(fine.path));
  assertEquals(
    attributes.get("interpolation"),
    "mean and standard deviation bilinear from 3 to 0.75 degrees",
  );
});

Deno.test("tasks and their merge interpolate to the bytes of one process", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  await writeFinalStores(workplace);
  const options = gridOptions(folder, SPACING);
  const whole = await Deno.readFile((await runStream(options, context)).path);
  const shared = { ...options, work: `${folder}/work` };
  for (const index of [1, 0]) await runTask({ index, count: 2 }, shared, context);
  assertEquals(await Deno.readFile((await runMerge(shared, context)).path), whole);
});

Deno.test("a grid without a point in the region is refused by name, and nothing is written", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  await writeFinalStores(workplace);
  const options = gridOptions(folder, 100);
  await assertRejects(() => runStream(options, context), UsageError, "choose another --grid");
  assertEquals([...Deno.readDirSync(options.outputDir)].filter(({ isFile }) => isFile), []);
});
