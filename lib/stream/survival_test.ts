import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@^1.0.0";
import {
  BEFORE_50R1,
  openWorkplace,
  planRun,
  readEmbeddedBucket,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import {
  type FileVersion,
  raiseValues,
  replaceFile,
  reverseMessages,
} from "../../fixtures/file_versions.ts";
import type { FaultRule } from "../../fixtures/s3_server.ts";
import { listNames } from "../../fixtures/folder.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { describeFindings } from "../ensemble/field_result.ts";
import { GIK } from "../output/profile.ts";
import { openStorage, StorageError } from "../storage/mod.ts";
import { workFolderOf } from "../checkpoint/work_folder.ts";
import { openImplausiblePlace, streamOptions, writeFinalStores } from "./final_stores_fixture.ts";
import type { StreamOptions } from "./stream_options.ts";
import { runStream } from "./run_stream.ts";

const { run } = BEFORE_50R1;
const [FILE] = stepFiles(run, 36);
const DOWN = { kind: "status", status: 500, code: "Down" } as const;

/** Four fields of one step, read message by message. */
function stepOptions({ folder }: Workplace): StreamOptions {
  return {
    ...streamOptions(folder, ["tp", "t2m", "sp", "u700"]),
    steps: [36],
    parallelFetches: 1,
  };
}

/** Streams as a new process, and gives the bytes of the output. */
async function stream({ server, context }: Workplace, options: StreamOptions) {
  const storage = openStorage({ endpoint: server.url, giveUpAfterMs: 0, minDelayMs: 1 });
  const { path, ...result } = await runStream(options, { ...context, storage });
  return { ...result, bytes: await Deno.readFile(path) };
}

/** Streams until the server goes away, after so many answers. */
async function streamUntilDown(place: Workplace, options: StreamOptions, answers: number) {
  let left = answers;
  const rule: FaultRule = () => left-- > 0 ? undefined : DOWN;
  place.server.setFaults(rule);
  await assertRejects(() => stream(place, options), StorageError, "500");
  place.server.setFaults(undefined);
}

const CHANGES: [how: string, change: typeof raiseValues][] = [
  ["moved", reverseMessages],
  ["changed", raiseValues],
];

for (const [how, change] of CHANGES) {
  Deno.test(`a file whose messages are ${how} after a crash is told, and all of its step is read again`, async () => {
    const bucket = await readEmbeddedBucket();
    await using place = await openWorkplace(bucket);
    await writeFinalStores(place);
    const options = stepOptions(place);
    await streamUntilDown(place, options, 12);
    replaceFile(bucket, change(bucket, FILE!));
    const resumed = await stream(place, options);
    assertMatch(place.warnings[0]!, /^\d of 4 fields are saved in /);
    assertMatch(
      place.warnings[1]!,
      /^step 36 was replaced on the server: re-reading \d fields saved earlier$/,
    );
    assertEquals([resumed.complete, resumed.fieldsResumed], [true, 0]);
    const anew = await stream(place, { ...options, outputDir: `${place.folder}/anew` });
    assertEquals(resumed.bytes, anew.bytes);
  });

  Deno.test(`a file whose messages are ${how} just when a command goes on is not mixed in`, async () => {
    const bucket = await readEmbeddedBucket();
    await using place = await openWorkplace(bucket);
    await writeFinalStores(place);
    const options = stepOptions(place);
    await streamUntilDown(place, options, 12);
    const version: FileVersion = change(bucket, FILE!);
    let heads = 0;
    place.server.setFaults(({ method, range }) => {
      if (method === "HEAD") heads++;
      // The second message after the version was asked for.
      if (range && heads++ === 2) replaceFile(bucket, version);
      return undefined;
    });
    const resumed = await stream(place, options);
    place.server.setFaults(undefined);
    assert(resumed.complete && resumed.fieldsResumed > 0);
    assertEquals(place.warnings.slice(1, 2), [
      "step 36 was replaced on the server while it was read: re-reading it from its index",
    ]);
    assertMatch(place.warnings[2]!, /^step 36 was replaced on the server: re-reading \d fields/);
    const anew = await stream(place, { ...options, outputDir: `${place.folder}/anew` });
    assertEquals(resumed.bytes, anew.bytes);
  });
}

Deno.test("a command goes on in a step whose references do not fit, without reading fields twice", async () => {
  const bucket = await readEmbeddedBucket();
  await using place = await openWorkplace(bucket);
  const { server } = place;
  await writeFinalStores(place);
  const options = stepOptions(place);
  replaceFile(bucket, reverseMessages(bucket, FILE!));
  let isIndexed = false;
  let left = 9;
  // Some fields are read from the index before the server goes away.
  server.setFaults(({ key, range }) => {
    if (key.endsWith(".index")) isIndexed = true;
    return isIndexed && range && left-- <= 0 ? DOWN : undefined;
  });
  await assertRejects(() => stream(place, options), StorageError, "500");
  server.setFaults(undefined);
  const resumed = await stream(place, options);
  assert(resumed.fieldsResumed > 0);
  assert(resumed.complete);
  const anew = await stream(place, { ...options, outputDir: `${place.folder}/anew` });
  assertEquals(resumed.bytes, anew.bytes);
});

Deno.test("what was read again without implausible messages is kept, too", async () => {
  await using place = await openImplausiblePlace();
  const { server } = place;
  const options = {
    ...streamOptions(place.folder, ["tp", "t2m"]),
    dropImplausible: true,
    parallelFetches: 1,
  };
  // 16 messages, then 2 of tp at step 39 and 3 of t2m at step 36, one of which is lacking.
  await streamUntilDown(place, options, 20);
  const before = server.requests.length;
  const resumed = await stream(place, options);
  assertEquals(describeFindings(resumed.fields), []);
  assertEquals([resumed.messagesUsed, resumed.fieldsResumed], [13, 4]);
  assert([2, 3].includes(server.requests.length - before), `${server.requests.length - before}`);
  const anew = await stream(place, { ...options, outputDir: `${place.folder}/anew` });
  assertEquals(resumed.bytes, anew.bytes);
});

Deno.test("a file that is replaced before implausible messages are left out is read again wholly", async () => {
  const bucket = await readEmbeddedBucket();
  await using place = await openImplausiblePlace(bucket);
  const options = {
    ...streamOptions(place.folder, ["tp", "t2m"]),
    dropImplausible: true,
    parallelFetches: 1,
  };
  await streamUntilDown(place, options, 16);
  // Everything else is kept, as are the places of the messages.
  replaceFile(bucket, raiseValues(bucket, FILE!));
  const resumed = await stream(place, options);
  assertEquals(resumed.fieldsResumed, 4);
  assertEquals(place.warnings.slice(1), [
    "step 36 was replaced on the server: re-reading 2 fields saved earlier",
  ]);
  const anew = await stream(place, { ...options, outputDir: `${place.folder}/anew` });
  assertEquals(resumed.bytes, anew.bytes);
});

Deno.test("what was read without implausible messages of an older file is read again with its step", async () => {
  const bucket = await readEmbeddedBucket();
  // At step 39 it is too small beside step 36, whatever is added to both.
  await using place = await openImplausiblePlace(bucket, [[3, "step_036/tp", 2e6]]);
  const options = { ...streamOptions(place.folder, ["tp", "sp"]), dropImplausible: true };
  const output = `${options.outputDir}/${GIK.fileName(run)}`;
  // Everything is there, but the output cannot be written.
  await Deno.mkdir(output, { recursive: true });
  await assertRejects(() => stream(place, options), StorageError, "Cannot write");
  const work = workFolderOf(output);
  const names = await listNames(work);
  assertEquals(names.length, 5);
  await Deno.remove(`${work}/${names.find((name) => name.startsWith("sp_39h_"))}`);
  await Deno.remove(output);
  replaceFile(bucket, raiseValues(bucket, stepFiles(run, 39)[0]!));
  const resumed = await stream(place, options);
  assertEquals([resumed.messagesUsed, resumed.fieldsResumed], [15, 2]);
  const anew = await stream(place, { ...options, outputDir: `${place.folder}/anew` });
  assertEquals(resumed.bytes, anew.bytes);
});

Deno.test("what a killed command left half written beside the output goes with the next output", async () => {
  await using place = await openWorkplace();
  await writeFinalStores(place);
  const options = stepOptions(place);
  const { bytes } = await stream(place, options);
  const [name] = await listNames(options.outputDir);
  const half = (of: string) => `${options.outputDir}/.${of}.${crypto.randomUUID()}.part`;
  const ofAnother = half(`${name}.json`);
  for (const path of [half(name!), half(name!), ofAnother]) {
    await Deno.writeFile(path, bytes.subarray(0, 1000));
  }
  assertEquals((await stream(place, options)).bytes, bytes);
  assertEquals(await listNames(options.outputDir), [ofAnother.split("/").at(-1), name]);
});

for (const membersPerBatch of [1, 3]) {
  Deno.test(`with ${membersPerBatch} members a batch no more bytes are under way than these have`, async () => {
    await using place = await openWorkplace();
    const { server, context } = place;
    await writeFinalStores(place);
    const given = streamOptions(place.folder, ["t2m"]);
    const expected = await stream(place, { ...given, outputDir: `${place.folder}/expected` });
    const plan = await planRun(BEFORE_50R1, context.storage, given.variables!);
    const lengths = plan.flatMap(({ messages }) => messages.map((it) => it.reference.length));
    const answered = server.requests.length;
    let asked = 0;
    let most = 0;
    server.setFaults(({ range }) => {
      const [first, last] = range!.slice("bytes=".length).split("-").map(Number);
      asked += last! - first! + 1;
      const sent = server.requests.slice(answered).reduce((sum, it) => sum + it.bytesSent, 0);
      most = Math.max(most, asked - sent);
      return { kind: "delay", ms: 5 };
    });
    const { policy: _, ...options } = given;
    const { bytes } = await stream(place, { ...options, membersPerBatch, parallelFetches: 64 });
    assertEquals(bytes, expected.bytes);
    assert(most > 0 && most <= membersPerBatch * Math.max(...lengths), `${most}`);
  });
}
