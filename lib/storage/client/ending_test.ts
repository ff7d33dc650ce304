/** Runs end, however a server keeps them waiting, and honest slow lines are not cut off. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { type BadAnswer, startFaultyFront } from "../../../fixtures/faulty_front.ts";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import { Line } from "../../../fixtures/line.ts";
import { startS3Server } from "../../../fixtures/s3_server.ts";
import { Attempt } from "../protocol/attempt.ts";
import { RequestTimes } from "../protocol/request_times.ts";
import { openStorage, StorageError, type StorageOptions } from "../mod.ts";

const OBJECT = new Uint8Array(4000).map((_, i) => i % 251);
const RANGE = { offset: 10, length: 2000 };
const RIGHT = "bytes 10-2009/4000";

/** A front that answers everything so, and a storage that gives up soon. */
function start(answer: BadAnswer, options: StorageOptions = {}) {
  const server = startS3Server({ buckets: { bucket: new Map([["key", OBJECT]]) } });
  const front = startFaultyFront(server.url);
  front.setAnswers(() => answer);
  const storage = openStorage({
    endpoint: front.url,
    timeoutMs: 60,
    giveUpAfterMs: 60,
    minDelayMs: 1,
    maxDelayMs: 2,
    ...options,
  });
  return {
    front,
    storage,
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The same without a network, and the clock of both. */
function startFaked(answer: BadAnswer, options: StorageOptions = {}) {
  const setup = start(answer, { timeoutMs: 60_000, giveUpAfterMs: 60_000, ...options });
  const clock = new FakeClock(setup.front);
  return {
    ...setup,
    clock,
    async [Symbol.asyncDispose]() {
      clock[Symbol.dispose]();
      await setup[Symbol.asyncDispose]();
    },
  };
}

/** Reads until the server is given up, as a run of very many messages does. */
async function readOn(storage: ReturnType<typeof openStorage>): Promise<StorageError> {
  for (let i = 0; i < 10_000; i++) {
    try {
      await storage.get("s3://bucket/key", RANGE);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      if (/without one success|^Cannot reach/.test(error.message)) return error;
    }
  }
  throw new Error("the server was never given up");
}

const part = (length: string, range = RIGHT) => ({
  "content-range": range,
  "content-length": length,
});

Deno.test("a server that sends a byte now and then is given up", async () => {
  const answer = { status: 206, headers: part("2000"), drip: { waitMs: 25_000 } };
  await using setup = startFaked(answer);
  const { clock, front, storage } = setup;
  const error = await clock.run(readOn(storage), 100);
  assertEquals([error.kind, storage.counters.requests], ["unreachable", 2]);
  assertStringIncludes(error.message, "without one success");
  assertStringIncludes(error.message, "sent no more than 3 bytes in 60 s");
  const givenUpMs = clock.ms;
  await clock.run(assertRejects(() => storage.get("s3://bucket/key", RANGE), StorageError));
  assertEquals([front.requests, clock.ms], [2, givenUpMs]);
});

const ENDLESS: [name: string, answer: BadAnswer][] = [
  ["sends another range", {
    status: 206,
    headers: part("2000", "bytes 11-2010/4000"),
    body: OBJECT.slice(0, 2000),
  }],
  ["sends ranges that are short", { status: 206, headers: part("5"), body: "short" }],
  ["sends ranges that are long", {
    status: 206,
    headers: { "content-range": RIGHT },
    body: OBJECT.slice(0, 2001),
  }],
  ["announces 99 GB", { status: 206, headers: part("99000000000"), body: OBJECT }],
  ["sends pages with status 200", {
    status: 200,
    headers: { "content-type": "text/html" },
    body: "<html>",
  }],
];

for (const [name, answer] of ENDLESS) {
  Deno.test(`a server that ${name} is given up`, async () => {
    await using setup = start(answer);
    const error = await readOn(setup.storage);
    assertEquals([error.kind, setup.storage.counters.requests < 200], ["unreachable", true]);
    const before = setup.front.requests;
    await assertRejects(() => setup.storage.get("s3://bucket/key", RANGE), StorageError);
    assertEquals(setup.front.requests, before);
  });
}

Deno.test("a server that accepts and never answers is given up, though each attempt takes as long", async () => {
  using clock = new FakeClock({ url: "http://mute.test", answer: () => new Promise(() => {}) });
  const storage = openStorage({
    endpoint: "http://mute.test",
    timeoutMs: 60_000,
    giveUpAfterMs: 30_000,
    minDelayMs: 1,
    maxDelayMs: 2,
  });
  const failing = assertRejects(() => storage.get("s3://bucket/key", RANGE), StorageError);
  const error = await clock.run(failing, 100);
  assertStringIncludes(error.message, "without one success");
  assertEquals([error.kind, storage.counters.requests], ["unreachable", 2]);
  assertEquals(Math.floor(clock.ms / 1000), 120);
});

Deno.test("wrong answers between right ones cost attempts, and the server serves on", async () => {
  let requests = 0;
  await using setup = start({ status: 500 }, { timeoutMs: 60_000 });
  setup.front.setAnswers(() => ++requests % 4 === 0 ? undefined : ENDLESS[0]![1]);
  for (let i = 0; i < 30; i++) {
    assertEquals(await setup.storage.get("s3://bucket/key", RANGE), OBJECT.slice(10, 2010));
  }
  assertEquals(setup.storage.counters.requests, 120);
});

Deno.test("an error whose text does not end is what its status says", async () => {
  await using setup = startFaked({ status: 404, drip: { waitMs: 500 } });
  const { clock, front, storage } = setup;
  const failing = assertRejects(() => storage.get("s3://bucket/key"), StorageError);
  const error = await clock.run(failing, 10);
  assertEquals([error.kind, error.status, front.requests], ["missing", 404, 1]);
  assertEquals(clock.ms, 5000);
});

Deno.test("no body of a busy line is cut off, though each brings next to nothing", async () => {
  // From 8 bodies on share 6 KiB/s: each brings less than 1 KiB/s, and takes longer than the timeout.
  const line = new Line(6 * 1024, 1280);
  const headers = { "content-length": "64000" };
  const answer = () => new Response(line.send(new Uint8Array(64_000)), { headers });
  using clock = new FakeClock({ url: "http://busy.test", answer });
  const storage = openStorage({ timeoutMs: 60_000, giveUpAfterMs: 0, maxRequests: 16 });
  const reading = Array.from({ length: 16 }, () => storage.get("http://busy.test/"));
  const bodies = await clock.run(Promise.all(reading), 10);
  assertEquals(bodies.map(({ length }) => length), Array(16).fill(64_000));
  assertEquals([storage.counters.retries, Math.floor(clock.ms / 10_000)], [0, 16]);
});

/** Notes what a stream of the line usually brings: 1 MB in a second, after 20 ms. */
function knownTimes(waitMs = 20): RequestTimes {
  const times = new RequestTimes();
  for (let i = 0; i < 8; i++) times.note({ waitMs, bodyMs: 1000, bytes: 1_000_000 });
  return times;
}

Deno.test("RequestTimes sees no progress below 1 KiB/s, less on a line that never brought it", () => {
  const judge = (times: RequestTimes, bytes: number) => {
    const start = { ms: 0, bytes: 0, lineBytes: 0 };
    return times.isProgress(start, { ms: 60_000, bytes, lineBytes: bytes });
  };
  const isEnough = (times: RequestTimes) =>
    [60, 61_000, 61_500].map((bytes) => judge(times, bytes));
  assertEquals(isEnough(new RequestTimes()), [false, false, true]);
  assertEquals(isEnough(knownTimes()), [false, false, true]);
  const narrow = new RequestTimes();
  for (let i = 0; i < 8; i++) narrow.note({ waitMs: 20, bodyMs: 200_000, bytes: 100_000 });
  assertEquals(isEnough(narrow), [false, true, true]);
});

Deno.test("RequestTimes counts the fair share of a busy line as progress, and no less", () => {
  const times = new RequestTimes();
  times.bodies = 16;
  const start = { ms: 0, bytes: 0, lineBytes: 0 };
  const judge = (bytes: number, lineBytes: number) =>
    times.isProgress(start, { ms: 60_000, bytes, lineBytes });
  assertEquals([judge(20_000, 320_000), judge(1000, 320_000)], [true, false]);
  // A server that sends a byte a second on each of 16 streams does not keep the line busy.
  assertEquals(judge(60, 16 * 60), false);
});

Deno.test("RequestTimes gives an answer a multiple of the time that the last ones took", () => {
  assertEquals(new RequestTimes().longestMs(1024 * 60), 32 * 60_000);
  assertEquals(knownTimes().longestMs(1_000_000), 32 * 1020);
});

Deno.test("an attempt ends when it takes far longer than the last ones, and the next one has longer", async () => {
  using clock = new FakeClock();
  const counters = { bytesReceived: 0 };
  const lasting: number[] = [];
  for (const patience of [1, 4]) {
    using attempt = new Attempt({
      url: "s3://bucket/key",
      timeoutMs: 50,
      counters,
      times: knownTimes(1),
      patience,
    });
    attempt.noteAnswer(1000);
    let received = 0;
    while (!attempt.signal.aborted) {
      await clock.tick(5);
      attempt.noteReceived(1000);
      received++;
    }
    lasting.push(received);
    assertEquals(attempt.isOverdue, true);
    assertStringIncludes(`${attempt.signal.reason}`, "far less than before");
  }
  assert(lasting[1]! > lasting[0]!, `${lasting}`);
});
