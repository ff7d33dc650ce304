import { assert, assertEquals, assertLess, assertRejects } from "jsr:@std/assert@^1.0.0";
import { HEADERS_RUN, HEADERS_STEP, writeHeaders } from "../../fixtures/full_run.ts";
import {
  AFTER_50R1,
  BEFORE_50R1,
  bucketKey,
  openWorkplace,
  readEmbeddedBucket,
} from "../../fixtures/embedded_run.ts";
import { replaceFile, reverseMessages } from "../../fixtures/file_versions.ts";
import { MissingDataError } from "../errors.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { firstMembers } from "../ecmwf/members.ts";
import { parseFields } from "../grib/mod.ts";
import { isReference, type Store } from "../references/store.ts";
import { type IndexedField, readStepIndex } from "../references/step_index.ts";
import { scanIndexed } from "./scan_indexed.ts";
import { scanRun } from "./scan_run.ts";
import { type FileScan, INLINE_BYTES } from "./scanned_message.ts";

const { run, members } = BEFORE_50R1;
const WANTED = { run, hours: [0, 36], members: firstMembers(members) };

/** The enfo files of a step in the bucket. */
function keysOf(stepHours: number, of = run) {
  const { url, indexUrl } = stepFiles(of, stepHours)[0]!;
  return { grib: bucketKey(url), index: bucketKey(indexUrl) };
}

/** References and inline messages of a store, with the bytes to which they lead. */
function readMessages(
  store: Store,
  bucket: ReadonlyMap<string, Uint8Array>,
): Map<string, Uint8Array> {
  const messages = new Map<string, Uint8Array>();
  for (const [key, value] of store) {
    if (!isReference(value)) continue;
    const { url, offset, length } = value;
    messages.set(key, bucket.get(bucketKey(url))!.subarray(offset, offset + length));
  }
  return messages;
}

Deno.test("a scan of 8,160 messages at 0.25° costs few requests and hardly any bytes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const fileBytes = await writeHeaders(folder);
    await using place = await openWorkplace(folder);
    const options = { run: HEADERS_RUN, hours: [HEADERS_STEP], members: firstMembers(51) };
    const { stores, messages, complete } = await scanRun(options, place.context);
    assertEquals([messages.length, stores.size, complete], [8160, 51, true], place.warnings[0]);
    const ranged = place.server.requests.filter(({ range }) => range !== undefined);
    const gribBytes = ranged.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
    assertLess(place.server.requests.length, 600);
    assertLess(place.server.counters.bytesSent, fileBytes / 100);
    // Beside the 150 headers of long messages, only whole short ones.
    assertLess(gribBytes, 150 * 300 + 510 * 300 + 512 * ranged.length);
    const { grid } = messages[0]!.field;
    assertEquals([grid.columnCount, grid.rowCount], [1440, 721]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the references of scanned stores lead to the messages of their group, step and member", async () => {
  const bucket = await readEmbeddedBucket();
  await using place = await openWorkplace(bucket);
  const { stores } = await scanRun(WANTED, place.context);
  assertEquals([...stores.keys()], [0, 1, 2, 3]);
  for (const [member, store] of stores) {
    const found = readMessages(store, bucket);
    const [field] = parseFields(found.get("u/instant/isobaricInhPa/u/0.1.9.0.0")!);
    const { perturbationNumber, level, stepRange } = field!.product;
    assertEquals([perturbationNumber, level.value, stepRange.endHours], [member, 70_000, 36]);
  }
});

Deno.test("without an index a scan finds the same, and reads short messages together", async () => {
  const bucket = await readEmbeddedBucket();
  await using place = await openWorkplace(bucket);
  const expected = await scanRun(WANTED, place.context);
  for (const hour of WANTED.hours) bucket.delete(keysOf(hour).index);
  const before = place.server.requests.length;
  const found = await scanRun(WANTED, place.context);
  const byOffset = (store: Store) => [...store].sort(([a], [b]) => a < b ? -1 : 1);
  for (const [member, store] of expected.stores) {
    assertEquals(byOffset(found.stores.get(member)!), byOffset(store));
  }
  const walked = place.server.requests.slice(before).filter(({ key }) => key.endsWith(".grib2"));
  assertLess(walked.length, found.messages.length / 4);
  assertEquals(place.warnings.length, 2);
});

Deno.test("without an index long messages are not fetched beyond their headers", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const fields = ["2t", "sp"].map((param) => ({ param, levtype: "sfc" as const }));
    await writeHeaders(folder, fields);
    await Deno.remove(`${folder}/${keysOf(HEADERS_STEP, HEADERS_RUN).index}`);
    await using place = await openWorkplace(folder);
    const options = { run: HEADERS_RUN, hours: [HEADERS_STEP], members: [0] };
    const { messages } = await scanRun(options, place.context);
    assertEquals(messages.length, fields.length);
    const { byMethod, bySuffix } = place.server.counters;
    assertEquals(byMethod.GET, 2 * 51 + 1);
    assertEquals(bySuffix.grib2, byMethod.GET! - 1 + 2);
    const ranged = place.server.requests.filter(({ range }) => range !== undefined);
    assertEquals(new Set(ranged.map(({ bytesSent }) => bytesSent)), new Set([300]));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("from cycle 50r1 on the control is scanned in the oper file", async () => {
  await using place = await openWorkplace();
  const wanted = { run: AFTER_50R1.run, hours: [36], members: firstMembers(3) };
  const { messages, complete } = await scanRun(wanted, place.context);
  assert(complete, place.warnings[0]);
  const types = messages.map(({ member, dataType, reference }) =>
    `${member} ${dataType} ${reference.url.includes("/oper/") ? "oper" : "enfo"}`
  );
  assertEquals([...new Set(types)].sort(), ["0 fc oper", "1 pf enfo", "2 pf enfo"]);
});

/** Scans step 36 with an index of which a line is changed, and returns the warnings. */
async function scanWithChange(change: (lines: Record<string, unknown>[]) => void) {
  const bucket = await readEmbeddedBucket();
  const { index } = keysOf(36);
  const text = new TextDecoder().decode(bucket.get(index)!);
  const lines = text.trim().split("\n").map((line) => JSON.parse(line));
  const count = lines.length;
  change(lines);
  bucket.set(index, new TextEncoder().encode(lines.map((it) => JSON.stringify(it)).join("\n")));
  await using place = await openWorkplace(bucket);
  const { messages, complete } = await scanRun({ ...WANTED, hours: [36] }, place.context);
  return { left: count - messages.length, complete, warnings: place.warnings };
}

/** The first line of a field in the index, whose header is read. */
const firstOf = (lines: Record<string, unknown>[], param: string) =>
  lines.find((line) => line.param === param)!;

const CHANGES = [
  {
    name: "length",
    change: (line: Record<string, unknown>) => line._length = Number(line._length) - 1,
  },
  {
    name: "offset",
    change: (line: Record<string, unknown>) => line._offset = Number(line._offset) + 1,
    says: "check the offset",
  },
  {
    name: "parameter",
    change: (line: Record<string, unknown>) => line.param = "lcc",
    says: "its parameter is 2t, the index says lcc",
  },
];

for (const { name, change, says = "its length is" } of CHANGES) {
  Deno.test(`scanRun() warns of a line of the index with another ${name}, and leaves its message out`, async () => {
    const { left, complete, warnings } = await scanWithChange((lines) =>
      change(firstOf(lines, "2t"))
    );
    assertEquals([left, complete], [1, false]);
    assert(warnings.some((line) => line.includes(says)), warnings.join("\n"));
  });
}

Deno.test("scanRun() accepts another name of the same code, and names that it does not know", async () => {
  for (const param of ["mx2t", "t", "foo"]) {
    const { left, warnings } = await scanWithChange((lines) => firstOf(lines, "2t").param = param);
    assertEquals([left, warnings], [0, []], param);
  }
});

Deno.test("scanRun() names every field in which a line differs from its message", async () => {
  const { warnings } = await scanWithChange((lines) => {
    const line = firstOf(lines, "t");
    Object.assign(line, { levelist: String(Number(line.levelist) + 1), _length: 310 });
  });
  const text = warnings.join("\n");
  for (const part of ["its length is", "the index says 310", "its level is"]) {
    assert(text.includes(part), text);
  }
});

Deno.test("scanRun() gives up a field of which three messages are not what the index says", async () => {
  const { left, complete, warnings } = await scanWithChange((lines) => {
    for (const line of lines) if (line.param === "2t") line.param = "lcc";
  });
  assertEquals([left, complete], [members, false]);
  assertEquals(warnings.filter((line) => line.includes("the index says lcc")).length, 3);
  assert(warnings.some((line) => line.endsWith("lcc sfc: given up")), warnings.join("\n"));
});

Deno.test("scanIndexed() leaves short messages references when no requests are left for them", async () => {
  await using place = await openWorkplace();
  const { storage } = place.context;
  const { fields } = await readStepIndex(storage, run, stepFiles(run, 0)[0]!);
  const all = await scanIndexed(storage, run, fields);
  const before = place.server.requests.length;
  const few = await scanIndexed(storage, run, fields, 1);
  const requests = place.server.requests.length - before;
  const names = new Set(fields.map(({ field }) => `${field.param} ${field.level}`));
  assert(requests <= names.size);
  assertEquals([all.notInlined, few.problems], [0, []]);
  assert(few.notInlined > 0);
  const references = (scan: FileScan) => scan.messages.map(({ reference }) => reference);
  assertEquals(references(few), references(all));
  assertEquals(
    few.messages.filter(({ bytes }) => bytes).length + few.notInlined,
    countShort(fields),
  );
});

function countShort(fields: readonly IndexedField[]): number {
  return fields.filter(({ reference }) => reference.length < INLINE_BYTES).length;
}

Deno.test("scanRun() warns of a file without index that ends inside a message", async () => {
  const bucket = await readEmbeddedBucket();
  const { index, grib } = keysOf(36);
  bucket.delete(index);
  bucket.set(grib, bucket.get(grib)!.slice(0, -100));
  await using place = await openWorkplace(bucket);
  const { complete } = await scanRun({ ...WANTED, hours: [36] }, place.context);
  assert(!complete);
  assert(place.warnings.some((line) => line.includes("the file ends after")));
});

for (const withIndex of [true, false]) {
  const name = `${withIndex ? "with" : "without"} an index`;
  Deno.test(`a file replaced while it is scanned ${name} is scanned again, and never mixed`, async () => {
    const bucket = await readEmbeddedBucket();
    const file = stepFiles(run, 36)[0]!;
    const other = new Map(reverseMessages(bucket, file));
    if (!withIndex) {
      bucket.delete(bucketKey(file.indexUrl));
      other.delete(bucketKey(file.indexUrl));
    }
    await using place = await openWorkplace(bucket);
    let ranged = 0;
    place.server.setFaults(({ range }) => {
      if (range !== undefined && ++ranged === 3) replaceFile(bucket, other);
      return undefined;
    });
    const { stores, complete } = await scanRun({ ...WANTED, hours: [36] }, place.context);
    assert(complete);
    assertEquals(place.warnings.filter((it) => it.endsWith("scanning it again")).length, 1);
    for (const [member, store] of stores) {
      for (const message of readMessages(store, bucket).values()) {
        assertEquals(parseFields(message)[0]!.product.perturbationNumber, member);
      }
    }
  });
}

Deno.test("without an index messages of another step are named and left out", async () => {
  const bucket = await readEmbeddedBucket();
  bucket.delete(keysOf(36).index);
  bucket.set(keysOf(36).grib, bucket.get(keysOf(39).grib)!);
  await using place = await openWorkplace(bucket);
  const { messages, complete } = await scanRun({ ...WANTED, hours: [36] }, place.context);
  assertEquals([messages, complete], [[], false]);
  const says = "it is of 2026-02-06T00:00:00.000Z step 39, not 20260206 00 UTC step 36";
  assert(place.warnings[1]!.endsWith(says), place.warnings[1]);
});

Deno.test("scanRun() loses to a malformed line one message, and reads a file whose index is none without it", async () => {
  const { index } = keysOf(36);
  const bucket = await readEmbeddedBucket();
  const text = new TextDecoder().decode(bucket.get(index)!);
  const count = text.trim().split("\n").length;
  for (
    const [bad, lost, says] of [
      [text.slice(1), 1, "line 1: it is not JSON"],
      ["{}\n", 0, "message by message"],
      ["<html></html>", 0, "message by message"],
    ] as const
  ) {
    bucket.set(index, new TextEncoder().encode(bad));
    await using place = await openWorkplace(bucket);
    const { messages, complete } = await scanRun({ ...WANTED, hours: [36] }, place.context);
    assertEquals([messages.length, complete], [count - lost, lost === 0]);
    assert(place.warnings.some((line) => line.includes(says)), place.warnings.join("\n"));
  }
});

Deno.test("scanRun() names a step that is not there", async () => {
  await using place = await openWorkplace();
  const absent = { ...WANTED, hours: [0, 72] };
  await assertRejects(
    () => scanRun(absent, place.context),
    MissingDataError,
    "Cannot scan step 72",
  );
});

Deno.test("scanRun() stores short messages inline and refers to the others", async () => {
  const bucket = await readEmbeddedBucket();
  await using place = await openWorkplace(bucket);
  const { messages, stores } = await scanRun({ ...WANTED, hours: [0] }, place.context);
  const short = messages.filter(({ reference }) => reference.length < INLINE_BYTES);
  assert(short.length > 0 && short.length < messages.length);
  for (const { bytes, reference } of messages) {
    const { url, offset, length } = reference;
    const own = bucket.get(bucketKey(url))!.slice(offset, offset + length);
    assertEquals(bytes, length < INLINE_BYTES ? own : undefined);
  }
  const key = "lsm/instant/surface/lsm/0.0.0.0";
  assert(!isReference(stores.get(0)!.get(key)!));
});
