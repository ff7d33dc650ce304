import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { delay } from "jsr:@std/async@^1.1.0";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import {
  type Fault,
  type FaultRule,
  faultsInTurn,
  SLOW_DOWN,
  startS3Server,
} from "../../../fixtures/s3_server.ts";
import { openStorage, StorageError, type StorageOptions } from "../mod.ts";

const URL = "s3://my-bucket/key";
const RANGE = { offset: 10, length: 100 };
const OBJECT = new Uint8Array(1000).map((_, i) => i % 251);

/** A server with the faults, and a storage on it with short delays. */
function start(faults: FaultRule, options: StorageOptions = {}) {
  const server = startS3Server({
    buckets: { "my-bucket": new Map([["key", OBJECT], ["other", OBJECT]]) },
    faults,
  });
  const delays = { minDelayMs: 1, maxDelayMs: 2, maxAttempts: 4 };
  return { server, storage: openStorage({ endpoint: server.url, ...delays, ...options }) };
}

/** The same without a network, and the clock of both. */
function startFaked(faults: FaultRule, options: StorageOptions = {}) {
  const { server, storage } = start(faults, options);
  const clock = new FakeClock(server);
  return {
    server,
    storage,
    clock,
    async [Symbol.asyncDispose]() {
      clock[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

Deno.test("get() retries after 503, 500 and 429, and counts each attempt once", async () => {
  const { server, storage } = start(faultsInTurn([
    SLOW_DOWN,
    { kind: "status", status: 500, code: "InternalError" },
    { kind: "status", status: 429, code: "TooManyRequests" },
  ]));
  await using _ = server;
  assertEquals(await storage.get(URL, RANGE), OBJECT.slice(10, 110));
  assertEquals(server.requests.map(({ status }) => status), [503, 500, 429, 206]);
  assertEquals(storage.counters, {
    requests: 4,
    retries: 3,
    requestsByHost: { [`127.0.0.1:${server.port}`]: 4 },
    bytesReceived: 100,
  });
});

const WRONG_BODIES: [string, Fault, "unreachable" | "corrupt"][] = [
  ["a body that ends early", { kind: "cut", bytes: 60 }, "unreachable"],
  ["a connection that breaks before the body", { kind: "cut", bytes: 0 }, "unreachable"],
  ["a body that is too long", { kind: "long", bytes: 5 }, "corrupt"],
  ["another range", { kind: "shift", bytes: 1 }, "corrupt"],
];
for (const [name, fault, kind] of WRONG_BODIES) {
  Deno.test(`get() never gives ${name}: it retries, then fails`, async () => {
    const { server, storage } = start(faultsInTurn([fault, fault]));
    await using _ = server;
    assertEquals(await storage.get(URL, RANGE), OBJECT.slice(10, 110));
    assertEquals(server.requests.length, 3);

    server.setFaults(() => fault);
    const error = await assertRejects(() => storage.get(URL, RANGE), StorageError);
    assertEquals([error.kind, error.attempts], [kind, 4]);
    assertEquals(server.requests.length, 7);
  });
}

Deno.test("head() and list() retry too", async () => {
  const { server, storage } = start(
    faultsInTurn([SLOW_DOWN, undefined, { kind: "cut", bytes: 9 }]),
  );
  await using _ = server;
  assertEquals((await storage.head(URL)).size, 1000);
  assertEquals((await Array.fromAsync(storage.list("s3://my-bucket/"))).length, 2);
  assertEquals(storage.counters.retries, 2);
});

const FAILING = { kind: "status", status: 500, code: "InternalError" } as const;

Deno.test("get() gives up an object after exactly maxAttempts requests", async () => {
  const { server, storage } = start(() => ({ kind: "status", status: 500, code: "InternalError" }));
  await using _ = server;
  const error = await assertRejects(() => storage.get(URL), StorageError, "500 InternalError");
  assertStringIncludes(error.message, "gave up after 4 attempts");
  assertEquals([error.kind, error.status, error.url], ["unreachable", 500, URL]);
  assertEquals(server.requests.length, 4);
});

Deno.test("get() believes three failures of an object that has failed before, until it is served", async () => {
  const failures = Array(4 + 3 + 2).fill(FAILING);
  const { server, storage } = start(
    faultsInTurn([...failures, undefined, ...Array(4).fill(FAILING)]),
  );
  await using _ = server;
  const counts: number[] = [];
  for (let i = 0; i < 4; i++) {
    const before = server.requests.length;
    const error = await storage.get(URL, RANGE).then(() => undefined, (error) => error);
    assertEquals(error?.isOfObject, i === 2 ? undefined : true);
    counts.push(server.requests.length - before);
  }
  assertEquals(counts, [4, 3, 3, 4]);
});

Deno.test("get() outlasts a busy server, however many attempts it takes", async () => {
  const { server, storage } = start(faultsInTurn(Array(30).fill(SLOW_DOWN)));
  await using _ = server;
  assertEquals(await storage.get(URL, RANGE), OBJECT.slice(10, 110));
  assertEquals(storage.counters.retries, 30);
});

Deno.test("get() gives up an object that the server keeps refusing while it serves others", async () => {
  await using setup = startFaked(
    ({ key }) => key === "key" ? SLOW_DOWN : { kind: "delay", ms: 1 },
    { giveUpAfterMs: 40 },
  );
  const { storage, clock } = setup;
  let isDone = false;
  const failing = assertRejects(() => storage.get(URL), StorageError, "attempts)");
  const others = (async () => {
    while (!isDone) await storage.get("s3://my-bucket/other");
  })();
  const error = await clock.run(failing);
  isDone = true;
  await clock.run(others);
  assertEquals([error.kind, error.status, error.attempts >= 4], ["unreachable", 503, true]);
  assert(clock.ms >= 80 && clock.ms < 90, `${clock.ms} ms`);
});

Deno.test("get() asks once for what is missing, refused or unsupported", async () => {
  const { server, storage } = start(faultsInTurn([
    { kind: "status", status: 404, code: "NoSuchKey" },
    { kind: "status", status: 400, code: "InvalidRequest" },
    { kind: "whole" },
  ]));
  await using _ = server;
  for (const kind of ["missing", "denied", "unsupported"]) {
    const error = await assertRejects(() => storage.get(URL, RANGE), StorageError);
    assertEquals(error.kind, kind);
  }
  assertEquals(server.requests.length, 3);
});

const DOUBTFUL = [[401, "Unauthorized"], [403, "AccessDenied"], [400, "RequestTimeout"]] as const;
for (const [status, code] of DOUBTFUL) {
  Deno.test(`get() retries after ${status} ${code}, and believes the third in a row`, async () => {
    const fault: Fault = { kind: "status", status, code };
    const { server, storage } = start(faultsInTurn([fault, fault]));
    await using _ = server;
    assertEquals(await storage.get(URL, RANGE), OBJECT.slice(10, 110));
    server.setFaults(({ key }) => key === "key" ? fault : undefined);
    const error = await assertRejects(() => storage.get(URL, RANGE), StorageError);
    assertEquals([error.kind, error.status, error.hasServed], ["denied", status, true]);
    assertStringIncludes(error.message, "(gave up after 3 attempts)");
    assertEquals(server.requests.length, 6);
  });
}

Deno.test("the error of a denial says that no server has served anything", async () => {
  const { server, storage } = start(() => ({ kind: "status", status: 403, code: "AccessDenied" }));
  await using _ = server;
  const errors = await Promise.all(
    Array.from({ length: 20 }, () => assertRejects(() => storage.get(URL), StorageError)),
  );
  assertEquals(errors.map(({ hasServed }) => hasServed), Array(20).fill(false));
  assertEquals(server.requests.length, 60);
});

Deno.test("the error of a denial waits for what other requests bring, and says it", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let denials = 0;
  await using setup = startFaked(({ key }) => {
    if (key === "other") return { kind: "hold", until: promise };
    if (++denials === 3) setTimeout(resolve, 20_000);
    return { kind: "status", status: 403, code: "AccessDenied" };
  });
  const { storage, clock } = setup;
  const other = storage.get("s3://my-bucket/other");
  const error = await clock.run(assertRejects(() => storage.get(URL), StorageError), 100);
  const { length } = await clock.run(other);
  assertEquals([error.hasServed, length, denials], [true, 1000, 3]);
});

Deno.test("get() waits as long as Retry-After demands", async () => {
  await using setup = startFaked(faultsInTurn([{ ...SLOW_DOWN, retryAfterSeconds: 20 }]));
  const getting = setup.storage.get(URL);
  await setup.clock.tick(19_999);
  assertEquals(setup.server.requests.length, 1);
  await setup.clock.tick(1);
  const { length } = await setup.clock.run(getting);
  assertEquals([length, setup.server.requests.length, setup.clock.ms], [1000, 2, 20_000]);
});

Deno.test("get() retries when the server stays silent", async () => {
  await using setup = startFaked(faultsInTurn([{ kind: "delay", ms: 3_600_000 }]));
  const { storage, clock } = setup;
  const getting = storage.get(URL, RANGE);
  await clock.tick(59_999);
  assertEquals(storage.counters.retries, 0);
  assertEquals(await clock.run(getting), OBJECT.slice(10, 110));
  assertEquals([storage.counters.retries, clock.ms < 60_010], [1, true]);
});

Deno.test("get() waits for a slow body as long as bytes keep arriving", async () => {
  // Less than 1 KiB/s would be no progress.
  const answer = () => {
    let left = 5;
    const body = new ReadableStream({
      async pull(controller) {
        await delay(50_000);
        controller.enqueue(new Uint8Array(100_000));
        if (--left === 0) controller.close();
      },
    });
    return new Response(body, { headers: { "content-length": "500000" } });
  };
  using clock = new FakeClock({ url: "http://slow.test", answer });
  const storage = openStorage({ maxAttempts: 1, timeoutMs: 60_000, giveUpAfterMs: 0 });
  const getting = storage.get("http://slow.test/slow");
  assertEquals((await clock.run(getting, 100)).length, 500_000);
  assertEquals([storage.counters.requests, clock.ms], [1, 250_000]);
});

for (
  const [name, fault] of [
    ["in a request", { kind: "delay", ms: 60_000 }],
    ["while the host is paused", SLOW_DOWN],
    ["before the object is tried again", FAILING],
  ] as const
) {
  Deno.test(`get() rejects with the signal's reason ${name}`, async () => {
    const stop = new AbortController();
    await using setup = startFaked(() => fault, {
      signal: stop.signal,
      minDelayMs: 1e9,
      maxDelayMs: 1e9,
    });
    const { storage, clock } = setup;
    const failing = assertRejects(() => storage.get(URL), RangeError, "enough");
    await clock.tick(40_000);
    stop.abort(new RangeError("enough"));
    await clock.run(failing);
    await clock.run(assertRejects(() => storage.get(URL), RangeError, "enough"));
    assertEquals(clock.ms, 40_000);
    assertEquals(storage.counters.requests, 1);
  });
}

Deno.test("get() sends nothing when the signal aborts at the moment of its turn", async () => {
  const stop = new AbortController();
  const { server, storage } = start(() => FAILING, {
    signal: stop.signal,
    maxRequests: 1,
    statusIntervalMs: 0,
    onStatus: () => stop.abort(new RangeError("enough")),
  });
  await using _ = server;
  const fail = () => assertRejects(() => storage.get(URL), RangeError, "enough");
  await Promise.all([fail(), fail()]);
  assertEquals(server.requests.length, 1);
});
