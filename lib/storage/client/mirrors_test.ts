import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import {
  type FaultRule,
  faultsInTurn,
  type S3Server,
  SLOW_DOWN,
  startS3Server,
} from "../../../fixtures/s3_server.ts";
import {
  type Mirror,
  openStorage,
  type Storage,
  StorageError,
  type StorageOptions,
} from "../mod.ts";

const BUCKET = "s3://my-bucket/";
const URL = `${BUCKET}run/key`;
const MISSING = { kind: "status", status: 404, code: "NoSuchKey" } as const;
const DENIED = { kind: "status", status: 403, code: "AccessDenied" } as const;

/** Objects of the first and second mirror: the same keys; the bytes show which one answered. */
const OBJECTS = [1, 2].map((mirror) =>
  ["run/key", "run/other"].map((key): [string, Uint8Array<ArrayBuffer>] => [
    key,
    new Uint8Array(100).fill(mirror),
  ])
);

interface Setup extends AsyncDisposable {
  servers: S3Server[];
  storage: Storage;
}

/** Two mirrors, "one" and "two", as web servers. */
function open(faults: (FaultRule | undefined)[] = [], options: StorageOptions = {}): Setup {
  const servers = OBJECTS.map((objects, i) =>
    startS3Server({ root: new Map(objects), ...(faults[i] && { faults: faults[i] }) })
  );
  const storage = openStorage({
    mirrors: servers.map(({ url }, i) => mirrorAt(["one", "two"][i]!, url)),
    minDelayMs: 1,
    maxDelayMs: 2,
    maxAttempts: 4,
    ...options,
  });
  return {
    servers,
    storage,
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server[Symbol.asyncDispose]();
    },
  };
}

/** The same without a network, and the clock of all. */
function openFaked(...given: Parameters<typeof open>): Setup & { clock: FakeClock } {
  const setup = open(...given);
  const clock = new FakeClock(...setup.servers);
  return {
    ...setup,
    clock,
    async [Symbol.asyncDispose]() {
      clock[Symbol.dispose]();
      await setup[Symbol.asyncDispose]();
    },
  };
}

function mirrorAt(name: string, server: string): Mirror {
  return {
    name,
    locate: (url) => url.startsWith(BUCKET) ? `${server}/${url.slice(BUCKET.length)}` : undefined,
  };
}

/** The number of the mirror that gave the object. */
async function ask({ storage }: Setup, url = URL): Promise<number> {
  return (await storage.get(url))[0]!;
}

function countRequests({ servers }: Setup): number[] {
  return servers.map(({ requests }) => requests.length);
}

Deno.test("get() and head() ask only the first mirror while it serves", async () => {
  await using setup = open();
  assertEquals(await ask(setup), 1);
  assertEquals((await setup.storage.head(URL)).size, 100);
  assertEquals(countRequests(setup), [2, 0]);
  assertEquals(setup.storage.counters.requestsByHost, { one: 2 });
});

Deno.test("requestCost() is that of the first healthy mirror", async () => {
  await using setup = open([() => SLOW_DOWN], { minDelayMs: 60_000, maxDelayMs: 60_000 });
  const { storage, servers } = setup;
  assertEquals(await ask(setup), 2);
  assertEquals(storage.requestCost(URL).isThrottled, false);
  assertEquals(storage.requestCost("s3://elsewhere/key").isThrottled, false);
  const alone = openStorage({ mirrors: [mirrorAt("one", servers[0]!.url)], giveUpAfterMs: 0 });
  await assertRejects(() => alone.get(URL), StorageError);
  assert(alone.requestCost(URL).isThrottled);
});

Deno.test("get() reads from its own address what no mirror has", async () => {
  await using setup = open();
  assertEquals(await ask(setup, `${setup.servers[1]!.url}/run/key`), 2);
  assertEquals(countRequests(setup), [0, 1]);
});

Deno.test("get() asks the next mirror at once when one is busy, breaks off or sends wrong bytes", async () => {
  for (
    const fault of [
      SLOW_DOWN,
      { kind: "status", status: 500, code: "InternalError" },
      { kind: "cut", bytes: 10 },
      { kind: "cut", bytes: 0 },
      { kind: "long", bytes: 1 },
    ] as const
  ) {
    await using setup = open([() => fault], { minDelayMs: 60_000, maxDelayMs: 60_000 });
    const bytes = await setup.storage.get(URL, { offset: 0, length: 50 });
    assertEquals([bytes.length, bytes[0]], [50, 2]);
    assertEquals(countRequests(setup), [1, 1]);
    assertEquals(setup.storage.counters.retries, 1);
  }
});

Deno.test("get() asks the next mirror for what one lacks, denies, or has only in part", async () => {
  for (const fault of [MISSING, DENIED, { ...DENIED, status: 416 }]) {
    await using setup = open([() => fault]);
    assertEquals(await ask(setup), 2);
    assertEquals(countRequests(setup), [1, 1]);
  }
});

Deno.test("get() reports an object as missing only when every mirror does", async () => {
  for (
    const [faults, kind, requests] of [
      [[MISSING, MISSING], "missing", [1, 1]],
      [[MISSING, DENIED], "denied", [1, 3]],
      [[DENIED, MISSING], "denied", [3, 1]],
    ] as const
  ) {
    await using setup = open(faults.map((fault) => () => fault));
    const error = await assertRejects(() => setup.storage.get(URL), StorageError);
    assertEquals([error.kind, error.url], [kind, URL]);
    assertEquals(countRequests(setup), [...requests]);
  }
});

Deno.test("get() reports nothing as missing while a mirror cannot be asked", async () => {
  for (const faults of [[MISSING, SLOW_DOWN], [SLOW_DOWN, MISSING]]) {
    await using setup = openFaked(faults.map((fault) => () => fault), {
      giveUpAfterMs: 60_000,
      minDelayMs: 500,
      maxDelayMs: 10_000,
    });
    const { storage, clock } = setup;
    const error = await clock.run(assertRejects(() => storage.get(URL), StorageError), 250);
    assertEquals([error.kind, error.status, error.url], ["unreachable", 503, URL]);
    const [busy, other] = faults[0] === SLOW_DOWN ? ["one", "two"] : ["two", "one"];
    assertStringIncludes(error.message, `Cannot read "${URL}": ${busy} has failed for 1 min `);
    assertStringIncludes(error.message, "without one success (last: 503 Service Unavailable)");
    assertStringIncludes(error.message, `${other} answered 404 Not Found`);
  }
});

Deno.test("get() names the mirror in its errors, and the requested address", async () => {
  await using setup = open([() => DENIED, () => DENIED]);
  const error = await assertRejects(
    () => setup.storage.get(URL),
    StorageError,
    `Cannot read "${URL}" from one: the server denies access (403`,
  );
  assertEquals([error.url, error.message.includes(setup.servers[0]!.url)], [URL, false]);
});

Deno.test("get() sends nothing to a paused mirror, and returns to it when it serves", async () => {
  let isDown = true;
  await using setup = open([() => isDown ? SLOW_DOWN : undefined], { minDelayMs: 0 });
  for (let i = 0; i < 5; i++) assertEquals(await ask(setup), 2);
  isDown = false;
  assertEquals(await ask(setup), 1);

  await using slow = open([faultsInTurn([SLOW_DOWN])], { minDelayMs: 60_000, maxDelayMs: 60_000 });
  for (let i = 0; i < 5; i++) assertEquals(await ask(slow), 2);
  assertEquals(countRequests(slow), [1, 5]);
});

Deno.test("get() obeys the Retry-After of one mirror while it reads from the next", async () => {
  await using setup = openFaked([faultsInTurn([{ ...SLOW_DOWN, retryAfterSeconds: 80 }])]);
  const { clock } = setup;
  for (let i = 0; i < 5; i++) assertEquals(await clock.run(ask(setup)), 2);
  await clock.tick(79_999 - clock.ms);
  assertEquals(await clock.run(ask(setup)), 2);
  await clock.tick(1);
  assertEquals(await clock.run(ask(setup)), 1);
});

Deno.test("get() waits in the queue of the first mirror while that one serves", async () => {
  await using setup = open([() => ({ kind: "delay", ms: 2 })], { maxRequests: 2 });
  await Promise.all(Array.from({ length: 20 }, () => ask(setup)));
  assertEquals(countRequests(setup), [20, 0]);
});

Deno.test("get() tries the next mirror again rather than wait for one that is paused", async () => {
  const failing = { kind: "status", status: 500, code: "InternalError" } as const;
  const busy = { ...SLOW_DOWN, retryAfterSeconds: 60 };
  await using setup = open([() => busy, faultsInTurn([failing, failing])]);
  assertEquals(await ask(setup), 2);
  assertEquals(countRequests(setup), [1, 3]);
});

Deno.test("get() waits in the queue of a healthy mirror when the first one stops serving", async () => {
  let served = 0;
  const dieAfter20: FaultRule = () => ++served > 20 ? SLOW_DOWN : undefined;
  await using setup = open([dieAfter20], { maxRequests: 4, minDelayMs: 5000, maxDelayMs: 5000 });
  const givers = await Promise.all(Array.from({ length: 200 }, () => ask(setup)));
  assertEquals([givers.filter((it) => it === 1).length, givers.length], [20, 200]);
  const { requests, requestsByHost } = setup.storage.counters;
  assert(requests <= 220, `${requests} requests`);
  assertEquals(requestsByHost.one! + requestsByHost.two!, requests);
});

Deno.test("get() does without a mirror that is switched off during the run", async () => {
  await using setup = open([], { giveUpAfterMs: 50 });
  assertEquals(await ask(setup), 1);
  await setup.servers.shift()![Symbol.asyncDispose]();
  for (let i = 0; i < 10; i++) assertEquals(await ask(setup), 2);
});

Deno.test("get() fails at once after all mirrors were given up, and asks them no more", async () => {
  await using setup = openFaked([() => SLOW_DOWN, () => SLOW_DOWN], { giveUpAfterMs: 300 });
  const { clock } = setup;
  const fail = () => assertRejects(() => setup.storage.get(URL), StorageError);
  const errors = await clock.run(Promise.all(Array.from({ length: 20 }, fail)));
  const [before, givenUpMs] = [countRequests(setup), clock.ms];
  errors.push(await clock.run(fail()));
  assertEquals([countRequests(setup), clock.ms], [before, givenUpMs]);
  for (const { kind, message } of errors) {
    assertEquals(kind, "unreachable");
    assertStringIncludes(message, "one has failed for 1 s ");
    assertStringIncludes(message, "; two has failed for 1 s ");
  }
});

Deno.test("get() reports why a server that is switched off cannot be reached", async () => {
  // It is the server that is given up, not the object after a few attempts.
  const setup = open([], { giveUpAfterMs: 20, maxAttempts: 1000, mirrors: [] });
  const url = `${setup.servers[0]!.url}/run/key`;
  await setup[Symbol.asyncDispose]();
  const error = await assertRejects(() => setup.storage.get(url), StorageError);
  assertEquals(
    error.message,
    `Cannot reach ${new globalThis.URL(url).host}: connection refused; check host and port`,
  );
});

Deno.test("a mirror gets no more requests at once than it allows", async () => {
  const delayed: FaultRule = () => ({ kind: "delay", ms: 2 });
  await using server = startS3Server({ root: new Map(OBJECTS[0]!), faults: delayed });
  const storage = openStorage({ mirrors: [{ ...mirrorAt("few", server.url), maxRequests: 3 }] });
  await Promise.all(Array.from({ length: 60 }, () => storage.get(URL)));
  assertEquals([server.requests.length, server.counters.mostAtOnce], [60, 3]);
});

/** A mirror that is a bucket, so that it can list. */
function mirrorBucket(name: string): Mirror {
  return { name, locate: (url) => url.replace(BUCKET, `s3://${name}/`) };
}

Deno.test("list() gives the addresses of the caller, with all pages from one mirror", async () => {
  const keys = Array.from({ length: 1500 }, (_, i): [string, Uint8Array<ArrayBuffer>] => [
    `run/${String(i).padStart(4, "0")}`,
    new Uint8Array(1),
  ]);
  await using server = startS3Server({ buckets: { full: new Map(keys) } });
  const web = mirrorAt("web", server.url);
  const mirrors = [web, mirrorBucket("absent"), mirrorBucket("full")];
  const storage = openStorage({ endpoint: server.url, mirrors });
  const listed = await Array.fromAsync(storage.list(`${BUCKET}run/`));
  assertEquals(listed.map(({ url }) => url), keys.map(([key]) => BUCKET + key));
  assertEquals(server.requests.map(({ bucket }) => bucket), ["absent", "full", "full"]);
});

Deno.test("a mirror can be a folder, and a server gives what it lacks", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/run`);
  await Deno.writeFile(`${folder}/run/key`, new Uint8Array(100).fill(3));
  await using server = startS3Server({ root: new Map(OBJECTS[0]!) });
  const storage = openStorage({
    mirrors: [mirrorAt("folder", folder), mirrorAt("one", server.url)],
  });
  assertEquals(await storage.get(URL, { offset: 10, length: 5 }), new Uint8Array(5).fill(3));
  assertEquals((await storage.get(`${BUCKET}run/other`))[0], 1);
  assertEquals(await Array.fromAsync(storage.list(`${BUCKET}run/`)), [{ url: URL, size: 100 }]);
  assertEquals(storage.counters.requestsByHost, { folder: 3, one: 1 });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("ranges of one object may come from several mirrors that have it in the same size", async () => {
  let isBusy = false;
  await using setup = open([() => isBusy ? SLOW_DOWN : undefined], { minDelayMs: 60_000 });
  const read = async (offset: number) => (await setup.storage.get(URL, { offset, length: 5 }))[0];
  assertEquals(await read(0), 1);
  isBusy = true;
  assertEquals(await read(5), 2);
  await using other = startS3Server({ root: new Map([["run/key", new Uint8Array(99)]]) });
  const storage = openStorage({
    mirrors: [mirrorAt("one", setup.servers[1]!.url), mirrorAt("two", other.url)],
  });
  await storage.get(URL, { offset: 0, length: 5 });
  setup.servers[1]!.setFaults(() => SLOW_DOWN);
  const error = await assertRejects(
    () => storage.get(URL, { offset: 5, length: 5 }),
    StorageError,
    `Cannot read "${URL}" from two: it was replaced`,
  );
  assertEquals(error.kind, "changed");
});

Deno.test("a paused mirror keeps no process alive", async () => {
  await using setup = open([() => SLOW_DOWN]);
  const [one, two] = setup.servers.map(({ url }) => `${url}/run/key`);
  const script = `
    import { openStorage } from "${import.meta.resolve("../mod.ts")}";
    const mirrors = ["${one}", "${two}"].map((url) => ({ name: url, locate: () => url }));
    const storage = openStorage({ mirrors, minDelayMs: 1e8, maxDelayMs: 1e8 });
    console.log((await storage.get("s3://my-bucket/run/key"))[0]);`;
  const config = new globalThis.URL("../../../deno.json", import.meta.url).pathname;
  const main = `data:text/javascript,${encodeURIComponent(script)}`;
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", config, main],
    signal: AbortSignal.timeout(20_000),
  }).output();
  assertEquals([success, new TextDecoder().decode(stdout)], [true, "2\n"]);
});
