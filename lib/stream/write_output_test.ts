import { assert, assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { openWorkplace } from "../../fixtures/embedded_run.ts";
import { listNames } from "../../fixtures/folder.ts";
import { MEAN_AND_DEVIATION } from "../ensemble/statistic.ts";
import { MissingDataError, UsageError } from "../errors.ts";
import { decodeNetcdf } from "../netcdf/decode_netcdf.ts";
import { GIK, type OutputProfile } from "../output/profile.ts";
import type { Storage } from "../storage/mod.ts";
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

/** The default file, with the median and the members. */
const WITH_MEMBERS: OutputProfile = {
  ...GIK,
  statistics: [...MEAN_AND_DEVIATION, { kind: "percentile", percent: 50 }, { kind: "members" }],
};

/** A storage that tells of the ranges of saved fields that are read. */
function watchRanges(storage: Storage, onRange: (url: string, bytes: number) => void): Storage {
  return {
    ...storage,
    async get(url, options = {}) {
      if (url.endsWith(".field")) onRange(url, options.length ?? Infinity);
      return await storage.get(url, options);
    },
  };
}

/** The bytes of all arrays of numbers in a value, at whatever depth. */
function countNumbers(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, part) => sum + countNumbers(part), 0);
}

for (const format of ["netcdf", "netcdf4", "zarr"] as const) {
  Deno.test(`of saved fields no value is held, and to write ${format} each is read once, and nothing else`, async () => {
    await using workplace = await openWorkplace();
    const { context, folder } = workplace;
    await writeFinalStores(workplace);
    const options = { ...streamOptions(folder), profile: WITH_MEMBERS, format };
    const reads: number[] = [];
    const storage = watchRanges(context.storage, (_, bytes) => void reads.push(bytes));
    const { fields } = await runStream(options, { ...context, storage });
    const numbers = fields.map(({ reduced: { axes: _, ...rest } }) => countNumbers(rest));
    assertEquals(numbers, fields.map(() => 0));
    const { pointCount } = fields[0]!.reduced;
    // Mean, deviation and median in float32, and four members in two bytes a value.
    const expected = fields.flatMap(() => [4, 4, 4, 4 * 2].map((width) => width * pointCount));
    assertEquals(reads.toSorted((a, b) => a - b), expected.toSorted((a, b) => a - b));
  });
}

Deno.test("a command that cannot go on while it writes leaves no output, and the same one makes it", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  await writeFinalStores(workplace);
  const options = { ...streamOptions(folder), profile: WITH_MEMBERS };
  const whole = await Deno.readFile((await runStream(options, context)).path);
  const outputDir = `${folder}/stopped`;
  let left = 14; // of 12 ranges of statistics and 4 of members
  const storage = watchRanges(context.storage, (url) => {
    if (left-- === 0) Deno.removeSync(url);
  });
  await assertRejects(
    () => runStream({ ...options, outputDir }, { ...context, storage }),
    MissingDataError,
    "it was removed or damaged meanwhile; run the same command again",
  );
  assertEquals((await listNames(outputDir)).filter((name) => !name.endsWith(".work")), []);
  const resumed = await runStream({ ...options, outputDir }, context);
  assertEquals(resumed.fieldsResumed, 3);
  assertEquals(await Deno.readFile(resumed.path), whole);
});

Deno.test("a field whose file was saved again by another command meanwhile is read from the new one", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  await writeFinalStores(workplace);
  const whole = await Deno.readFile((await runStream(streamOptions(folder), context)).path);
  const shared = { ...streamOptions(folder), work: `${folder}/work` };
  await runTask({ index: 0, count: 1 }, shared, context);
  const bytes = new Map<string, Uint8Array>();
  for (const name of await listNames(shared.work)) {
    bytes.set(name, await Deno.readFile(`${shared.work}/${name}`));
  }
  let isReplaced = false;
  const storage = watchRanges(context.storage, (url) => {
    if (isReplaced) return;
    isReplaced = true;
    // With the task in its description it is longer: all numbers are at other places.
    Deno.writeFileSync(url, bytes.get(url.split("/").at(-1)!)!);
  });
  const options = { ...shared, outputDir: `${folder}/again`, work: `${folder}/other` };
  const { path } = await runStream(options, { ...context, storage });
  assert(isReplaced);
  assertEquals(await Deno.readFile(path), whole);
});
