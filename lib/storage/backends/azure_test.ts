import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { type AzureServerOptions, startAzureServer } from "../../../fixtures/azure_server.ts";
import { openStorage, StorageError } from "../mod.ts";

const URL = "az://account/run/2026/file.grib2";
const RANGE = { offset: 10, length: 100 };
const OBJECT = new Uint8Array(1000).map((_, i) => i % 251);
const PART = OBJECT.slice(10, 110);

function start(options: Partial<AzureServerOptions> = {}) {
  const blobs = new Map([["2026/file.grib2", OBJECT], ["a b+c&d=e%20f/é?#", OBJECT]]);
  const server = startAzureServer({ account: "account", container: "run", blobs, ...options });
  const { tokenEndpoint, blobEndpoint } = server;
  const storage = openStorage({
    azure: { tokenEndpoint, blobEndpoint },
    maxAttempts: 3,
    giveUpAfterMs: 0,
    minDelayMs: 1,
    maxDelayMs: 2,
  });
  return { server, storage };
}

type Server = ReturnType<typeof startAzureServer>;

/** The error, which must name the blob and hold no token at any depth. */
async function failWithoutToken(
  server: Server,
  use: () => Promise<unknown>,
): Promise<StorageError> {
  const error = await assertRejects(use, StorageError, URL);
  const shown = Deno.inspect(error, { depth: 20, showHidden: true });
  for (const secret of ["sig=", ...server.signatures]) {
    assert(!shown.includes(secret), `an error holds the token: ${shown}`);
  }
  return error;
}

function statuses({ blobRequests }: Server): number[] {
  return blobRequests.map(({ status }) => status);
}

Deno.test("get() and head() read a blob of Azure with one token for all", async () => {
  const { server, storage } = start();
  await using _ = server;
  assertEquals(await storage.get(URL, RANGE), PART);
  assertEquals(await storage.get(URL), OBJECT);
  assertEquals(await storage.head(URL), { size: 1000, etag: '"a24f1e3ef66950e1327f210e3997ba2c"' });
  assertEquals(server.tokenRequests, [200]);
  assertEquals(
    server.blobRequests.map(({ method, range, status }) => [method, range, status]),
    [["GET", "bytes=10-109", 206], ["GET", undefined, 200], ["HEAD", undefined, 200]],
  );
  const { requests, retries, bytesReceived } = storage.counters;
  assertEquals([requests, retries, bytesReceived], [3, 0, 1100]);
});

Deno.test("get() requests one token for many blobs at once", async () => {
  const { server, storage } = start();
  await using _ = server;
  const parts = await Promise.all(Array.from({ length: 20 }, () => storage.get(URL, RANGE)));
  assertEquals(parts, parts.map(() => PART));
  assertEquals([server.tokenRequests.length, server.blobRequests.length], [1, 20]);
});

Deno.test("get() takes a key of Azure literally, whatever characters it has", async () => {
  const { server, storage } = start();
  await using _ = server;
  assertEquals(await storage.get("az://account/run/a b+c&d=e%20f/é?#"), OBJECT);
});

Deno.test("get() renews a token in its last minute", async () => {
  for (const [tokenLifetimeMs, tokens] of [[59_000, 2], [120_000, 1]] as const) {
    const { server, storage } = start({ tokenLifetimeMs });
    await using _ = server;
    for (let i = 0; i < 2; i++) assertEquals(await storage.get(URL, RANGE), PART);
    assertEquals(server.tokenRequests.length, tokens);
  }
});

Deno.test("get() uses the clock of the token service, not that of this machine", async () => {
  for (const clockAheadMs of [-86_400_000, 86_400_000]) {
    const { server, storage } = start({ clockAheadMs });
    await using _ = server;
    for (let i = 0; i < 3; i++) assertEquals(await storage.get(URL, RANGE), PART);
    assertEquals(server.tokenRequests.length, 1);
    const brief = start({ clockAheadMs, tokenLifetimeMs: 59_000 });
    await using _brief = brief.server;
    for (let i = 0; i < 2; i++) assertEquals(await brief.storage.get(URL, RANGE), PART);
    assertEquals(brief.server.tokenRequests.length, 2);
  }
});

Deno.test("get() renews a refused token once for all requests that used it", async () => {
  const { server, storage } = start();
  await using _ = server;
  await storage.get(URL, RANGE);
  server.revokeTokens();
  const parts = await Promise.all(Array.from({ length: 8 }, () => storage.get(URL, RANGE)));
  assertEquals(parts, parts.map(() => PART));
  assertEquals(server.tokenRequests.length, 2);
  assertEquals(statuses(server).filter((status) => status === 403).length, 8);
  assertEquals(storage.counters.retries, 0);
});

Deno.test("get() keeps a renewed token when the old one is refused late", async () => {
  const { server, storage } = start();
  await using _ = server;
  await storage.get(URL, RANGE);
  server.revokeTokens();
  const release = server.holdBlob();
  const reads = [storage.get(URL, RANGE), storage.get(URL, RANGE)];
  assertEquals(await Promise.race(reads), PART);
  release();
  assertEquals(await Promise.all(reads), [PART, PART]);
  assertEquals(server.tokenRequests.length, 2);
  assertEquals(statuses(server), [206, 403, 206, 403, 206]);
});

Deno.test("get() renews once where every token is refused, then no more", async () => {
  const { server, storage } = start();
  await using _ = server;
  await storage.get(URL, RANGE);
  server.acceptTokens(false);
  for (let i = 0; i < 3; i++) {
    const error = await failWithoutToken(server, () => storage.get(URL, RANGE));
    assertEquals([error.kind, error.status, error.attempts], ["denied", 403, 3]);
  }
  assertEquals(server.tokenRequests.length, 2);
  assertEquals(statuses(server), [206, ...Array(10).fill(403)]);
});

Deno.test("a missing blob is not confused with a container that the token service lacks", async () => {
  const { server, storage } = start();
  await using _ = server;
  const missing = await assertRejects(() => storage.get(`${URL}x`), StorageError);
  assertEquals([missing.kind, missing.status, missing.url], ["missing", 404, `${URL}x`]);
  const unknown = await assertRejects(() => storage.get("az://other/run/key"), StorageError);
  assertEquals([unknown.kind, unknown.status], ["denied", 404]);
  assertStringIncludes(
    unknown.message,
    `no access token for it: Cannot read "${server.tokenEndpoint}`,
  );
});

Deno.test("get() retries when the token service is busy or answers nonsense", async () => {
  const { server, storage } = start();
  await using _ = server;
  server.answerTokens(
    new Response(null, { status: 503, headers: { "retry-after": "0" } }),
    new Response('{"token": "sig=secret", '),
  );
  assertEquals(await storage.get(URL, RANGE), PART);
  assertEquals(server.tokenRequests, [503, 200, 200]);
  assertEquals(storage.counters.retries, 2);
});

Deno.test("an answer of the token service without a token is an error that does not quote it", async () => {
  for (
    const text of [
      '{"token": "sig=secret", ',
      '{"token": "sig=secret"}',
      '{"msft:expiry": "2026-01-01T00:00:00Z"}',
      '{"token": "sig=secret", "msft:expiry": "soon"}',
      "null",
    ]
  ) {
    const { server, storage } = start();
    await using _ = server;
    server.answerTokens(...Array.from({ length: 3 }, () => new Response(text)));
    const error = await failWithoutToken(server, () => storage.get(URL, RANGE));
    assertEquals([error.kind, error.attempts], ["corrupt", 3]);
    assertStringIncludes(error.message, "not JSON with");
  }
});

Deno.test("no error about a broken connection holds the token", async () => {
  const { server } = start();
  await using _ = server;
  const closing = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `http://127.0.0.1:${closing.addr.port}`;
  const closed = (async () => {
    for await (const connection of closing) connection.close();
  })();
  const read = async (endpoints: { tokenEndpoint?: string; blobEndpoint?: string }) => {
    const storage = openStorage({
      azure: { ...server, ...endpoints },
      maxAttempts: 1,
      giveUpAfterMs: 0,
    });
    const error = await failWithoutToken(server, () => storage.get(URL, RANGE));
    assertEquals(error.kind, "unreachable");
    return error.message;
  };
  const broken = `the connection to 127.0.0.1:${closing.addr.port} failed (`;
  assertStringIncludes(await read({ blobEndpoint: address }), broken);
  assertStringIncludes(await read({ tokenEndpoint: address }), broken);
  closing.close();
  await closed;
  assertStringIncludes(await read({ blobEndpoint: address }), "refused");
  assertStringIncludes(await read({ tokenEndpoint: address }), "refused");
  assertEquals(server.tokenRequests.length, 2);
});

Deno.test("get() reports what an az:// address lacks, and takes no account for a host", async () => {
  const { server, storage } = start();
  await using _ = server;
  for (
    const url of [
      "az://",
      "az://account",
      "az://account/run",
      "az://account/run/",
      "az://example.org#/run/key",
      "az://evil.org/run/key",
    ]
  ) {
    const error = await assertRejects(() => storage.get(url), StorageError, "expected az://");
    assertEquals(error.kind, "unsupported");
  }
  assertEquals([server.tokenRequests.length, server.blobRequests.length], [0, 0]);
});

Deno.test("list() and put() are unsupported on Azure", async () => {
  const { server, storage } = start();
  await using _ = server;
  for (
    const use of [
      () => Array.fromAsync(storage.list("az://account/run/")),
      () => storage.put(URL, []),
    ]
  ) assertEquals((await assertRejects(use, StorageError)).kind, "unsupported");
});
