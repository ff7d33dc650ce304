import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import {
  AFTER_50R1,
  BEFORE_50R1,
  bucketKey,
  openWorkplace,
  readEmbeddedBucket,
} from "../../fixtures/embedded_run.ts";
import { BUCKET, type StepFile, stepFiles } from "../ecmwf/files.ts";
import { parseRun } from "../ecmwf/run.ts";
import { IndexError } from "../index/entries.ts";
import { parseSources } from "../ecmwf/sources.ts";
import { type Fault, startS3Server } from "../../fixtures/s3_server.ts";
import { listLosses, readStepIndex, type StepIndex } from "./step_index.ts";
import { openStorage, StorageError } from "../storage/mod.ts";

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

/** What readStepIndex() makes of lines beside a GRIB2 file of a length, and what it asks for. */
async function readObjects({ lines, length, firstIndex }: {
  lines: readonly string[];
  length: number;
  /** The index as it comes the first time. @default {undefined} (as later) */
  firstIndex?: string;
}): Promise<{ index: StepIndex; asked: Record<string, number> }> {
  const text = lines.join("\n");
  const bucket = makeBucket(firstIndex ?? text, new Uint8Array(length));
  await using place = await openWorkplace(bucket);
  let indexes = 0;
  place.server.setFaults(({ key }) => {
    if (key.endsWith(".index") && ++indexes > 1) bucket.set(key, new TextEncoder().encode(text));
    return undefined;
  });
  const index = await readStepIndex(place.context.storage, RUN, FILE!);
  return { index, asked: { ...place.server.counters.bySuffix } };
}

function listMembers({ fields }: StepIndex): number[] {
  return fields.map(({ field }) => field.member);
}

/** Messages of the control and of another member; the oper file has z as well. */
const MESSAGE_COUNTS = [[BEFORE_50R1, 160, 160], [AFTER_50R1, 184, 170]] as const;

for (const [{ run, members }, ofControl, ofOther] of MESSAGE_COUNTS) {
  Deno.test(`readStepIndex() gives every message of ${run.date}, for one GET and one HEAD a file`, async () => {
    await using place = await openWorkplace();
    const indexes = await Promise.all(
      stepFiles(run, 36).map((file) => readStepIndex(place.context.storage, run, file)),
    );
    const fields = indexes.flatMap((index) => index.fields);
    const expected = Array.from(
      { length: members },
      (_, member) => [member, member === 0 ? ofControl : ofOther],
    );
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

Deno.test("readStepIndex() loses only the lines that it cannot read, after asking again, and names them", async () => {
  const { index, asked } = await readObjects({
    lines: [makeLine({}), "{", makeLine({ number: "2", _offset: 100, levelist: "abc" })],
    length: 300,
  });
  assertEquals(listMembers(index), [1]);
  assertEquals(listLosses(index), [
    "line 2: it is not JSON",
    'line 3: "levelist" is "abc", expected a level or nothing',
  ]);
  assertEquals(asked, { index: 3, grib2: 1 });
});

Deno.test("readStepIndex() uses what comes whole when it asks for a cut index again", async () => {
  const lines = [makeLine({}), makeLine({ number: "2", _offset: 100 })];
  const text = lines.join("\n");
  const cuts = [text.slice(0, -20), "", lines[0]!, "<html>SlowDown</html>"];
  for (const cut of cuts) {
    const { index, asked } = await readObjects({ lines, length: 200, firstIndex: cut });
    assertEquals(listMembers(index), [1, 2], cut);
    assertEquals(listLosses(index), [], cut);
    assertEquals(asked, { index: 2, grib2: 1 }, cut);
  }
});

Deno.test("readStepIndex() names an index of which no line can be read, and the first line", async () => {
  const read = (text: string) => readObjects({ lines: [text], length: 100 });
  for (const text of ["{", "[]\n{}"]) {
    const error = await assertRejects(() => read(text), IndexError, "line 1 of s3://");
    assertEquals([error.source, error.line], [FILE!.indexUrl, 1]);
  }
  await assertRejects(() => read(""), StorageError, "the index is empty");
  await assertRejects(() => read("<html></html>"), StorageError, "a page instead of the index");
});

Deno.test("readStepIndex() says how much of the file no line lists", async () => {
  const { index, asked } = await readObjects({ lines: [makeLine({ _offset: 50 })], length: 200 });
  assertEquals(listMembers(index), [1]);
  assertEquals(listLosses(index), ["no line lists 100 of the file's 200 bytes"]);
  assertEquals(asked, { index: 4, grib2: 1 });
});

Deno.test("readStepIndex() uses the lines that came first when asking again brings none", async () => {
  const key = bucketKey(FILE!.indexUrl);
  const bucket = new Map([
    [bucketKey(FILE!.url), new Uint8Array(2 * FILE_LENGTH)],
    [key, encoder.encode(WHOLE_LINE)],
  ]);
  const answers: Fault[] = [
    { kind: "status", status: 500, code: "InternalError" },
    { kind: "status", status: 403, code: "AccessDenied" },
    { kind: "status", status: 404, code: "NoSuchKey" },
  ];
  for (const fault of answers) {
    await using place = await openWorkplace(bucket);
    let asked = 0;
    place.server.setFaults((it) => it.key === key && ++asked > 1 ? fault : undefined);
    const index = await readStepIndex(place.context.storage, RUN, FILE!);
    assertEquals(index.fields.length, 1);
    assertEquals(listLosses(index).length, 1);
  }
});

Deno.test("readStepIndex() has ours of the lines that list the same field", async () => {
  const foreign = { _offset: 100 };
  const changes: [name: string, other: Record<string, unknown>][] = [
    ["class", { class: "rd" }],
    ["stream", { stream: "waef" }],
    ["expver", { expver: "0078" }],
    ["the same message", { _offset: 0, number: 1 }],
  ];
  for (const [name, change] of changes) {
    const lines = [makeLine({ ...foreign, ...change }), makeLine({ expver: 1, class: "od" })];
    const { index } = await readObjects({ lines, length: name === "the same message" ? 100 : 200 });
    assertEquals(index.fields.map(({ reference }) => reference.offset), [0], name);
    assertEquals([listLosses(index), index.problems.doubtful.length === 0], [[], true], name);
  }
  const wrong: Record<string, unknown>[] = [
    { date: "20260205" },
    { time: "1200" },
    { _offset: 1000 },
  ];
  for (const change of wrong) {
    const lines = [makeLine({ ...foreign, ...change }), makeLine({})];
    const { index } = await readObjects({ lines, length: 200 });
    assertEquals(index.fields.map(({ reference }) => reference.offset), [0]);
    assertEquals(index.problems.dropped.length, 1);
  }
});

Deno.test("readStepIndex() has lines of class ai for AIFS-ENS and no others, and none of them for the IFS", async () => {
  const aifs = parseRun("20260206", "00", "aifs-ens");
  const [, perturbed] = stepFiles(aifs, 36) as [StepFile, StepFile];
  const labels: Record<string, unknown>[] = [
    { class: "ai", model: "aifs-ens" },
    { class: "ai", model: "aifs-single" },
    { class: "ai" },
    { class: "od" },
    { model: "ifs" },
    {},
  ];
  const lines = labels.map((change, i) =>
    makeLine({ ...change, number: `${i + 1}`, _offset: 100 * i })
  );
  for (
    const [run, file, members] of [[aifs, perturbed, [1, 3, 6]], [RUN, FILE!, [4, 5, 6]]] as const
  ) {
    const bucket = new Map([
      [bucketKey(file.url), new Uint8Array(600)],
      [bucketKey(file.indexUrl), new TextEncoder().encode(lines.join("\n"))],
    ]);
    await using place = await openWorkplace(bucket);
    const index = await readStepIndex(place.context.storage, run, file);
    assertEquals(listMembers(index), [...members]);
    assertEquals(listLosses(index), []);
  }
});

Deno.test("readStepIndex() says that an index is of other data altogether", async () => {
  for (const [model, named] of [[{}, ""], [{ model: "aifs-ens" }, " model aifs-ens"]] as const) {
    const lines = [makeLine({ class: "ai", expver: "0001", ...model })];
    const { index } = await readObjects({ lines, length: 100 });
    assertEquals(index.fields, []);
    assertEquals(listLosses(index), [
      `all lines are of other data, such as class ai stream enfo expver 0001${named}`,
    ]);
  }
});

const WHOLE = [makeLine({}), makeLine({ number: "2", _offset: 100 })];

/** What may be wrong with a file at the first source: its index, and the length of its GRIB2 file. */
const INCOMPLETE: [name: string, index: string | undefined, length: number | undefined][] = [
  ["index is cut", WHOLE.join("\n").slice(0, -10), 200],
  ["index is empty", "", 200],
  ["index lacks a line", WHOLE[0]!, 200],
  ["index has a malformed line", `${WHOLE[0]}\n{}`, 200],
  ["index is a page", "<html></html>", 200],
  ["index is missing", undefined, 200],
  ["GRIB2 file is short", WHOLE.join("\n"), 150],
  ["GRIB2 file is empty", WHOLE.join("\n"), 0],
  ["GRIB2 file is missing", WHOLE.join("\n"), undefined],
];

for (const [name, index, length] of INCOMPLETE) {
  Deno.test(`readStepIndex() has the whole file of the second source where the first one's ${name}`, async () => {
    const grib = Uint8Array.from({ length: 200 }, (_, i) => i);
    await using first = await openWorkplace(makeBucket(index, length && grib.slice(0, length)));
    await using second = await openWorkplace(makeBucket(WHOLE.join("\n"), grib));
    const storage = openStorage({
      endpoint: first.server.url,
      mirrors: parseSources(`aws,${second.server.url}/${BUCKET}`),
      minDelayMs: 1,
      maxDelayMs: 2,
    });
    const step = await readStepIndex(storage, RUN, FILE!);
    assertEquals(listMembers(step), [1, 2]);
    assertEquals(listLosses(step), []);
    for (const { reference } of step.fields) {
      const { offset } = reference;
      assertEquals(await storage.get(FILE!.url, reference), grib.slice(offset, offset + 100));
    }
  });
}

/** A bucket with FILE; `undefined` leaves one of its two objects out. */
function makeBucket(
  index: string | undefined,
  grib: Uint8Array<ArrayBuffer> | number | undefined,
): Map<string, Uint8Array<ArrayBuffer>> {
  const bucket = new Map<string, Uint8Array<ArrayBuffer>>();
  if (index !== undefined) bucket.set(bucketKey(FILE!.indexUrl), new TextEncoder().encode(index));
  if (grib !== undefined) {
    bucket.set(bucketKey(FILE!.url), grib instanceof Uint8Array ? grib : new Uint8Array());
  }
  return bucket;
}

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

const encoder = new TextEncoder();
/** Of a message that fills the file. */
const WHOLE_LINE = makeLine({ _length: FILE_LENGTH });
const NO_INDEXES: [name: string, body: string, words: string][] = [
  ["nothing", "", "the index is empty"],
  ["blank lines", "\n \r\n\n", "the index is empty"],
  [
    "the XML of an error",
    '<?xml version="1.0"?><Error><Code>SlowDown</Code></Error>',
    'the server sent its error "SlowDown" instead of the index',
  ],
  ["XML cut in the middle", "<?xml versi", "the server sent a page instead of the index"],
  ["a page", "\ufeff\n<html><hr></html>", "the server sent a page instead of the index"],
  [
    "an error in JSON",
    '{"message":"Limit Exceeded"}\n',
    'the server sent {"message":"Limit Exceeded"} instead of the index',
  ],
  [
    "an error in JSON on several lines, with a field that an index has",
    '{\n  "error": {\n    "code": 429,\n    "param": null\n  }\n}',
    'the server sent {"error":{"code":429,"param":null}} instead of the index',
  ],
  [
    "a list of errors in JSON",
    `[\n${"  {},\n".repeat(20)}  {}\n]`,
    "the server sent [{},{},{},{},{},{},{},{},{},{},{},{},{},… instead of the index",
  ],
  ["a word of JSON", "null", "the server sent null instead of the index"],
  [
    "text",
    "upstream connect error or disconnect/reset before headers\n503\n{",
    'the server sent "upstream connect error or disconnect/re… instead of the index',
  ],
];

for (const [name, body, words] of NO_INDEXES) {
  Deno.test(`readStepIndex() asks again for an index that is ${name}, three times in all`, async () => {
    const indexKey = bucketKey(FILE!.indexUrl);
    const bucket = new Map([
      [bucketKey(FILE!.url), new Uint8Array(FILE_LENGTH)],
      [indexKey, encoder.encode(body)],
    ]);
    await using place = await openWorkplace(bucket);
    const { context: { storage }, server } = place;
    const read = () => readStepIndex(storage, RUN, FILE!);
    const error = await assertRejects(read, StorageError, `"${FILE!.indexUrl}": ${words} (gave up`);
    assertEquals([error.kind, error.category, server.counters.bySuffix.index], [
      "corrupt",
      "unreachable",
      3,
    ]);
    let asked = 0;
    server.setFaults(({ key }) => {
      if (key === indexKey && ++asked === 2) bucket.set(key, encoder.encode(WHOLE_LINE));
      return undefined;
    });
    assertEquals([(await read()).fields.length, asked], [1, 2]);
  });
}

Deno.test("readStepIndex() reads from the next source what is no index at the first", async () => {
  const key = bucketKey(FILE!.indexUrl);
  const start = (index: string) =>
    startS3Server({
      root: new Map([
        [bucketKey(FILE!.url), new Uint8Array(FILE_LENGTH)],
        [key, encoder.encode(index)],
      ]),
    });
  await using first = start("<html>");
  await using second = start(WHOLE_LINE);
  const mirrors = [first, second].map(({ url }, i) => ({
    name: `mirror ${i}`,
    locate: (address: string) => `${url}/${bucketKey(address)}`,
  }));
  const { fields } = await readStepIndex(openStorage({ mirrors }), RUN, FILE!);
  assertEquals(fields.length, 1);
  assertEquals([first, second].map(({ counters }) => counters.byMethod), [{ GET: 1, HEAD: 1 }, {
    GET: 1,
  }]);
});
