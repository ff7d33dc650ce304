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
import {
  openImplausibleWorkplace,
  streamOptions,
  writeFinalStores,
} from "./final_stores_fixture.ts";
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

/** Streams like a new process, and gives the bytes of the output. */
async function stream({ server, context }: Workplace, options: StreamOptions) {
  const storage = openStorage({ endpoint: server.url, giveUpAfterMs: 0, minDelayMs: 1 });
  const { path, ...result } = await runStream(options, { ...context, storage });
  return { ...result, bytes: await Deno.readFile(path) };
}

/** Streams until the server fails, after a number of answers. */
async function streamUntilDown(workplace: Workplace, options: StreamOptions, answers: number) {
  let left = answers;
  const rule: FaultRule = () => left-- > 0 ? undefined : DOWN;
  workplace.server.setFaults(rule);
  await assertRejects(() => stream(workplace, options), StorageError, "500");
  workplace.server.setFaults(undefined);
}

const CHANGES: [how: string, change: typeof raiseValues][] = [
  ["moved", reverseMessages],
  ["changed", raiseValues],
];

for (const [how, change] of CHANGES) {
  Deno.test(`after a crash, a file whose messages are ${how} is read again with all of its step`, async () => {
    const bucket = await readEmbeddedBucket();
    await using workplace = await openWorkplace(bucket);
    await writeFinalStores(workplace);
    const options = stepOptions(workplace);
    await streamUntilDown(workplace, options, 12);
    replaceFile(bucket, change(bucket, FILE!));
    const resumed = await stream(workplace, options);
    assertMatch(workplace.warnings[0]!, /^\d of 4 fields are saved in /);
    assertMatch(
      workplace.warnings[1]!,
      /^step 36 was replaced on the server: re-reading \d fields saved earlier$/,
    );
    assertEquals([resumed.complete, resumed.fieldsResumed], [true, 0]);
    const fresh = await stream(workplace, { ...options, outputDir: `${workplace.folder}/fresh` });
    assertEquals(resumed.bytes, fresh.bytes);
  });

  Deno.test(`a file whose messages are ${how} while a command resumes is not mixed in`, async () => {
    const bucket = await readEmbeddedBucket();
    await using workplace = await openWorkplace(bucket);
    await writeFinalStores(workplace);
    const options = stepOptions(workplace);
    await streamUntilDown(workplace, options, 12);
    const version: FileVersion = change(bucket, FILE!);
    let heads = 0;
    workplace.server.setFaults(({ method, range }) => {
      if (method === "HEAD") heads++;
      // At the second message after the HEAD that asks for the version.
      if (range && heads++ === 2) replaceFile(bucket, version);
      return undefined;
    });
    const resumed = await stream(workplace, options);
    workplace.server.setFaults(undefined);
    assert(resumed.complete && resumed.fieldsResumed > 0);
    assertEquals(workplace.warnings.slice(1, 2), [
      "step 36 was replaced on the server while it was read: re-reading it from its index",
    ]);
    assertMatch(
      workplace.warnings[2]!,
      /^step 36 was replaced on the server: re-reading \d fields/,
    );
    const fresh = await stream(workplace, { ...options, outputDir: `${workplace.folder}/fresh` });
    assertEquals(resumed.bytes, fresh.bytes);
  });
}

Deno.test("a command resumes in a step whose references do not fit, without reading fields twice", async () => {
  const bucket = await readEmbeddedBucket();
  await using workplace = await openWorkplace(bucket);
  const { server } = workplace;
  await writeFinalStores(workplace);
  const options = stepOptions(workplace);
  replaceFile(bucket, reverseMessages(bucket, FILE!));
  let isIndexed = false;
  let left = 9;
  // Some fields are read by the new index before the server fails.
  server.setFaults(({ key, range }) => {
    if (key.endsWith(".index")) isIndexed = true;
    return isIndexed && range && left-- <= 0 ? DOWN : undefined;
  });
  await assertRejects(() => stream(workplace, options), StorageError, "500");
  server.setFaults(undefined);
  const resumed = await stream(workplace, options);
  assert(resumed.fieldsResumed > 0);
  assert(resumed.complete);
  const fresh = await stream(workplace, { ...options, outputDir: `${workplace.folder}/fresh` });
  assertEquals(resumed.bytes, fresh.bytes);
});

Deno.test("fields re-read without implausible messages are saved, too", async () => {
  await using workplace = await openImplausibleWorkplace();
  const { server } = workplace;
  const options = {
    ...streamOptions(workplace.folder, ["tp", "t2m"]),
    dropImplausible: true,
    parallelFetches: 1,
  };
  // 16 messages, then 3 of tp and of t2m at step 36 and 2 of tp at step 39, one of which is lacking.
  await streamUntilDown(workplace, options, 16 + 7);
  const before = server.requests.length;
  const resumed = await stream(workplace, options);
  assertEquals(describeFindings(resumed.fields), []);
  assertEquals([resumed.messagesUsed, resumed.fieldsResumed], [12, 4]);
  assert([2, 3].includes(server.requests.length - before), `${server.requests.length - before}`);
  const fresh = await stream(workplace, { ...options, outputDir: `${workplace.folder}/fresh` });
  assertEquals(resumed.bytes, fresh.bytes);
});

Deno.test("a file that is replaced before implausible messages are left out is read again as a whole", async () => {
  const bucket = await readEmbeddedBucket();
  await using workplace = await openImplausibleWorkplace(bucket);
  const options = {
    ...streamOptions(workplace.folder, ["tp", "t2m"]),
    dropImplausible: true,
    parallelFetches: 1,
  };
  await streamUntilDown(workplace, options, 16);
  // All fields of the other step stay saved; no message moves.
  replaceFile(bucket, raiseValues(bucket, FILE!));
  const resumed = await stream(workplace, options);
  assertEquals(resumed.fieldsResumed, 4);
  assertEquals(workplace.warnings.slice(1), [
    "step 36 was replaced on the server: re-reading 2 fields saved earlier",
  ]);
  const fresh = await stream(workplace, { ...options, outputDir: `${workplace.folder}/fresh` });
  assertEquals(resumed.bytes, fresh.bytes);
});

Deno.test("fields re-read without implausible messages of an older file are read again with their step", async () => {
  const bucket = await readEmbeddedBucket();
  // tp of step 39 is too small beside step 36, by more than is added to it later.
  await using workplace = await openImplausibleWorkplace(bucket, [[3, "step_036/tp", 0.003]]);
  const options = { ...streamOptions(workplace.folder, ["tp", "sp"]), dropImplausible: true };
  const output = `${options.outputDir}/${GIK.fileName(run)}`;
  // All fields are saved, but the output cannot be written.
  await Deno.mkdir(output, { recursive: true });
  await assertRejects(() => stream(workplace, options), StorageError, "Cannot write");
  const work = workFolderOf(output);
  const names = await listNames(work);
  assertEquals(names.length, 6);
  await Deno.remove(`${work}/${names.find((name) => name.startsWith("sp_39h_"))}`);
  await Deno.remove(output);
  replaceFile(bucket, raiseValues(bucket, stepFiles(run, 39)[0]!, 0.001));
  const resumed = await stream(workplace, options);
  assertEquals([resumed.messagesUsed, resumed.fieldsResumed], [14, 2]);
  const fresh = await stream(workplace, { ...options, outputDir: `${workplace.folder}/fresh` });
  assertEquals(resumed.bytes, fresh.bytes);
});

Deno.test("partial files that a killed command left beside the output are removed with the next output", async () => {
  await using workplace = await openWorkplace();
  await writeFinalStores(workplace);
  const options = stepOptions(workplace);
  const { bytes } = await stream(workplace, options);
  const [name] = await listNames(options.outputDir);
  const partial = (of: string) => `${options.outputDir}/.${of}.${crypto.randomUUID()}.part`;
  const ofAnother = partial(`${name}.json`);
  for (const path of [partial(name!), partial(name!), ofAnother]) {
    await Deno.writeFile(path, bytes.subarray(0, 1000));
  }
  assertEquals((await stream(workplace, options)).bytes, bytes);
  assertEquals(await listNames(options.outputDir), [ofAnother.split("/").at(-1), name]);
});

for (const membersPerBatch of [1, 3]) {
  Deno.test(`with ${membersPerBatch} members a batch, no more bytes are under way than in as many messages`, async () => {
    await using workplace = await openWorkplace();
    const { server, context } = workplace;
    await writeFinalStores(workplace);
    const given = streamOptions(workplace.folder, ["t2m"]);
    const expected = await stream(workplace, {
      ...given,
      outputDir: `${workplace.folder}/expected`,
    });
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
    const { bytes } = await stream(workplace, { ...options, membersPerBatch, parallelFetches: 64 });
    assertEquals(bytes, expected.bytes);
    assert(most > 0 && most <= membersPerBatch * Math.max(...lengths), `${most}`);
  });
}
