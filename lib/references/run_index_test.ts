import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "jsr:@std/assert@^1.0.0";
import {
  AFTER_50R1,
  BEFORE_50R1,
  bucketKey,
  EMBEDDED_STEPS,
  openWorkplace,
  readEmbeddedBucket,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import { MissingDataError } from "../errors.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { parseRun, referenceTime, type Run, runSteps } from "../ecmwf/run.ts";
import { StorageError } from "../storage/mod.ts";
import { findFieldGaps } from "./field_sets.ts";
import { readRunIndex } from "./run_index.ts";

const readAll = (run: Run, members: number[], { context }: Workplace) => {
  const files = EMBEDDED_STEPS.flatMap((step) => stepFiles(run, step));
  return readRunIndex(run, files, { ...context, members, parallelFiles: 2 });
};

Deno.test("readRunIndex() reads the fields of the members asked for, from both files of a step", async () => {
  await using place = await openWorkplace();
  const index = await readAll(AFTER_50R1.run, [0, 2], place);
  assertEquals(index.fields.members.sort(), [0, 2]);
  // The control, in the oper file, has z as well.
  assertEquals(index.fields.count, (184 + 170) * EMBEDDED_STEPS.length);
  const expected = { run: AFTER_50R1.run, members: [0, 2], required: [] };
  assertEquals(findFieldGaps(index.files, expected), { missing: [], unnamed: [] });
});

Deno.test("findFieldGaps() names the field, member and step that an index lacks", async () => {
  const bucket = await readEmbeddedBucket();
  const key = bucketKey(stepFiles(BEFORE_50R1.run, 36)[0]!.indexUrl);
  const lines = new TextDecoder().decode(bucket.get(key)).split("\n");
  const without = lines.filter((line) => !/"number": "2", "param": "tp"/.test(line));
  bucket.set(key, new TextEncoder().encode(without.join("\n")));
  await using place = await openWorkplace(bucket);
  const index = await readAll(BEFORE_50R1.run, [0, 1, 2, 3], place);
  const expected = { run: BEFORE_50R1.run, members: [0, 1, 2, 3], required: [] };
  assertEquals(findFieldGaps(index.files, expected).missing, ["step 36, members 2: tp"]);
});

Deno.test("readRunIndex() reads a file that comes late when it tries again", async () => {
  const bucket = await readEmbeddedBucket();
  const key = bucketKey(stepFiles(BEFORE_50R1.run, 39)[0]!.indexUrl);
  await using place = await openWorkplace(bucket);
  let asked = 0;
  place.server.setFaults((request) => {
    const late = request.key === key && asked++ === 0;
    return late ? { kind: "status", status: 404, code: "NoSuchKey" } : undefined;
  });
  const index = await readAll(BEFORE_50R1.run, [0], place);
  assertEquals(asked, 2);
  assertEquals(index.missingFiles, []);
  assertEquals(index.fields.count, 160 * EMBEDDED_STEPS.length);
});

Deno.test("readRunIndex() names an index that cannot be read and goes on without it", async () => {
  const bucket = await readEmbeddedBucket();
  const { indexUrl } = stepFiles(BEFORE_50R1.run, 39)[0]!;
  bucket.set(bucketKey(indexUrl), new TextEncoder().encode('{"param": "tp"'));
  await using place = await openWorkplace(bucket);
  const index = await readAll(BEFORE_50R1.run, [0], place);
  assertEquals(index.missingFiles.map((file) => file.stepHours), [39]);
  assertStringIncludes(place.warnings.join("\n"), `Cannot read line 1 of ${indexUrl}`);
});

Deno.test("readRunIndex() goes on without an index that is a page; if all are, the error says so", async () => {
  const bucket = await readEmbeddedBucket();
  const page = new TextEncoder().encode("<html>");
  bucket.set(bucketKey(stepFiles(BEFORE_50R1.run, 39)[0]!.indexUrl), page);
  await using place = await openWorkplace(bucket);
  const index = await readAll(BEFORE_50R1.run, [0], place);
  assertEquals(index.missingFiles.map((file) => file.stepHours), [39]);
  assertStringIncludes(place.warnings.join("\n"), "the server sent a page instead of the index");
  for (const key of bucket.keys()) if (key.endsWith(".index")) bucket.set(key, page);
  const error = await assertRejects(() => readAll(BEFORE_50R1.run, [0], place), StorageError);
  assertEquals([error.kind, error.category], ["corrupt", "unreachable"]);
});

/** Warnings of reading all steps of a run some hours later, of which these files are gone. */
async function warnOf(run: Run, hoursLater: number, gone: (key: string) => boolean) {
  const bucket = await readEmbeddedBucket();
  for (const key of bucket.keys()) if (gone(key)) bucket.delete(key);
  await using place = await openWorkplace(bucket);
  const files = runSteps(run).flatMap((step) => stepFiles(run, step));
  const now = new Date(referenceTime(run).getTime() + hoursLater * 3_600_000);
  await readRunIndex(run, files, { ...place.context, members: [0], parallelFiles: 8, now });
  return place.warnings;
}

Deno.test("readRunIndex() names the steps of a half-published run in one line", async () => {
  const absent = "82 of 85 steps are not there";
  const steps = "3-33, 42-360";
  assertEquals(await warnOf(BEFORE_50R1.run, 8, () => false), [`${absent} yet: ${steps}`]);
  assertEquals(await warnOf(BEFORE_50R1.run, 24, () => false), [`${absent}: ${steps}`]);
  const isIndexOf39 = (key: string) => /-39h-.*\.grib2$/.test(key);
  assertEquals(await warnOf(BEFORE_50R1.run, 8, isIndexOf39), [
    "83 of 85 steps are not there yet: 3-33, 39-360",
  ]);
  assertEquals(await warnOf(AFTER_50R1.run, 8, (key) => /-39h-oper/.test(key)), [
    `${absent} yet: ${steps}`,
    "1 of 85 steps have no oper file yet: 39",
  ]);
});

Deno.test("readRunIndex() names in one line the files that fail alike", async () => {
  await using place = await openWorkplace();
  place.server.setFaults(({ key }) =>
    /-3[69]h-/.test(key) ? { kind: "status", status: 500, code: "InternalError" } : undefined
  );
  const files = [0, 36, 39].flatMap((step) => stepFiles(BEFORE_50R1.run, step));
  await readRunIndex(BEFORE_50R1.run, files, {
    ...place.context,
    members: [0],
    parallelFiles: 1,
  });
  assertEquals(place.warnings.length, 1);
  assertMatch(
    place.warnings[0]!,
    /^2 of 3 steps cannot be read: 36-39; the first: Cannot read "s3:.*-36h-.*500 Internal/,
  );
});

Deno.test("readRunIndex() throws MissingDataError when no file of the run is there", async () => {
  await using place = await openWorkplace();
  const read = () => readAll(parseRun("20260101", "00"), [0], place);
  await assertRejects(read, MissingDataError, "20260101 00 UTC");
});
