import { createHash } from "node:crypto";
import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { randomFaults, SLOW_DOWN, startS3Server } from "../../../fixtures/s3_server.ts";
import { openStorage, StorageError } from "../mod.ts";

const OBJECT = crypto.getRandomValues(new Uint8Array(60_000));

function start(keys = ["2026/file.grib2"]) {
  const server = startS3Server({
    buckets: { "my-bucket": new Map(keys.map((key) => [key, OBJECT])) },
  });
  const storage = openStorage({
    endpoint: server.url,
    maxAttempts: 20,
    minDelayMs: 1,
    maxDelayMs: 2,
  });
  return { server, storage };
}

Deno.test("get() reads a range and a whole object from S3, one request each", async () => {
  const { server, storage } = start();
  await using _ = server;
  const url = "s3://my-bucket/2026/file.grib2";
  assertEquals(
    await storage.get(url, { offset: 12_345, length: 40_000 }),
    OBJECT.slice(12345, 52345),
  );
  assertEquals(await storage.get(url), OBJECT);
  assertEquals(server.requests.map(({ range }) => range), ["bytes=12345-52344", undefined]);
  const { requests, retries, bytesReceived } = storage.counters;
  assertEquals([requests, retries, bytesReceived], [2, 0, 100_000]);
});

Deno.test("get() gives the bytes a buffer of their own", async () => {
  const { server, storage } = start();
  await using _ = server;
  const bytes = await storage.get("s3://my-bucket/2026/file.grib2", { offset: 5, length: 9 });
  assertEquals([bytes.byteOffset, bytes.buffer.byteLength], [0, 9]);
});

Deno.test("head() gives size and ETag of an object on S3", async () => {
  const { server, storage } = start();
  await using _ = server;
  const info = await storage.head("s3://my-bucket/2026/file.grib2");
  const etag = `"${createHash("md5").update(OBJECT).digest("hex")}"`;
  assertEquals(info, { size: 60_000, etag });
  assertEquals(server.counters.byMethod, { HEAD: 1 });
});

Deno.test("list() reads all pages, in the order of the keys", async () => {
  const keys = Array.from({ length: 2345 }, (_, i) => `run/${String(i).padStart(4, "0")}.index`);
  const { server, storage } = start(["other", ...keys, "run.txt"]);
  await using _ = server;
  const listed = await Array.fromAsync(storage.list("s3://my-bucket/run/"));
  assertEquals(listed.map(({ url }) => url), keys.map((key) => `s3://my-bucket/${key}`));
  assertEquals(listed[0]!.size, 60_000);
  assertEquals(server.requests.length, 3);
  assertEquals(await Array.fromAsync(storage.list("s3://my-bucket/none")), []);
});

Deno.test("get() takes a key literally, whatever characters it has", async () => {
  const keys = ["a b+c&d=e%20f/é?#.grib2", "a//b", "2026-02-06T00:00:00Z"];
  const { server, storage } = start(keys);
  await using _ = server;
  for (const key of keys) assertEquals((await storage.get(`s3://my-bucket/${key}`)).length, 60_000);
  assertEquals(server.requests.map(({ key }) => key), keys);
  assertEquals((await Array.fromAsync(storage.list("s3://my-bucket/a b+c&d=e%"))).length, 1);
});

Deno.test("get() reports a missing key, a missing bucket and a range beyond the end", async () => {
  const { server, storage } = start();
  await using _ = server;
  const fail = async (url: string, range?: { offset: number; length: number }) => {
    const error = await assertRejects(() => storage.get(url, range), StorageError, url);
    return [error.kind, error.status, error.attempts];
  };
  assertEquals(await fail("s3://my-bucket/none"), ["missing", 404, 1]);
  assertEquals(await fail("s3://no-bucket/none"), ["missing", 404, 1]);
  const url = "s3://my-bucket/2026/file.grib2";
  assertEquals(await fail(url, { offset: 59_990, length: 20 }), ["range", 206, 1]);
  assertEquals(await fail(url, { offset: 60_000, length: 20 }), ["range", 416, 1]);
});

Deno.test("get() reads the right bytes from a server that often fails, 64 at once", async () => {
  const { server, storage } = start();
  await using _ = server;
  server.setFaults(randomFaults(1, 0.3, [
    SLOW_DOWN,
    { kind: "cut", bytes: 0 },
    { kind: "cut", bytes: 700 },
    { kind: "long", bytes: 1 },
    { kind: "shift", bytes: -1 },
    { kind: "delay", ms: 2 },
  ]));
  const offsets = Array.from({ length: 256 }, (_, i) => 1 + i * 200);
  const readNext = async () => {
    for (let offset = offsets.pop(); offset !== undefined; offset = offsets.pop()) {
      const bytes = await storage.get("s3://my-bucket/2026/file.grib2", { offset, length: 1000 });
      assertEquals(bytes, OBJECT.slice(offset, offset + 1000));
    }
  };
  await Promise.all(Array.from({ length: 64 }, readNext));
  assertEquals(storage.counters.requests, 256 + storage.counters.retries);
  assertEquals(server.requests.length, storage.counters.requests);
});

Deno.test("no request to S3 carries an Authorization header", async () => {
  const { server, storage } = start();
  await using _ = server;
  await storage.get("s3://my-bucket/2026/file.grib2", { offset: 0, length: 1 });
  await storage.head("s3://my-bucket/2026/file.grib2");
  await Array.fromAsync(storage.list("s3://my-bucket/"));
  assertEquals(
    server.requests.map(({ method, authorization }) => [method, authorization]),
    [["GET", undefined], ["HEAD", undefined], ["GET", undefined]],
  );
});
