import { assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { startS3Server } from "../../../fixtures/s3_server.ts";
import { isOtherVersion, openStorage, StorageError } from "../mod.ts";
import { Versions } from "./versions.ts";

const URL = "s3://my-bucket/key";
const OLD = new Uint8Array(1000).fill(1);
const NEW = new Uint8Array(1000).fill(2);
const SHORT = new Uint8Array(500).fill(3);
const START = { offset: 0, length: 100 };
const END = { offset: 900, length: 100 };

/** A bucket whose object can be replaced, and a storage that retries. */
function start() {
  const bucket = new Map([["key", OLD]]);
  const server = startS3Server({ buckets: { "my-bucket": bucket } });
  const storage = openStorage({
    endpoint: server.url,
    maxAttempts: 3,
    minDelayMs: 1,
    maxDelayMs: 2,
  });
  return { bucket, server, storage };
}

/** A web server that answers a range of ten bytes with these headers, one set a request. */
function serveHeaders(headers: Record<string, string>[]) {
  const left = [...headers];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    const range = { "content-range": "bytes 0-9/1000" };
    return new Response(new Uint8Array(10), {
      status: 206,
      headers: { ...range, ...left.shift() },
    });
  });
  const storage = openStorage({ maxAttempts: 1 });
  const read = () =>
    storage.get(`http://127.0.0.1:${server.addr.port}/`, { offset: 0, length: 10 });
  return { server, read };
}

for (const scheme of ["s3", "http"]) {
  Deno.test(`get() refuses a range of a replaced object over ${scheme}, until forget()`, async () => {
    const { bucket, server, storage } = start();
    await using _ = server;
    const url = scheme === "s3" ? URL : `${server.url}/my-bucket/key`;
    assertEquals(await storage.get(url, START), OLD.slice(0, 100));
    bucket.set("key", NEW);
    for (const range of [END, START]) {
      const error = await assertRejects(() => storage.get(url, range), StorageError);
      assertEquals([error.kind, error.url, error.attempts], ["changed", url, 1]);
      assertStringIncludes(error.message, "it was replaced on the server while it was read");
    }
    assertEquals([server.requests.length, storage.counters.retries], [3, 0]);

    storage.forget(url);
    assertEquals(await storage.get(url, END), NEW.slice(900));
    assertEquals(await storage.get(url, START), NEW.slice(0, 100));
  });
}

Deno.test("get() reads the version that head() has found", async () => {
  const { bucket, server, storage } = start();
  await using _ = server;
  await storage.head(URL);
  bucket.set("key", NEW);
  const error = await assertRejects(() => storage.get(URL, START), StorageError);
  assertEquals(error.kind, "changed");
});

Deno.test("head() gives the new version of an object; ranges keep the old one", async () => {
  const { bucket, server, storage } = start();
  await using _ = server;
  await storage.get(URL, START);
  bucket.set("key", SHORT);
  assertEquals((await storage.head(URL)).size, 500);
  const error = await assertRejects(() => storage.get(URL, START), StorageError);
  assertEquals(error.kind, "changed");
});

Deno.test("get() reports an object replaced by a shorter one as changed, not the range as wrong", async () => {
  const { bucket, server, storage } = start();
  await using _ = server;
  await storage.get(URL, START);
  bucket.set("key", SHORT);
  for (const range of [END, { offset: 450, length: 100 }]) {
    const error = await assertRejects(() => storage.get(URL, range), StorageError);
    assertEquals(error.kind, "changed");
  }
  const beyond = { offset: 950, length: 100 };
  const error = await assertRejects(() => storage.get(URL, beyond), StorageError);
  assertEquals(error.kind, "range");
});

Deno.test("get() reads whole objects of any version, and other objects", async () => {
  const { bucket, server, storage } = start();
  await using _ = server;
  bucket.set("other", SHORT);
  await storage.get(URL, START);
  assertEquals(await storage.get(URL), OLD);
  bucket.set("key", NEW);
  assertEquals(await storage.get(URL), NEW);
  assertEquals(await storage.get("s3://my-bucket/other", START), SHORT.slice(0, 100));
});

Deno.test("get() of a whole object does not fix the version of later ranges", async () => {
  const { bucket, server, storage } = start();
  await using _ = server;
  await storage.get(URL);
  bucket.set("key", NEW);
  assertEquals(await storage.get(URL, START), NEW.slice(0, 100));
});

Deno.test("get() of many ranges at once gives bytes of the first version only", async () => {
  const { bucket, server, storage } = start();
  await using _ = server;
  await storage.get(URL, START);
  let requests = 0;
  server.setFaults(() => {
    if (++requests === 50) bucket.set("key", NEW);
    return undefined;
  });
  const reads = Array.from(
    { length: 100 },
    (_, i) => storage.get(URL, { offset: i * 10, length: 10 }).catch((error) => error.kind),
  );
  const results = await Promise.all(reads);
  const bytes = results.filter((it) => it instanceof Uint8Array);
  assertEquals([bytes.length, results.filter((it) => it === "changed").length], [49, 51]);
  assertEquals(new Set(bytes.flatMap((it) => [...it])), new Set([1]));
});

const ACCEPTED: [string, Record<string, string>[]][] = [
  ["without ETag", [{}, {}]],
  ["whose ETag is absent at times", [{}, { etag: '"a"' }, {}, { etag: '"a"' }]],
  ["with a weak ETag that stays", [{ etag: 'W/"a"' }, { etag: 'W/"a"' }]],
  ["whose size is unknown at times", [{ "content-range": "bytes 0-9/*" }, {}]],
];
for (const [name, headers] of ACCEPTED) {
  Deno.test(`get() reads ranges from a server ${name}`, async () => {
    const { server, read } = serveHeaders(headers);
    await using _ = server;
    for (const _ of headers) assertEquals((await read()).length, 10);
  });
}

const REFUSED: [string, Record<string, string>[], string][] = [
  ["ETag", [{ etag: '"a"' }, { etag: '"b"' }], 'its ETag was "a" and is "b"'],
  ["weak ETag", [{ etag: 'W/"a"' }, { etag: 'W/"b"' }], 'was W/"a" and is W/"b"'],
  ["ETag, given late", [{}, { etag: '"a"' }, { etag: '"b"' }], 'was "a" and is "b"'],
  ["size", [{}, { "content-range": "bytes 0-9/2000" }], "it had 1000 bytes and has 2000"],
];
for (const [name, headers, message] of REFUSED) {
  Deno.test(`get() refuses a range with another ${name}`, async () => {
    const { server, read } = serveHeaders(headers);
    await using _ = server;
    for (const _ of headers.slice(1)) await read();
    const error = await assertRejects(read, StorageError, message);
    assertEquals(error.kind, "changed");
  });
}

const FIRST = "s3://first/key";
const SECOND = "https://second/key";

/** Checks a range from one of two servers. */
function checkFrom(versions: Versions, located: string, etag: string, size = 1000) {
  return versions.check(URL, located, START, Promise.resolve({ bytes: OLD, size, etag }));
}

Deno.test("check() compares ETags of each server with its own", async () => {
  const versions = new Versions();
  await checkFrom(versions, FIRST, '"a"');
  await checkFrom(versions, SECOND, '"b"');
  for (const [located, etag] of [[FIRST, '"b"'], [SECOND, '"a"']] as const) {
    const error = await assertRejects(() => checkFrom(versions, located, etag), StorageError);
    assertEquals([error.kind, error.url], ["changed", URL]);
  }
  await checkFrom(versions, FIRST, '"a"');
});

Deno.test("check() refuses a range from a server whose object has another size", async () => {
  const versions = new Versions();
  versions.note(URL, FIRST, { size: 1000, etag: '"a"' });
  const message = "it had 1000 bytes and has 2000";
  await assertRejects(() => checkFrom(versions, SECOND, '"b"', 2000), StorageError, message);
});

Deno.test("forget() drops what all servers have said about an object", async () => {
  const versions = new Versions();
  await checkFrom(versions, FIRST, '"a"');
  await checkFrom(versions, SECOND, '"b"');
  versions.forget(URL);
  await checkFrom(versions, FIRST, '"c"', 2000);
  await checkFrom(versions, SECOND, '"d"', 2000);
});

Deno.test("versionOf() gives the version that ranges must have, as far as it is known", async () => {
  const { bucket, server, storage } = start();
  await using _ = server;
  assertEquals(storage.versionOf(URL), undefined);
  const { size, etag } = await storage.head(URL);
  const version = { size, etags: { [URL]: etag! } };
  assertEquals(storage.versionOf(URL), version);
  bucket.set("key", SHORT);
  await storage.head(URL);
  assertEquals(storage.versionOf(URL), version);
  storage.forget(URL);
  assertEquals(storage.versionOf(URL), undefined);
});

const A = { size: 10, etags: { [FIRST]: '"a"' } };
const COMPARED: [string, Parameters<typeof isOtherVersion>[1], boolean][] = [
  ["the same", { size: 10, etags: { [FIRST]: '"a"', [SECOND]: '"x"' } }, false],
  ["another ETag from the same server", { size: 10, etags: { [FIRST]: '"b"' } }, true],
  ["another ETag from another server", { size: 10, etags: { [SECOND]: '"b"' } }, false],
  ["another size", { size: 11, etags: {} }, true],
  ["nothing that is known", { etags: {} }, false],
];
for (const [what, other, isOther] of COMPARED) {
  Deno.test(`isOtherVersion() is ${isOther} for ${what}`, () => {
    assertEquals([isOtherVersion(A, other), isOtherVersion(other, A)], [isOther, isOther]);
  });
}
