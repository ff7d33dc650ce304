/** Addresses at which nothing was ever served: named after a few requests, not after ten minutes. */
import { assert, assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import { openStorage, type Storage, StorageError, type StorageOptions } from "../mod.ts";

const URL = "s3://bucket/key.index";
const FAST: StorageOptions = { minDelayMs: 1, maxDelayMs: 2 };
const PAGE = "<!doctype html><title>Welcome</title>";
const isNoIndex = (bytes: Uint8Array) => bytes[0] === 123 ? undefined : "it is no index";

const USES: Readonly<Record<string, (storage: Storage) => Promise<unknown>>> = {
  "get() of a whole object": (storage) => storage.get(URL, { check: isNoIndex }),
  "get() of a range": (storage) => storage.get(URL, { offset: 5, length: 9 }),
  "head()": (storage) => storage.head(URL),
};

function startPages() {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    return new Response(PAGE, { headers: { "content-type": "text/html; charset=utf-8" } });
  });
  return { server, host: `127.0.0.1:${server.addr.port}` };
}

/** A port at which nothing listens. */
function findClosedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function fail(use: (storage: Storage) => Promise<unknown>, options: StorageOptions) {
  const storage = openStorage({ ...FAST, ...options });
  const error = await assertRejects(() => use(storage), StorageError);
  assertEquals([error.category, error.sparesOthers], ["unreachable", false]);
  assert(error.message.length < 120, error.message);
  return { message: error.message, requests: storage.counters.requests };
}

for (const [name, use] of Object.entries(USES)) {
  Deno.test(`${name} names the mistake in the address after a few requests`, async () => {
    const { server, host } = startPages();
    const refused = `127.0.0.1:${findClosedPort()}`;
    const cases = [
      ["http://no-such-host.invalid", "no such host name; check it and the network"],
      [`http://${refused}`, "connection refused; check host and port"],
      [`https://${host}`, "it does not speak https there; check the port, or use http://"],
      [`http://${host}`, "it answers with a web page; check the address and gateways on the way"],
    ];
    for (const [endpoint, mistake] of cases) {
      const { message, requests } = await fail(use, { endpoint });
      assertEquals(message, `Cannot reach ${endpoint!.replace(/^.*\/\//, "")}: ${mistake}`);
      assert(requests <= 10, `${requests} requests of ${endpoint}`);
    }
    await server.shutdown();
  });
}

Deno.test("many requests at once to a mistaken address cost few more than one", async () => {
  const storage = openStorage({ ...FAST, endpoint: `http://127.0.0.1:${findClosedPort()}` });
  const gets = Array.from({ length: 85 }, (_, i) => storage.get(`s3://bucket/${i}`));
  const ends = await Promise.allSettled(gets);
  assertEquals(ends.filter(({ status }) => status === "rejected").length, 85);
  assert(storage.counters.requests <= 20, `${storage.counters.requests} requests`);
});

Deno.test("each of several mistaken mirrors is named", async () => {
  const ports = [findClosedPort(), findClosedPort()];
  const mirrors = ports.map((port) => ({
    name: `mirror ${port}`,
    locate: () => `http://127.0.0.1:${port}/key`,
  }));
  const storage = openStorage({ ...FAST, mirrors });
  const error = await assertRejects(() => storage.get(URL), StorageError);
  const refusal = "connection refused; check host and port";
  assertEquals(
    error.message,
    `Cannot reach 127.0.0.1:${ports[0]}: ${refusal}; 127.0.0.1:${ports[1]}: ${refusal}`,
  );
});

/** A server whose name does not resolve for a while, after it has served some requests. */
function openFlaky(served: number, failuresForMs: number) {
  let requests = 0;
  const server = {
    url: "http://flaky",
    answer() {
      if (++requests > served && clock.ms < failuresForMs) {
        throw new TypeError("fetch failed", {
          cause: new Error(
            "error sending request for url (http://flaky/key): client error (Connect): " +
              "dns error: failed to lookup address information: Temporary failure",
          ),
        });
      }
      return new Response("ok", { headers: { "content-length": "2" } });
    },
  };
  const clock = new FakeClock(server);
  return { clock, storage: openStorage() };
}

Deno.test("a failure of DNS after a first success is waited for, before one it ends the request", async () => {
  for (const served of [0, 1]) {
    const { clock, storage } = openFlaky(served, 60_000);
    using _ = clock;
    if (served === 1) await clock.run(storage.get("http://flaky/first"), 100);
    const end = storage.get("http://flaky/key").then(() => "served", (error) => error.message);
    assertEquals(
      await clock.run(end, 100),
      served === 1 ? "served" : "Cannot reach flaky: no such host name; check it and the network",
    );
    assertEquals(clock.ms < 10_000, served === 0);
  }
});

Deno.test("a file whose server calls it text/html is no page where it has an ETag", async () => {
  const headers = { "content-type": "text/html", etag: '"1"', "content-length": "2" };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("{}", { headers }),
  );
  const storage = openStorage({ ...FAST, endpoint: `http://127.0.0.1:${server.addr.port}` });
  assertEquals((await storage.head(URL)).size, 2);
  assertEquals((await storage.get(URL, { check: isNoIndex })).length, 2);
  await server.shutdown();
});
