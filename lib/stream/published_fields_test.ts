import { assert, assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import {
  BEFORE_50R1,
  EMBEDDED_FOLDER,
  openWorkplace,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import { readBase, writeMessages } from "../../fixtures/full_run.ts";
import { type IndexLine, MOVED_STEPS, type MovedRun, moveRuns } from "../../fixtures/moved_run.ts";
import type { BucketSource } from "../../fixtures/s3_source.ts";
import { findPublicationAt } from "../ecmwf/eras.ts";
import { makeConstant } from "../ecmwf/messages_fixture.ts";
import { parseRun, type Run } from "../ecmwf/run.ts";
import { findVariables, GIK_VARIABLES } from "../ecmwf/variables.ts";
import { MissingDataError, UsageError } from "../errors.ts";
import { decodeNetcdf } from "../netcdf/decode_netcdf.ts";
import { GIK } from "../output/profile.ts";
import { EP_CGAN } from "../output/profiles/ep_cgan.ts";
import { runStage2 } from "../pipeline/run_stage2.ts";
import { runStage3 } from "../pipeline/run_stage3.ts";
import { nameAsWritten } from "./published_fields.ts";
import { runMerge } from "./run_merge.ts";
import { runStream } from "./run_stream.ts";
import { runTask } from "./run_task.ts";
import type { StreamOptions } from "./stream_options.ts";

const MEMBERS = 4;

Deno.test("what ECMWF did not publish has the name that the file would have for it", () => {
  const [cape, tp] = findVariables(["cape", "tp"]);
  const left = { variables: [cape!, tp!], fields: [{ variable: cape!, stepHours: 0 }] };
  const written = nameAsWritten(left, EP_CGAN.products);
  assertEquals(written.variables.map(({ name }) => name), ["mucape", "tp"]);
  assertEquals(written.fields.map(({ variable }) => variable.name), ["mucape"]);
  assertEquals(nameAsWritten(left, GIK.products), left);
});

/** Whether the era of a run has the field of a line. */
function wasPublished(run: Run, { param, levtype, levelist, step }: IndexLine): boolean {
  const level = levelist === undefined ? {} : { level: Number(levelist) };
  return findPublicationAt(run, { param, levtype, ...level }, Number(step)) !== "no";
}

/** A run with what its era published. */
function ofEra(run: Run): MovedRun {
  return { run, change: (line) => wasPublished(run, line) ? line : undefined };
}

/** A workplace with the final stores of a run, and what is reported there. */
async function openStores(moved: MovedRun, steps = MOVED_STEPS) {
  return await openStoresOf(moved.run, await moveRuns(moved), steps);
}

/** As {@linkcode openStores}, of any bucket. */
async function openStoresOf(run: Run, bucket: BucketSource, steps: readonly number[]) {
  const place = await openWorkplace(bucket);
  const outputDir = `${place.folder}/ecmwf_three_stage_${run.date}_${run.hour}z`;
  const stage = { run, maxMembers: MEMBERS, outputDir };
  await runStage2({ ...stage, steps, parallelWorkers: 4, allowMissing: true }, place.context);
  await runStage3({ ...stage, zip: false }, place.context);
  place.warnings.length = 0;
  const infos: string[] = [];
  const info = (line: string) => void infos.push(line);
  const context = { ...place.context, reporter: { ...place.context.reporter, info } };
  return { place, parquetDir: outputDir, context, infos };
}

function streamOptions(
  { folder }: Workplace,
  parquetDir: string,
  change: Partial<StreamOptions> = {},
): StreamOptions {
  return {
    parquetDir,
    profile: GIK,
    steps: [36, 39],
    maxMembers: MEMBERS,
    parallelFetches: 4,
    outputDir: `${folder}/out`,
    now: new Date(0),
    ...change,
  };
}

async function readAttributes(path: string) {
  const { attributes, variables } = decodeNetcdf(await Deno.readFile(path));
  return {
    names: variables.map(({ name }) => name).filter((name) => name.endsWith("_ensemble_mean"))
      .map((name) => name.slice(0, -"_ensemble_mean".length)),
    variables: attributes.get("variables_not_published"),
    fields: attributes.get("fields_not_published"),
  };
}

const SUMS_AT_0 = "tp (0 h), ssr (0 h), ssrd (0 h), sf (0 h), ro (0 h)";
const TCC = "ECMWF published no tcc, sf for the ensemble before 2025-11-20 12 UTC";
const TCW = "ECMWF published no tcw for the ensemble before 2025-01-14 06 UTC";
const SSR = "ECMWF published no ssr, ssrd for the ensemble before about 2024-03-05";

/** Runs, the default variables that they lack, and the lines that say so. */
const CASES: [label: string, absent: string, lines: string[]][] = [
  ["20230601 00", "ssr, ssrd, tcw, tcc, sf", [SSR, TCW, TCC]],
  ["20240301 00", "ssr, ssrd, tcw, tcc, sf", [SSR, TCW, TCC]],
  ["20240601 12", "tcw, tcc, sf", [TCW, TCC]],
  ["20250601 00", "tcc, sf", [TCC]],
  ["20251120 00", "tcc, sf", [TCC]],
];

for (const [label, absent, lines] of CASES) {
  Deno.test(`the stream of ${label} UTC is complete without ${absent}, names them once and in the file`, async () => {
    const [date, hour] = label.split(" ") as [string, string];
    const { place, parquetDir, context, infos } = await openStores({
      run: parseRun(date, hour),
      change: (line) => absent.split(", ").includes(line.param) ? undefined : line,
    });
    await using _ = place;
    const result = await runStream(streamOptions(place, parquetDir), context);
    assert(result.complete);
    assertEquals(place.warnings, []);
    assertEquals(infos.filter((line) => line.startsWith("ECMWF published")), lines);
    const { names, variables, fields } = await readAttributes(result.path);
    const left = absent.split(", ");
    assertEquals(names, GIK_VARIABLES.filter((name) => !left.includes(name)));
    assertEquals([variables, fields], [absent, undefined]);
    assertEquals(result.unpublished.variables.map(({ name }) => name), left);
  });
}

Deno.test("the stream of a run that has all variables has no attribute of what is not published", async () => {
  const { place, parquetDir, context, infos } = await openStores({
    run: parseRun("20251120", "12"),
  });
  await using _ = place;
  const result = await runStream(streamOptions(place, parquetDir), context);
  assert(result.complete);
  assertEquals(infos, []);
  const { names, variables } = await readAttributes(result.path);
  assertEquals([names, variables], [[...GIK_VARIABLES], undefined]);
});

Deno.test("a variable that references have counts as published, whatever the era", async () => {
  const { place, parquetDir, context } = await openStores({ run: parseRun("20240301", "00") });
  await using _ = place;
  const result = await runStream(streamOptions(place, parquetDir), context);
  assertEquals([result.complete, result.unpublished.variables], [true, []]);
});

Deno.test("a variable that references have in spite of the era has no accumulation at step 0 either", async () => {
  const { place, parquetDir, context } = await openStores({ run: parseRun("20240215", "00") });
  await using _ = place;
  const result = await runStream(streamOptions(place, parquetDir, { steps: [0, 36] }), context);
  assert(result.complete);
  const { variables, fields } = await readAttributes(result.path);
  assertEquals([variables, fields], [undefined, SUMS_AT_0]);
});

Deno.test("what the era has and the index lacks stays missing", async () => {
  const { place, parquetDir, context, infos } = await openStores({
    run: parseRun("20250601", "00"),
    change: (line) => ["tcc", "sf", "tcw"].includes(line.param) ? undefined : line,
  });
  await using _ = place;
  const result = await runStream(streamOptions(place, parquetDir), context);
  assert(!result.complete);
  assertEquals(infos, [TCC]);
  const { variables } = await readAttributes(result.path);
  assertEquals(variables, "tcc, sf");
  const lacking = result.fields.filter(({ reduced }) => reduced.rejections.length > 0);
  assertEquals([...new Set(lacking.map(({ variable }) => variable.name))], ["tcw"]);
});

Deno.test("an unpublished variable that is asked for is a usage error with the first run that has it", async () => {
  const { place, parquetDir, context } = await openStores(ofEra(parseRun("20230601", "00")));
  await using _ = place;
  const stream = (names: string[], change: Partial<StreamOptions> = {}) => {
    const variables = findVariables(names);
    return runStream(streamOptions(place, parquetDir, { variables, ...change }), context);
  };
  await assertRejects(
    () => stream(["tp", "tcw", "sf"]),
    UsageError,
    "Cannot write tcw, sf of 20230601 00 UTC: ECMWF did not publish that for the ensemble; " +
      "the first run with tcw is 2025-01-14 06 UTC, the first run with sf is 2025-11-20 12 UTC",
  );
  // No store refers to any of its variables: the run is known by its folder, or as given.
  await assertRejects(() => stream(["tcc"]), UsageError, "with tcc is 2025-11-20 12 UTC");
  const run = parseRun("20230601", "00");
  await assertRejects(() => stream(["ssr"], { run }), UsageError, "with ssr is about 2024-03-05");
  await assertRejects(() => stream(["tp"], { steps: [9] }), MissingDataError, "run the pipeline");
});

Deno.test("accumulations at step 0 are not missing where the era has none", async () => {
  const { place, parquetDir, context, infos } = await openStores(ofEra(parseRun("20260206", "00")));
  await using _ = place;
  const options = streamOptions(place, parquetDir, { steps: [0, 36] });
  const result = await runStream(options, context);
  assert(result.complete);
  assertEquals(place.warnings, []);
  assertEquals(infos, ["ECMWF published no tp, ssr, ssrd, sf, ro at step 0"]);
  assertEquals(result.messagesWanted, (12 + 7) * MEMBERS);
  const { names, variables, fields } = await readAttributes(result.path);
  assertEquals([names, variables], [[...GIK_VARIABLES], undefined]);
  assertEquals(fields, SUMS_AT_0);
  await assertRejects(
    () => runStream({ ...options, steps: [0], variables: findVariables(["tp"]) }, context),
    UsageError,
    "Cannot write tp of 20260206 00 UTC at step 0",
  );
});

Deno.test("accumulations at step 0 that are there are written", async () => {
  const { run } = BEFORE_50R1;
  const variables = findVariables(GIK_VARIABLES);
  const base = await readBase(EMBEDDED_FOLDER, run, 36, variables);
  const isSum = (param: string) => variables.some((it) => it.param === param && it.accumulated);
  const atStep0 = base.map(({ field, messages }) => ({
    field,
    messages: messages.map((it) => isSum(field.param) ? makeConstant(it.slice(), 0) : it),
  }));
  const bucket = await Deno.makeTempDir();
  await writeMessages(bucket, run, [0], atStep0);
  const { place, parquetDir, context } = await openStoresOf(run, bucket, [0]);
  const result = await runStream(streamOptions(place, parquetDir, { steps: [0] }), context);
  assertEquals([result.complete, result.messagesWanted], [true, 12 * MEMBERS]);
  await Deno.remove(bucket, { recursive: true });
});

Deno.test("tasks and their merge leave out the same variables and fields as one process", async () => {
  const { place, parquetDir, context, infos } = await openStores(ofEra(parseRun("20240601", "00")));
  await using _ = place;
  const options = streamOptions(place, parquetDir, {
    steps: [0, 36],
    work: `${place.folder}/work`,
  });
  const whole = await runStream({ ...options, work: undefined }, context);
  const expected = await Deno.readFile(whole.path);
  infos.length = 0;
  for (const index of [0, 1, 2]) {
    const task = await runTask({ index, count: 3 }, options, context);
    assert(task.complete);
    assertEquals(task.unpublished, whole.unpublished);
  }
  const merged = await runMerge(options, context);
  assert(merged.complete);
  assertEquals(await Deno.readFile(merged.path), expected);
  const said = [TCW, TCC, "ECMWF published no tp, ssr, ssrd, ro at step 0"];
  assertEquals(infos.filter((it) => it.startsWith("ECMWF")), Array(4).fill(said).flat());
});

Deno.test("cape is read under the name that it had until 2025-01-14 00 UTC", async () => {
  for (const [date, param, hasIt] of [["20240601", "cape", true], ["20240601", "mucape", false]]) {
    const run = parseRun(`${date}`, "00");
    const { place, parquetDir, context } = await openStores({
      run,
      change: (line) => line.param === "tcwv" ? { ...line, param: `${param}` } : line,
    });
    await using _ = place;
    const options = streamOptions(place, parquetDir, {
      variables: findVariables(["t2m", "cape"]),
      steps: [36],
    });
    const { fields } = await runStream(options, context);
    const cape = fields.find(({ variable }) => variable.name === "cape")!;
    assertEquals(cape.variable.param, "cape");
    assertEquals(cape.variable.longName, "convective available potential energy");
    // Its messages are of water vapour: found under the name, and refused for what they hold.
    const reasons = new Set(cape.reduced.rejections.map(({ reason }) => reason));
    const expected = hasIt
      ? "its parameter is 0.1.64, expected cape in J kg-1"
      : "it is not referenced";
    assertEquals([...reasons], [expected]);
  }
});
