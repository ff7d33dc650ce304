import { createHash } from "node:crypto";
import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { startS3Server } from "../../../fixtures/s3_server.ts";
import { openStorage, StorageError } from "../mod.ts";

const OBJECT = new Uint8Array(300_000).map((_, i) => i % 251);

function start() {
  const server = startS3Server({
    root: new Map([["folder/file.bin", OBJECT], ["empty", new Uint8Array(0)]]),
  });
  return { server, storage: openStorage({ maxAttempts: 1 }) };
}

/** Serves one body of unknown length, in the given pieces. */
function serveChunked(pieces: Uint8Array<ArrayBuffer>[], init: ResponseInit) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    return new Response(ReadableStream.from(pieces), init);
  });
}

Deno.test("get() reads a range and a whole file from a web server", async () => {
  const { server, storage } = start();
  await using _ = server;
  const url = `${server.url}/folder/file.bin`;
  assertEquals(await storage.get(url), OBJECT);
  assertEquals(
    await storage.get(url, { offset: 1000, length: 250_000 }),
    OBJECT.slice(1000, 251_000),
  );
  assertEquals(await storage.get(`${server.url}/empty`), new Uint8Array(0));
  assertEquals(server.counters.byStatus, { "200": 2, "206": 1 });
});

Deno.test("head() gives size and ETag of a file on a web server", async () => {
  const { server, storage } = start();
  await using _ = server;
  assertEquals(await storage.head(`${server.url}/folder/file.bin`), {
    size: 300_000,
    etag: `"${createHash("md5").update(OBJECT).digest("hex")}"`,
  });
});

Deno.test("get() reports that a file on a web server is missing, or ends before the range", async () => {
  const { server, storage } = start();
  await using _ = server;
  const missing = await assertRejects(() => storage.get(`${server.url}/none`), StorageError);
  assertEquals([missing.kind, missing.status], ["missing", 404]);
  const url = `${server.url}/folder/file.bin`;
  for (const offset of [299_990, 400_000]) {
    const past = await assertRejects(() => storage.get(url, { offset, length: 20 }), StorageError);
    assertEquals(past.kind, "range");
  }
});

Deno.test("get() reads a whole body of unknown length", async () => {
  await using server = serveChunked([OBJECT.slice(0, 7), OBJECT.slice(7)], {});
  const url = `http://127.0.0.1:${server.addr.port}/`;
  assertEquals(await openStorage().get(url), OBJECT);
  const error = await assertRejects(() => openStorage().head(url), StorageError);
  assertEquals(error.kind, "unsupported");
});

for (const [name, bytes] of [["short", 99], ["long", 101]] as const) {
  Deno.test(`get() refuses a range whose body of unknown length is too ${name}`, async () => {
    const headers = { "content-range": "bytes 10-109/1000" };
    await using server = serveChunked([OBJECT.slice(0, bytes)], { status: 206, headers });
    const error = await assertRejects(
      () =>
        openStorage({ maxAttempts: 1 })
          .get(`http://127.0.0.1:${server.addr.port}/`, { offset: 10, length: 100 }),
      StorageError,
    );
    assertEquals(error.kind, "corrupt");
  });
}

Deno.test("get() requests no compression, which would change the length", async () => {
  let asked: string | null = null;
  await using server = Deno.serve({ port: 0, onListen: () => {} }, (request) => {
    asked = request.headers.get("accept-encoding");
    return new Response("text");
  });
  await openStorage().get(`http://127.0.0.1:${server.addr.port}/`);
  assertEquals(asked, "identity");
});

Deno.test("list() and put() are unsupported on a web server", async () => {
  const { server, storage } = start();
  await using _ = server;
  for (
    const use of [
      () => Array.fromAsync(storage.list(server.url)),
      () => storage.put(`${server.url}/new`, []),
    ]
  ) assertEquals((await assertRejects(use, StorageError)).kind, "unsupported");
  assertEquals(server.requests, []);
});
