import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import {
  AFTER_50R1,
  BEFORE_50R1,
  bucketKey,
  openWorkplace,
  readEmbeddedBucket,
} from "../../fixtures/embedded_run.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { parseRun } from "../ecmwf/run.ts";
import { IndexError } from "../index/entries.ts";
import { readStepIndex, type StepIndex } from "./step_index.ts";
import { StorageError } from "../storage/mod.ts";

const RUN = parseRun("20260206", "00");
const [FILE] = stepFiles(RUN, 36);
const FILE_LENGTH = 1000;

/** A line of the index of FILE: by default member 1's u at 700 hPa. */
function makeLine(change: Record<string, unknown>): string {
  const line = {
    domain: "g",
    date: "20260206",
    time: "0000",
    type: "pf",
    stream: "enfo",
    step: "36",
    levelist: "700",
    levtype: "pl",
    number: "1",
    param: "u",
    _offset: 0,
    _length: 100,
  };
  return JSON.stringify({ ...line, ...change });
}

/** What readStepIndex() makes of these lines beside a GRIB2 file of FILE_LENGTH bytes. */
async function readLines(lines: readonly string[]): Promise<StepIndex> {
  const bucket = new Map([
    [bucketKey(FILE!.url), new Uint8Array(FILE_LENGTH)],
    [bucketKey(FILE!.indexUrl), new TextEncoder().encode(lines.join("\n"))],
  ]);
  await using place = await openWorkplace(bucket);
  return await readStepIndex(place.context.storage, RUN, FILE!);
}

function listMembers({ fields }: StepIndex): number[] {
  return fields.map(({ field }) => field.member);
}

for (const { run, members } of [BEFORE_50R1, AFTER_50R1]) {
  Deno.test(`readStepIndex() gives every message of ${run.date}, for one GET and one HEAD a file`, async () => {
    await using place = await openWorkplace();
    const indexes = await Promise.all(
      stepFiles(run, 36).map((file) => readStepIndex(place.context.storage, run, file)),
    );
    const fields = indexes.flatMap((index) => index.fields);
    const expected = Array.from({ length: members }, (_, member) => [member, 27]);
    const byMember = Map.groupBy(fields, ({ field }) => field.member);
    assertEquals([...byMember].map(([it, list]) => [it, list.length]).sort(), expected);
    assertEquals(indexes.flatMap(({ problems }) => Object.values(problems).flat()), []);
    assertEquals(place.server.counters.byMethod, { GET: indexes.length, HEAD: indexes.length });
  });
}

Deno.test("readStepIndex() gives field and byte range of each message, in the order of the index", async () => {
  const { fields, file } = await readLines([
    makeLine({}),
    makeLine({ type: "cf", number: undefined, _offset: 100, _length: 50 }),
    makeLine({ levtype: "sol", levelist: "2", param: "vsw", _offset: 150 }),
    makeLine({ levtype: "sfc", levelist: undefined, param: "2t", _offset: 250 }),
  ]);
  const { url } = FILE!;
  const field = { stepHours: 36, param: "u", levtype: "pl", level: 700, member: 1 };
  assertEquals(file, FILE!);
  assertEquals(fields, [
    { field, reference: { url, offset: 0, length: 100 } },
    { field: { ...field, member: 0 }, reference: { url, offset: 100, length: 50 } },
    {
      field: { ...field, levtype: "sol", level: 2, param: "vsw" },
      reference: { url, offset: 150, length: 100 },
    },
    {
      field: { stepHours: 36, param: "2t", levtype: "sfc", member: 1 },
      reference: { url, offset: 250, length: 100 },
    },
  ]);
});

Deno.test("readStepIndex() skips lines of no member, such as ensemble means", async () => {
  const index = await readLines([
    makeLine({ type: "em", number: undefined }),
    makeLine({
      type: "fc",
      number: undefined,
      _offset: 100,
    }),
  ]);
  assertEquals(index.fields, []);
  assertEquals(index.problems, { dropped: [], doubtful: [] });
});

Deno.test("readStepIndex() drops and names lines that are listed twice or reach past the end", async () => {
  const index = await readLines([
    makeLine({}),
    makeLine({ _offset: 100 }),
    makeLine({ number: "2", _offset: 950 }),
    makeLine({ number: "3", _offset: 900 }),
  ]);
  assertEquals(listMembers(index), [1, 3]);
  assertEquals(index.fields[0]!.reference.offset, 0);
  assertEquals(index.problems.dropped, [
    "pf 1 u pl 700 step 36 is listed more than once",
    "pf 2 u pl 700 step 36 ends at byte 1050, the file at 1000",
  ]);
});

Deno.test("readStepIndex() names lines that overlap or are out of order as doubtful, and uses them", async () => {
  const index = await readLines([
    makeLine({ number: "2", _offset: 100 }),
    makeLine({ number: "1", _offset: 50 }),
  ]);
  assertEquals(listMembers(index), [2, 1]);
  assertEquals(index.problems.dropped, []);
  assertEquals(index.problems.doubtful.length, 2);
});

Deno.test("readStepIndex() drops lines of another day, hour or step", async () => {
  const index = await readLines([
    makeLine({ number: "1", date: "20260205" }),
    makeLine({ number: "2", time: "1200", _offset: 100 }),
    makeLine({ number: "3", step: "39", _offset: 200 }),
    makeLine({ number: "4", _offset: 300 }),
  ]);
  assertEquals(listMembers(index), [4]);
  assertEquals(index.problems.dropped, [
    "u is listed for 20260205 0000 step 36, not 20260206 00 UTC step 36",
    "u is listed for 20260206 1200 step 36, not 20260206 00 UTC step 36",
    "u is listed for 20260206 0000 step 39, not 20260206 00 UTC step 36",
  ]);
});

Deno.test("readStepIndex() names the index and the line that it cannot read", async () => {
  const error = await assertRejects(() => readLines([makeLine({}), "{"]), IndexError);
  assertEquals([error.source, error.line], [FILE!.indexUrl, 2]);
});

Deno.test("readStepIndex() has messages read from the version of the file that its index was read with", async () => {
  const bucket = await readEmbeddedBucket();
  await using place = await openWorkplace(bucket);
  const { storage } = place.context;
  const key = bucketKey(FILE!.url);
  await readStepIndex(storage, RUN, FILE!);
  const replaced = bucket.get(key)!.toReversed();
  bucket.set(key, replaced);
  const range = { offset: 0, length: 10 };
  const error = await assertRejects(() => storage.get(FILE!.url, range), StorageError);
  assertEquals(error.kind, "changed");
  await readStepIndex(storage, RUN, FILE!);
  assertEquals(await storage.get(FILE!.url, range), replaced.slice(0, 10));
});

Deno.test("readStepIndex() says which of the two files is missing", async () => {
  await using place = await openWorkplace();
  const [file] = stepFiles(RUN, 42);
  const error = await assertRejects(
    () => readStepIndex(place.context.storage, RUN, file!),
    StorageError,
  );
  assertEquals([error.kind, [file!.url, file!.indexUrl].includes(error.url)], ["missing", true]);
});
