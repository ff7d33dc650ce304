import { assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { listNames, withFolder } from "../../fixtures/folder.ts";
import { parseRun } from "../ecmwf/run.ts";
import { findVariable } from "../ecmwf/variables.ts";
import { emptyField, type ReducedField } from "../ensemble/field_reducer.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";
import { joinPoints, packPoints } from "../ensemble/member_points.ts";
import { MissingDataError } from "../errors.ts";
import { openStorage } from "../storage/mod.ts";
import { removeWorkFolder, WorkFolder, workFolderOf } from "./work_folder.ts";
import type { FieldSettings } from "./field_names.ts";

const storage = openStorage();
const SETTINGS: FieldSettings = {
  profile: "gik",
  run: parseRun("20260206", "00"),
  region: { north: 1, west: 0, south: 0, east: 1 },
};

function planField(name: string, offset = 0): PlannedField {
  const message = (member: number) => ({
    member,
    reference: { url: "s3://bucket/file.grib2", offset: offset + 100 * member, length: 100 },
  });
  return {
    variable: findVariable(name)!,
    stepHours: 36,
    messages: [message(0), message(1)],
    rejections: [{ member: 2, reason: "no store" }],
  };
}

const PLAN = [planField("t2m"), planField("u700")];

const FIELD: ReducedField = {
  axes: { latitudes: Float64Array.of(0.25, 0), longitudes: Float64Array.of(0, 0.25, 0.5) },
  mean: Float32Array.of(1, 2, NaN, 4, 5, 1e-30),
  deviation: Float32Array.of(0, 0.1, NaN, 0.3, 0.4, 0.5),
  members: [0],
  rejections: [
    { member: 1, reason: "it is of member 2, “ens02”", fault: "mismatched" },
    { member: 2, reason: "no store" },
  ],
  implausible: [{ member: 0, reason: "of 6 values 1 are below 1, the lowest 1e-30" }],
};

/** Points that belong to a field. */
const POINTS = joinPoints(6, [
  { member: 0, ...packPoints({ numbers: Float64Array.of(1, 2, NaN, 4, 5, 1e-30) }, 2 ** -24) },
]);

function withWorkFolder(use: (path: string) => Promise<void>): Promise<void> {
  return withFolder((folder) => use(`${folder}/out.nc.work`));
}

/** A work folder whose fields have been read, and the warnings. */
async function openWarning(path: string, plan = PLAN, settings = SETTINGS, lacking = false) {
  const warnings: string[] = [];
  const onWarning = (line: string) => void warnings.push(line);
  const work = await WorkFolder.open(path, plan, { settings, storage, onWarning });
  await work.read({ lacking });
  return { work, warnings };
}

async function open(...given: Parameters<typeof openWarning>): Promise<WorkFolder> {
  return (await openWarning(...given)).work;
}

/** The fields without their origin, with their statistics as their files have them. */
async function listReduced(work: WorkFolder): Promise<[number, ReducedField][]> {
  const fields: [number, ReducedField][] = [];
  for (const [fieldIndex, { reduced: { ranges: _, pointCount: __, ...reduced } }] of work.fields) {
    const mean = await work.readStatistic(fieldIndex, "mean");
    const deviation = await work.readStatistic(fieldIndex, "deviation");
    fields.push([fieldIndex, { ...reduced, mean, deviation }]);
  }
  return fields;
}

/** Saves the first field of the plan, and gives the path of its file. */
async function saveFirst(path: string): Promise<string> {
  await (await open(path)).save(0, structuredClone(FIELD));
  const [name] = await listNames(path);
  return `${path}/${name}`;
}

Deno.test("a saved field is the same for the same command, bit for bit", () =>
  withWorkFolder(async (path) => {
    await saveFirst(path);
    const { work, warnings } = await openWarning(path);
    assertEquals(await listReduced(work), [[0, FIELD]]);
    assertEquals(warnings, []);
  }));

Deno.test("the numbers of a field are freed once they are in its file", () =>
  withWorkFolder(async (path) => {
    const kept = { pointCount: 6, members: [{ member: 0 }], packed: new Uint8Array(48).fill(7) };
    const field = structuredClone({ ...FIELD, further: [Float32Array.of(7)], kept });
    const { mean, deviation, further } = field;
    await (await open(path)).save(0, field);
    const arrays = [mean, deviation, further[0]!, field.kept.packed];
    assertEquals(arrays.map(({ byteLength }) => byteLength), [0, 0, 0, 0]);
    const work = await open(path);
    assertEquals(await work.readStatistic(0, "further"), Float32Array.of(7));
    assertEquals(await work.readKept(0), kept);
  }));

Deno.test("points are handed over when their field is saved or read, and not retained", () =>
  withWorkFolder(async (path) => {
    const given: unknown[] = [];
    const onPoints = (...points: unknown[]) => void given.push(points);
    const openNoting = () => WorkFolder.open(path, PLAN, { settings: SETTINGS, storage, onPoints });
    for (const [i, field] of [FIELD, LACKING].entries()) {
      await (await openNoting()).save(i, structuredClone({ ...field, points: POINTS }));
    }
    const work = await openNoting();
    await work.read({ lacking: true });
    assertEquals(given, [[0, POINTS], [1, POINTS], [0, POINTS], [1, POINTS]]);
    assertEquals(await listReduced(work), [[0, FIELD], [1, LACKING]]);
    for (const i of [0, 1]) assertEquals(await work.readPoints(i), POINTS);
  }));

Deno.test("readPoints() says what to do when the file is gone", () =>
  withWorkFolder(async (path) => {
    const work = await open(path);
    await work.save(0, structuredClone({ ...FIELD, points: POINTS }));
    await removeWorkFolder(path, storage);
    const error = await assertRejects(() => work.readPoints(0), MissingDataError);
    assertStringIncludes(
      error.message,
      "it was removed or damaged meanwhile; run the same command",
    );
  }));

Deno.test("a field without members is saved, too", () =>
  withWorkFolder(async (path) => {
    const rejections = FIELD.rejections.map(({ member }) =>
      ({ member, reason: "wrong", fault: "damaged" }) as const
    );
    const field = emptyField([{ ...rejections[0]!, member: 0 }, ...rejections]);
    await (await open(path)).save(1, structuredClone(field));
    assertEquals(await listReduced(await open(path)), [[1, field]]);
  }));

/** The same field with a message that could not be fetched. */
const LACKING: ReducedField = {
  ...FIELD,
  rejections: FIELD.rejections.map(({ member, reason }) => ({ member, reason })),
};

Deno.test("a field that lacks a message is read only where `lacking` is set", () =>
  withWorkFolder(async (path) => {
    await (await open(path)).save(0, structuredClone(LACKING));
    assertEquals((await open(path)).fields.size, 0);
    assertEquals(await listReduced(await open(path, PLAN, SETTINGS, true)), [[0, LACKING]]);
  }));

Deno.test("of a field that was saved twice, the one that lacks nothing is read, whichever came last", () =>
  withWorkFolder(async (path) => {
    const work = await open(path);
    for (const field of [LACKING, FIELD, LACKING]) await work.save(0, structuredClone(field));
    assertEquals(await listReduced(await open(path, PLAN, SETTINGS, true)), [[0, FIELD]]);
    await work.drop(0);
    assertEquals((await open(path, PLAN, SETTINGS, true)).fields.size, 0);
  }));

Deno.test("drop() removes a field, and does nothing when it was not saved", () =>
  withWorkFolder(async (path) => {
    await saveFirst(path);
    const work = await open(path);
    await work.drop(0);
    await work.drop(1);
    assertEquals([work.fields.size, (await open(path)).fields.size], [0, 0]);
  }));

const CHANGES: [what: string, plan: PlannedField[], settings: FieldSettings][] = [
  ["reference", [planField("t2m", 7)], SETTINGS],
  ["set of members", [{ ...PLAN[0]!, messages: PLAN[0]!.messages.slice(0, 1) }], SETTINGS],
  ["region", PLAN, { ...SETTINGS, region: { ...SETTINGS.region, north: 2 } }],
  ["run", PLAN, { ...SETTINGS, run: parseRun("20260206", "12") }],
  ["profile", PLAN, { ...SETTINGS, profile: "other" }],
  ["variable", [{ ...PLAN[0]!, variable: { ...PLAN[0]!.variable, units: "°C" } }], SETTINGS],
];

for (const [what, plan, settings] of CHANGES) {
  Deno.test(`a field saved with another ${what} is ignored with a warning`, () =>
    withWorkFolder(async (path) => {
      await saveFirst(path);
      const { work, warnings } = await openWarning(path, plan, settings);
      assertEquals(work.fields.size, 0);
      assertEquals(warnings, [
        `ignoring 1 of the files in ${path}: they are not of this command`,
      ]);
    }));
}

const DAMAGES: [how: string, damage: (bytes: Uint8Array) => Uint8Array][] = [
  ["has one bit changed", (bytes) => bytes.with(bytes.length - 3, bytes.at(-3)! ^ 1)],
  ["was cut short", (bytes) => bytes.slice(0, -4)],
  ["is empty", () => new Uint8Array()],
];

for (const [how, damage] of DAMAGES) {
  Deno.test(`a file that ${how} is ignored with a warning`, () =>
    withWorkFolder(async (path) => {
      const file = await saveFirst(path);
      await Deno.writeFile(file, damage(await Deno.readFile(file)));
      const { work, warnings } = await openWarning(path);
      assertEquals(work.fields.size, 0);
      assertStringIncludes(warnings[0]!, `${file} is damaged`);
      await work.save(0, structuredClone(FIELD));
      assertEquals((await open(path)).fields.size, 1);
    }));
}

Deno.test("a whole file under the name of another field is ignored", () =>
  withWorkFolder(async (path) => {
    const file = await saveFirst(path);
    await (await open(path)).save(1, structuredClone(FIELD));
    const [other] = (await listNames(path)).filter((name) => name.startsWith("u700_36h_"));
    await Deno.copyFile(file, `${path}/${other}`);
    assertEquals([...(await open(path)).fields.keys()], [0]);
  }));

Deno.test("removeWorkFolder() removes fields and partial files, and nothing else", () =>
  withWorkFolder(async (path) => {
    await removeWorkFolder(path, storage);
    const file = await saveFirst(path);
    const partial = file.replace(/([^/]*)$/, `.$1.${crypto.randomUUID()}.part`);
    await Deno.writeTextFile(partial, "half");
    await Deno.writeTextFile(`${path}/notes.txt`, "mine");
    assertEquals((await openWarning(path)).warnings, [
      `ignoring 1 of the files in ${path}: they are not of this command`,
    ]);
    await removeWorkFolder(path, storage);
    assertEquals(await listNames(path), ["notes.txt"]);
    await Deno.remove(`${path}/notes.txt`);
    await saveFirst(path);
    await removeWorkFolder(path, storage);
    assertEquals((await open(path)).fields.size, 0);
    assertEquals(await listNames(path.slice(0, path.lastIndexOf("/"))), []);
  }));

Deno.test("workFolderOf() is beside a local output, and in the current folder for a remote one", () => {
  assertEquals(workFolderOf("out/a.nc"), "out/a.nc.work");
  assertEquals(workFolderOf("gs://bucket/out/a.nc"), "a.nc.work");
});
