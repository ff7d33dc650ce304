/** Reads whose content the caller checks, and the most that is read into memory. */
import { assert, assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { startFaultyFront } from "../../../fixtures/faulty_front.ts";
import { faultsInTurn, startS3Server } from "../../../fixtures/s3_server.ts";
import { openStorage, StorageError } from "../mod.ts";

const URL = "s3://bucket/key";
const POLICY = { maxAttempts: 10, giveUpAfterMs: 60_000, minDelayMs: 1, maxDelayMs: 2 };

/** Two mirrors, whose objects have as many bytes as given, each of the number of its mirror. */
function openMirrors(...sizes: number[]) {
  const servers = sizes.map((size, i) =>
    startS3Server({ root: new Map([["key", new Uint8Array(size).fill(i + 1)]]) })
  );
  const mirrors = servers.map(({ url }, i) => ({
    name: ["one", "two"][i]!,
    locate: (address: string) => address === URL ? `${url}/key` : undefined,
  }));
  return {
    servers,
    storage: openStorage({ ...POLICY, mirrors }),
    count: () => servers.map(({ requests }) => requests.length),
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server[Symbol.asyncDispose]();
    },
  };
}

const isFromTwo = (bytes: Uint8Array) => bytes[0] === 2 ? undefined : "it is not of two";
const isLong = ({ size }: { size: number }) => size >= 100 ? undefined : `it has ${size} bytes`;

Deno.test("get() reads from the next mirror what is wrong on one", async () => {
  await using setup = openMirrors(100, 100);
  assertEquals((await setup.storage.get(URL, { check: isFromTwo }))[0], 2);
  const part = await setup.storage.get(URL, { offset: 5, length: 9, check: isFromTwo });
  assertEquals([part.length, part[0]], [9, 2]);
  assertEquals(setup.count(), [2, 2]);
});

Deno.test("get() reports in the words of the check what is wrong on every mirror, after three attempts", async () => {
  await using setup = openMirrors(100, 100);
  const check = () => "it is no index";
  const error = await assertRejects(
    () => setup.storage.get(URL, { check }),
    StorageError,
    `Cannot read "${URL}" from one: it is no index (gave up after`,
  );
  assertEquals([error.kind, error.mirror], ["corrupt", "one"]);
  assertEquals(setup.count(), [3, 3]);
});

Deno.test("get() takes what is right at the second attempt", async () => {
  await using server = startS3Server({
    buckets: { bucket: new Map([["key", new Uint8Array(9)]]) },
  });
  const storage = openStorage({ ...POLICY, endpoint: server.url });
  const faults = ["it is a page", undefined];
  assertEquals((await storage.get(URL, { check: () => faults.shift() })).length, 9);
  assertEquals(server.requests.length, 2);
});

Deno.test("head() reads from the next mirror, and does not fix the version of a wrong one", async () => {
  await using setup = openMirrors(50, 100);
  assertEquals((await setup.storage.head(URL, { check: isLong })).size, 100);
  assertEquals(setup.count(), [1, 1]);
  assertEquals(setup.storage.versionOf(URL)?.size, 100);
  const short = openMirrors(50, 60);
  await using _ = short;
  const error = await assertRejects(() => short.storage.head(URL, { check: isLong }), StorageError);
  assertEquals([error.kind, error.message.includes("it has 50 bytes")], ["corrupt", true]);
  assertEquals([short.count(), short.storage.versionOf(URL)], [[3, 3], undefined]);
});

Deno.test("get() and head() of a file check it once", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "text");
  const storage = openStorage();
  let checks = 0;
  const check = () => `wrong ${++checks}`;
  const uses = [
    () => storage.get(path, { check }),
    () => storage.head(path, { check }),
    () => storage.get(path, { maxBytes: 3 }),
  ];
  for (const use of uses) assertEquals((await assertRejects(use, StorageError)).kind, "corrupt");
  assertEquals([checks, (await storage.get(path, { maxBytes: 4 })).length], [2, 4]);
  await Deno.remove(path);
});

Deno.test("get() of a whole object refuses a length over 64 MiB before it reads any of it", async () => {
  await using server = startS3Server({ root: new Map([["key", new Uint8Array(9)]]) });
  await using front = startFaultyFront(server.url);
  const length = String(64 * 1024 * 1024 + 1);
  front.setAnswers(() => ({ status: 200, headers: { "content-length": length }, body: "x" }));
  const storage = openStorage(POLICY);
  const error = await assertRejects(
    () => storage.get(`${front.url}/key`),
    StorageError,
    "the server sends more than 67108864 bytes, the most that is read of it",
  );
  assertEquals([error.kind, front.requests, storage.counters.bytesReceived], ["corrupt", 3, 0]);
});

Deno.test("get() stops reading a body without a length that grows beyond the most that is asked for", async () => {
  const MB = 1_000_000;
  let sent = 0;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    return new Response(
      new ReadableStream({
        pull(controller) {
          sent += MB;
          controller.enqueue(new Uint8Array(MB).fill(10));
          if (sent > 200 * MB) controller.close();
        },
      }),
    );
  });
  const storage = openStorage(POLICY);
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const error = await assertRejects(
    () => storage.get(url, { maxBytes: 2 * MB }),
    StorageError,
    "more than 2000000 bytes",
  );
  const { requests, bytesReceived } = storage.counters;
  assertEquals([error.kind, requests], ["corrupt", 3]);
  assert(bytesReceived < 10 * MB && sent < 200 * MB, `${bytesReceived} of ${sent} bytes`);
});

Deno.test("get() reads larger objects for those who ask for more, and ranges of any object", async () => {
  const object = new Uint8Array(3000);
  await using server = startS3Server({ root: new Map([["key", object]]) });
  const storage = openStorage(POLICY);
  const url = `${server.url}/key`;
  assertEquals((await storage.get(url, { maxBytes: 3000 })).length, 3000);
  const part = { offset: 0, length: 2500, maxBytes: 10 };
  assertEquals((await storage.get(url, part)).length, 2500);
  await assertRejects(() => storage.get(url, { maxBytes: 2999 }), StorageError, "more than 2999");
});

Deno.test("list() ends when a server names a page as the one after it", async () => {
  const page = `<ListBucketResult><IsTruncated>true</IsTruncated>` +
    `<NextContinuationToken>again</NextContinuationToken></ListBucketResult>`;
  await using server = startS3Server({ root: new Map() });
  await using front = startFaultyFront(server.url);
  const headers = { "content-type": "application/xml" };
  front.setAnswers(() => ({ status: 200, headers, body: page }));
  const storage = openStorage({ ...POLICY, maxAttempts: 3, endpoint: front.url });
  const listing = Array.fromAsync(storage.list("s3://bucket/"));
  const error = await assertRejects(() => listing, StorageError, "the page after it");
  assertEquals([error.kind, front.requests], ["corrupt", 4]);
});

Deno.test("a checked read costs one request where nothing is wrong", async () => {
  await using server = startS3Server({
    buckets: { bucket: new Map([["key", new Uint8Array(200)]]) },
    faults: faultsInTurn([]),
  });
  const storage = openStorage({ ...POLICY, endpoint: server.url });
  await storage.get(URL, { check: () => undefined });
  await storage.head(URL, { check: isLong });
  assertEquals(server.counters.byMethod, { GET: 1, HEAD: 1 });
});
