import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "jsr:@std/assert@^1.0.0";
import {
  ALL_PERMISSIONS,
  type GcsFault,
  type GcsRequest,
  type GcsServerOptions,
  startGcsServer,
} from "../../../fixtures/gcs_server.ts";
import { Attempt } from "../protocol/attempt.ts";
import { crc32c } from "../protocol/checksum.ts";
import { openGcs } from "./gcs.ts";
import { type GcsOptions, openStorage, StorageError, type StorageOptions } from "../mod.ts";

const OBJECT = new Uint8Array(60_000).map((_, i) => (i * 31) >> 3);
const LARGE = new Uint8Array(9 * 1024 * 1024).map((_, i) => (i * 31) >> 3);
const WRITER = "writer@local.iam.gserviceaccount.com";
const URL_OF_OBJECT = "gs://my-bucket/2026/file.parquet";

/** A server, and a storage that uses it with a key file of WRITER. */
async function start(
  options: GcsServerOptions = {},
  gcs: GcsOptions = {},
  rest: StorageOptions = {},
) {
  const server = await startGcsServer({
    buckets: { "my-bucket": new Map([["2026/file.parquet", OBJECT]]) },
    accounts: { [WRITER]: ALL_PERMISSIONS },
    ...options,
  });
  const keyFile = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(keyFile, await server.formatKeyFile(WRITER));
  const storage = openStorage({
    gcs: { keyFile, endpoint: server.url, ...gcs },
    maxAttempts: 4,
    giveUpAfterMs: 0,
    minDelayMs: 1,
    maxDelayMs: 2,
    ...rest,
  });
  return {
    server,
    storage,
    keyFile,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(keyFile);
    },
  };
}

/** A rule with faults for the requests of one action, in turn; `undefined` spares one. */
function strike(action: GcsRequest["action"], ...faults: (GcsFault | undefined)[]) {
  return (request: GcsRequest) => request.action === action ? faults.shift() : undefined;
}

Deno.test("get() reads a range and a whole object with one token, one request each", async () => {
  await using setup = await start();
  const { server, storage } = setup;
  const range = { offset: 12_345, length: 40_000 };
  assertEquals(await storage.get(URL_OF_OBJECT, range), OBJECT.slice(12345, 52345));
  assertEquals(await storage.get(URL_OF_OBJECT), OBJECT);
  assertEquals(
    server.requests.map(({ action, account, range }) => [action, account, range]),
    [
      ["token", "anonymous", undefined],
      ["read", WRITER, "bytes=12345-52344"],
      ["read", WRITER, undefined],
    ],
  );
  const { requests, retries, bytesReceived } = storage.counters;
  assertEquals([requests, retries, bytesReceived], [2, 0, 100_000]);
});

Deno.test("requests that begin together share one token", async () => {
  await using setup = await start();
  const { server, storage } = setup;
  const read = (_: unknown, offset: number) => storage.get(URL_OF_OBJECT, { offset, length: 1 });
  await Promise.all(Array.from({ length: 20 }, read));
  assertEquals(server.counters.byAction, { token: 1, read: 20 });
});

Deno.test("a token that is about to expire is renewed before it is used", async () => {
  await using setup = await start({ tokenLifetimeSeconds: 200 });
  const { server, storage } = setup;
  await storage.head(URL_OF_OBJECT);
  await storage.head(URL_OF_OBJECT);
  assertEquals(server.counters.byAction, { token: 2, describe: 2 });
});

Deno.test("head() gives size, generation and CRC32C", async () => {
  await using setup = await start();
  const { server, storage } = setup;
  const info = await storage.head(URL_OF_OBJECT);
  assertEquals(info, { size: 60_000, etag: "1", crc32c: crc32c(OBJECT) });
  assertEquals(server.counters.byAction, { token: 1, describe: 1 });
});

Deno.test("list() reads all pages, in the order of the keys", async () => {
  const keys = Array.from({ length: 2345 }, (_, i) => `run/${String(i).padStart(4, "0")}.parquet`);
  const objects = ["other", ...keys, "run.txt"].map((key) => [key, new Uint8Array(7)] as const);
  await using setup = await start({ buckets: { "my-bucket": new Map(objects) } });
  const { server, storage } = setup;
  const listed = await Array.fromAsync(storage.list("gs://my-bucket/run/"));
  assertEquals(listed.map(({ url }) => url), keys.map((key) => `gs://my-bucket/${key}`));
  assertEquals(listed[0], {
    url: "gs://my-bucket/run/0000.parquet",
    size: 7,
    crc32c: crc32c(new Uint8Array(7)),
  });
  assertEquals(server.counters.byAction, { token: 1, list: 3 });
  assertEquals(await Array.fromAsync(storage.list("gs://my-bucket/none")), []);
});

Deno.test("a key is taken literally, whatever characters it has", async () => {
  await using setup = await start();
  const { server, storage } = setup;
  const keys = ["a b+c&d=e%20f/é?#.parquet", "a//b", "2026-02-06T00:00:00Z", "a'(b)*!"];
  for (const key of keys) {
    await storage.put(`gs://my-bucket/${key}`, [OBJECT.subarray(0, 10)]);
    assertEquals((await storage.get(`gs://my-bucket/${key}`)).length, 10);
  }
  const read = server.requests.filter(({ action }) => action === "read");
  assertEquals(read.map(({ key }) => key), keys);
  assertEquals((await Array.fromAsync(storage.list("gs://my-bucket/a b+c&d=e%"))).length, 1);
});

Deno.test("get() reports a missing key, a missing bucket and a range beyond the end", async () => {
  await using setup = await start();
  const { storage } = setup;
  const fail = async (url: string, range?: { offset: number; length: number }) => {
    const error = await assertRejects(() => storage.get(url, range), StorageError, url);
    return [error.kind, error.status, error.attempts];
  };
  assertEquals(await fail("gs://my-bucket/none"), ["missing", 404, 1]);
  assertEquals(await fail("gs://no-bucket/none"), ["missing", 404, 1]);
  assertEquals(await fail(URL_OF_OBJECT, { offset: 59_990, length: 20 }), ["range", 206, 1]);
  assertEquals(await fail(URL_OF_OBJECT, { offset: 60_000, length: 20 }), ["range", 416, 1]);
});

Deno.test("get() retries what arrives cut, damaged or not at all", async () => {
  await using setup = await start();
  const { server, storage } = setup;
  server.setFaults(strike(
    "read",
    { kind: "cut", bytes: 700 },
    { kind: "damage" },
    { kind: "status", status: 429, retryAfterSeconds: 0 },
  ));
  assertEquals(await storage.get(URL_OF_OBJECT), OBJECT);
  assertEquals(storage.counters.retries, 3);
  assertEquals(server.counters.byAction, { token: 1, read: 4 });
});

Deno.test("put() writes a small object in one request, with its checksum", async () => {
  await using setup = await start();
  const { server, storage } = setup;
  await storage.put("gs://my-bucket/new", [OBJECT.subarray(0, 1), OBJECT.subarray(1)]);
  assertEquals(server.counters.byAction, { token: 1, insert: 1 });
  const info = await storage.head("gs://my-bucket/new");
  assertEquals([info.size, info.crc32c], [60_000, crc32c(OBJECT)]);
  assertEquals(await storage.get("gs://my-bucket/new"), OBJECT);
  await storage.put("gs://my-bucket/empty", []);
  assertEquals((await storage.head("gs://my-bucket/empty")).size, 0);
});

Deno.test("put() replaces an object, even one that was read in ranges before", async () => {
  await using setup = await start();
  const range = { offset: 1, length: 3 };
  await setup.storage.get(URL_OF_OBJECT, range);
  await setup.storage.put(URL_OF_OBJECT, [LARGE.subarray(2000, 2005)]);
  assertEquals(await setup.storage.get(URL_OF_OBJECT, range), LARGE.slice(2001, 2004));
  assertEquals((await setup.storage.head(URL_OF_OBJECT)).size, 5);
});

Deno.test("remove() removes an object, once; a missing one is no error", async () => {
  await using setup = await start();
  const { server, storage } = setup;
  const refused = { kind: "status", status: 503 } as const;
  server.setFaults(strike("delete", refused));
  await storage.remove(URL_OF_OBJECT);
  assertEquals(await Array.fromAsync(storage.list("gs://my-bucket/")), []);
  await storage.remove(URL_OF_OBJECT);
  const deletions = server.requests.filter(({ action }) => action === "delete");
  assertEquals(deletions.map(({ status, account }) => [status, account]), [
    [503, WRITER],
    [204, WRITER],
    [404, WRITER],
  ]);
  await storage.put(URL_OF_OBJECT, [OBJECT]);
  assertEquals(await storage.get(URL_OF_OBJECT), OBJECT);
});

Deno.test("remove() reports the missing permission as an error of removing", async () => {
  const permissions = ALL_PERMISSIONS.filter((it) => it !== "storage.objects.delete");
  await using setup = await start({ accounts: { [WRITER]: { "my-bucket": permissions } } });
  const error = await assertRejects(() => setup.storage.remove(URL_OF_OBJECT), StorageError);
  assertEquals([error.kind, error.status], ["denied", 403]);
  assertStringIncludes(error.message, `Cannot remove "${URL_OF_OBJECT}": the bucket "my-bucket"`);
  assertStringIncludes(error.message, `denies storage.objects.delete to ${WRITER}`);
});

Deno.test("get() refuses a range of an object that another client has replaced", async () => {
  await using setup = await start();
  await setup.storage.get(URL_OF_OBJECT, { offset: 1, length: 3 });
  await setup.server.buckets.get("my-bucket")!.put("2026/file.parquet", OBJECT.slice(), "");
  const error = await assertRejects(
    () => setup.storage.get(URL_OF_OBJECT, { offset: 1, length: 3 }),
    StorageError,
    "it was replaced on the server",
  );
  assertEquals(error.kind, "changed");
});

Deno.test("put() writes a large object in a start and one request with the bytes", async () => {
  await using setup = await start();
  const { server, storage } = setup;
  await storage.put("gs://my-bucket/large", [LARGE]);
  assertEquals(server.counters.byAction, { token: 1, start: 1, continue: 1 });
  assertEquals(await storage.get("gs://my-bucket/large"), LARGE);
});

Deno.test("put() notes progress during a large upload, so that a slow one does not time out", async () => {
  await using setup = await start();
  const { server, keyFile } = setup;
  const remote = await openGcs({ keyFile, endpoint: server.url });
  const counters = { requests: 0, retries: 0, bytesReceived: 0 };
  using attempt = new Attempt({ url: "gs://my-bucket/large", timeoutMs: 60_000, counters });
  let notes = 0;
  attempt.noteProgress = () => void notes++;
  await remote.planPut!("gs://my-bucket/large", LARGE)(attempt);
  assertEquals(notes, LARGE.length / 65_536);
});

Deno.test("put() resumes a large upload where it broke off, without sending it all again", async () => {
  await using setup = await start();
  const { server, storage } = setup;
  server.setFaults(strike("continue", { kind: "break", bytes: 5_000_000 }));
  await storage.put("gs://my-bucket/large", [LARGE]);
  const sent = server.requests.filter(({ action }) => action === "continue")
    .map(({ range, bytesReceived }) => [range, bytesReceived]);
  const saved = Math.floor(5_000_000 / 262_144) * 262_144;
  const size = LARGE.length;
  assertEquals(sent, [
    [`bytes 0-${size - 1}/${size}`, 5_000_000],
    [`bytes */${size}`, 0],
    [`bytes ${saved}-${size - 1}/${size}`, size - saved],
  ]);
  assertEquals(server.counters.byAction.start, 1);
  assertEquals(await storage.get("gs://my-bucket/large"), LARGE);
});

Deno.test("put() learns that a large upload was complete though the answer got lost", async () => {
  await using setup = await start();
  const { server, storage } = setup;
  server.setFaults(strike("continue", { kind: "cut", bytes: 3 }));
  await storage.put("gs://my-bucket/large", [LARGE]);
  assertEquals(server.counters.byAction, { token: 1, start: 1, continue: 2 });
  assertEquals((await server.buckets.get("my-bucket")!.find("large"))?.generation, 1);
});

Deno.test("put() starts again when the server has forgotten a large upload", async () => {
  await using setup = await start();
  const { server, storage } = setup;
  server.setFaults((request) => {
    if (request.action !== "continue" || server.counters.byAction.continue) return undefined;
    server.expireUploads();
    return { kind: "break", bytes: 1000 };
  });
  await storage.put("gs://my-bucket/large", [LARGE]);
  assertEquals(server.counters.byAction.start, 2);
  assertEquals(await storage.get("gs://my-bucket/large"), LARGE);
});

Deno.test("put() sends again what the server received damaged, and no damaged object stays", async () => {
  await using setup = await start();
  const { server, storage } = setup;
  for (const bytes of [OBJECT, LARGE]) {
    const action = bytes === OBJECT ? "insert" : "continue";
    server.setFaults(strike(action, { kind: "damage" }));
    await storage.put(`gs://my-bucket/${action}`, [bytes]);
    assertEquals(await storage.get(`gs://my-bucket/${action}`), bytes);
  }
  assertEquals(server.counters.byStatus["400"], 2);
  assertEquals(storage.counters.retries, 2);
});

Deno.test("put() retries after 503 and 429, and gives up with an error of writing", async () => {
  await using setup = await start();
  const { server, storage } = setup;
  server.setFaults(strike(
    "insert",
    { kind: "status", status: 503 },
    { kind: "status", status: 429, retryAfterSeconds: 0 },
    { kind: "break", bytes: 100 },
  ));
  await storage.put("gs://my-bucket/new", [OBJECT]);
  assertEquals(storage.counters.retries, 3);
  server.setFaults(() => ({ kind: "status", status: 503 }));
  const error = await assertRejects(
    () => storage.put("gs://my-bucket/new", [OBJECT]),
    StorageError,
    'Cannot write "gs://my-bucket/new": the server is busy or failing (503 Fault 503.)',
  );
  assertEquals([error.kind, error.status, error.attempts], ["unreachable", 503, 4]);
});

Deno.test("put() and head() reject nonsense from a server", async () => {
  const bearers: (string | null)[] = [];
  let answer = () => new Response();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (http) => {
      bearers.push(http.headers.get("authorization"));
      await http.bytes();
      return answer();
    },
  );
  const endpoint = `127.0.0.1:${server.addr.port}`;
  const storage = openStorage({
    gcs: { endpoint, anonymous: true },
    maxAttempts: 1,
    giveUpAfterMs: 0,
  });
  const fail = async (use: () => Promise<unknown>, response: () => Response) => {
    answer = response;
    const { kind, message } = await assertRejects(use, StorageError);
    return [kind, message];
  };
  const put = (bytes: Uint8Array) => () => storage.put("gs://b/k", [bytes]);
  const metadata = { size: "60000", crc32c: crc32c(OBJECT) };
  const reply = (changes: object) => () => Response.json({ ...metadata, ...changes });
  assertEquals(await fail(put(OBJECT), reply({ crc32c: "AAAAAA==" })), [
    "corrupt",
    'Cannot write "gs://b/k": the server has stored 60000 bytes with CRC32C AAAAAA==, ' +
    `and 60000 with ${crc32c(OBJECT)} were sent (gave up after 1 attempt)`,
  ]);
  assertEquals((await fail(put(OBJECT), reply({ size: "59999" })))[0], "corrupt");
  assertEquals((await fail(put(OBJECT), () => new Response()))[0], "corrupt");
  assertEquals((await fail(() => storage.head("gs://b/k"), () => new Response()))[0], "corrupt");
  const elsewhere = () => new Response(null, { headers: { location: "http://127.0.0.2/up" } });
  assertEquals(await fail(put(LARGE), elsewhere), [
    "unsupported",
    'Cannot write "gs://b/k": the server gives no address of its own to upload to',
  ]);
  const portal = () => new Response(null, { status: 302, headers: { location: "/login" } });
  assertEquals((await fail(() => storage.head("gs://b/k"), portal))[0], "denied");
  assertEquals(bearers, Array(6).fill(null));
});

Deno.test("list() and head() take no other JSON for a listing or a description", async () => {
  let text = "";
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(text),
  );
  const endpoint = `127.0.0.1:${server.addr.port}`;
  const delays = { minDelayMs: 1, maxDelayMs: 2 };
  const storage = openStorage({ gcs: { endpoint, anonymous: true }, maxAttempts: 1, ...delays });
  const uses = [
    () => Array.fromAsync(storage.list("gs://b/k")),
    () => storage.head("gs://b/k"),
  ];
  const others = ["", "null", "[]", '"text"', '{"error": {"code": 503}}', "<html>"];
  for (
    const [use, texts] of [
      [uses[0]!, [...others, '{"items": [null]}', '{"items": [{"name": "k"}]}', '{"items": 7}']],
      [uses[1]!, [...others, '{"size": "many"}']],
    ] as const
  ) {
    for (text of texts) {
      assertEquals((await assertRejects(use, StorageError)).kind, "corrupt", text);
    }
  }
});

Deno.test("put() throws what the pieces throw, and sends nothing", async () => {
  await using setup = await start();
  const pieces = function* () {
    yield OBJECT;
    throw new TypeError("no more");
  };
  await assertRejects(() => setup.storage.put(URL_OF_OBJECT, pieces()), TypeError, "no more");
  assertEquals(setup.server.requests.length, 0);
});

Deno.test("requests end when the caller aborts, with its reason", async () => {
  const aborter = new AbortController();
  await using setup = await start({}, {}, { signal: aborter.signal });
  const { server, storage } = setup;
  server.setFaults(() => {
    aborter.abort(new RangeError("enough"));
    return { kind: "delay", ms: 10_000 };
  });
  await assertRejects(() => storage.put("gs://my-bucket/new", [OBJECT]), RangeError, "enough");
});

Deno.test("an attempt ends when the server falls silent", async () => {
  await using setup = await start({}, {}, { timeoutMs: 50, maxAttempts: 1 });
  const { server, storage } = setup;
  server.setFaults(strike("read", { kind: "delay", ms: 10_000 }));
  const error = await assertRejects(() => storage.get(URL_OF_OBJECT), StorageError, "for 0.05 s");
  assertEquals(error.kind, "unreachable");
});

Deno.test("a refusal names bucket, permission and account, and is not retried", async () => {
  await using setup = await start(
    { accounts: { [WRITER]: { "other-bucket": ALL_PERMISSIONS } } },
    { explainBucket: (bucket) => `Of ${bucket} there is more to say.` },
  );
  const { server, storage } = setup;
  const fail = async (use: () => Promise<unknown>) => {
    const error = await assertRejects(use, StorageError);
    assertEquals([error.kind, error.status, error.attempts], ["denied", 403, 1]);
    assertStringIncludes(error.message, "Of my-bucket there is more to say.");
    return /^Cannot (\w+) .* the bucket "my-bucket" denies (\S+) to (\S+) /.exec(error.message)
      ?.slice(1);
  };
  const tries = [
    await fail(() => storage.put("gs://my-bucket/new", [OBJECT])),
    await fail(() => storage.put("gs://my-bucket/new", [LARGE])),
    await fail(() => storage.put(URL_OF_OBJECT, [OBJECT])),
    await fail(() => storage.get(URL_OF_OBJECT)),
    await fail(() => storage.head(URL_OF_OBJECT)),
    await fail(() => Array.fromAsync(storage.list("gs://my-bucket/"))),
  ];
  assertEquals(tries, [
    ["write", "storage.objects.create", WRITER],
    ["write", "storage.objects.create", WRITER],
    ["write", "storage.objects.delete", WRITER],
    ["read", "storage.objects.get", WRITER],
    ["read", "storage.objects.get", WRITER],
    ["read", "storage.objects.list", WRITER],
  ]);
  assertEquals(server.counters.requests, 7);
});

Deno.test("a public bucket is read anonymously, and denies writing", async () => {
  await using setup = await start({ publicBuckets: ["my-bucket"] }, {
    keyFile: undefined,
    anonymous: true,
  });
  const { server, storage } = setup;
  assertEquals(await storage.get(URL_OF_OBJECT), OBJECT);
  assertEquals((await Array.fromAsync(storage.list("gs://my-bucket/"))).length, 1);
  const error = await assertRejects(() => storage.put("gs://my-bucket/a", []), StorageError);
  assertMatch(error.message, /denies storage\.objects\.create to anonymous \(401 Anonymous caller/);
  assertEquals([...new Set(server.requests.map(({ account }) => account))], ["anonymous"]);
});

Deno.test("get() reads a public bucket by https:// too", async () => {
  await using setup = await start({ publicBuckets: ["my-bucket"] });
  const url = `${setup.server.url}/my-bucket/2026/file.parquet`;
  const bytes = await setup.storage.get(url, { offset: 5, length: 9 });
  assertEquals(bytes, OBJECT.slice(5, 14));
  assertEquals(setup.server.counters.byAction, { download: 1 });
});

Deno.test("no error holds a key, a token or an upload's address", async () => {
  await using setup = await start();
  const { server, storage, keyFile } = setup;
  const errors: unknown[] = [];
  const collect = async (use: () => Promise<unknown>) =>
    errors.push(await assertRejects(use, StorageError));
  await storage.head(URL_OF_OBJECT);
  const [token] = server.tokens;
  for (const status of [400, 401, 403, 412, 503]) {
    server.setFaults(() => ({ kind: "status", status, message: `No, ${token}!` }));
    await collect(() => storage.get(URL_OF_OBJECT));
    await collect(() => storage.put(URL_OF_OBJECT, [OBJECT]));
    await collect(() => storage.put(URL_OF_OBJECT, [LARGE]));
  }
  server.setFaults((request) => {
    if (request.action === "continue") queueMicrotask(() => server[Symbol.asyncDispose]());
    return request.action === "continue" ? { kind: "break", bytes: 10 } : undefined;
  });
  await collect(() => storage.put("gs://my-bucket/large", [LARGE]));
  await collect(() => storage.get(URL_OF_OBJECT));
  const { private_key } = JSON.parse(await Deno.readTextFile(keyFile));
  const text = errors.map((error) =>
    Deno.inspect(error, { depth: 99, strAbbreviateSize: Infinity, showHidden: true })
  ).join("\n");
  const secrets = [token!, "Bearer", "upload_id", ...private_key.split("\n").slice(1, -2)];
  assertEquals(secrets.filter((secret) => text.includes(secret)), []);
});
