import { assert, assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { stub } from "jsr:@std/testing@^1.0.0/mock";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import { makeRandom } from "../../../fixtures/random.ts";
import {
  type FaultRule,
  limitCapacity,
  SLOW_DOWN,
  startS3Server,
} from "../../../fixtures/s3_server.ts";
import { createContext, type StoragePolicy } from "./context.ts";
import { StorageError } from "../protocol/storage_error.ts";
import { webBackend } from "../backends/http.ts";
import { accessServers } from "./access.ts";
import { Versions } from "../protocol/versions.ts";

const POLICY: StoragePolicy = {
  maxRequests: 64,
  maxAttempts: 4,
  giveUpAfterMs: 60_000,
  minDelayMs: 20,
  maxDelayMs: 20,
  timeoutMs: 60_000,
  signal: undefined,
};

/** A server, a client with its context, and the clock of both. */
function start(faults: FaultRule | undefined, policy: Partial<StoragePolicy> = {}) {
  const server = startS3Server({
    root: new Map([["key", new Uint8Array(1000)]]),
    ...(faults && { faults }),
  });
  const clock = new FakeClock(server);
  const draws = stub(Math, "random", makeRandom(1));
  const context = createContext({ ...POLICY, ...policy }, () => webBackend);
  const access = accessServers(context, (url) => [{ url }], new Versions());
  const get = async () => (await access.get(`${server.url}/key`)).length;
  return {
    server,
    clock,
    context,
    get,
    limit: () => context.hosts.get(server.url)!.limit,
    async [Symbol.asyncDispose]() {
      draws.restore();
      clock[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Keeps `callers` requests under way until `count` have been answered. */
async function drain(get: () => Promise<unknown>, callers: number, count: number): Promise<void> {
  let left = count;
  const call = async () => {
    while (left-- > 0) await get();
  };
  await Promise.all(Array.from({ length: callers }, call));
}

Deno.test("a client settles near what a server allows at once, and is seldom refused", async () => {
  await using setup = start(limitCapacity(8, 15));
  const { clock, server, get, limit } = setup;
  await clock.run(drain(get, 40, 200));
  const before = server.counters;
  const limits: number[] = [];
  await clock.run(drain(async () => limits.push(limit() + 0 * await get()), 40, 600));
  const mean = limits.reduce((sum, value) => sum + value, 0) / limits.length;
  assert(mean >= 6 && mean <= 12, `${mean}`);
  const refused = server.counters.byStatus["503"]! - (before.byStatus["503"] ?? 0);
  assert(refused > 0 && refused <= 30, `${refused} of ${server.counters.requests}`);
  assert(server.counters.mostAtOnce <= 20, `${server.counters.mostAtOnce}`);
});

Deno.test("a client finds what a server allows beyond the first few, up to maxRequests", async () => {
  await using setup = start(limitCapacity(1000, 5), { maxRequests: 24 });
  const { clock, server, get, limit } = setup;
  await clock.run(drain(get, 40, 200));
  assertEquals([limit(), server.counters.mostAtOnce], [24, 24]);
});

Deno.test("a client sends few requests to a server that only refuses", async () => {
  await using setup = start(() => SLOW_DOWN, { giveUpAfterMs: 80 });
  const { clock, server, get } = setup;
  const errors = await clock.run(
    Promise.all(Array.from({ length: 40 }, () => assertRejects(get, StorageError))),
  );
  for (const error of errors) {
    assertEquals([error.kind, error.status], ["unreachable", 503]);
    const text = /has failed for \d+ s without one success \(last: 503 .*try again later/;
    assert(text.test(error.message), error.message);
  }
  const { requests } = server.counters;
  assert(requests >= 8 && requests < 40, `${requests} requests`);
  const givenUpMs = clock.ms;
  await clock.run(assertRejects(get, StorageError, "without one success"));
  assertEquals([server.counters.requests, clock.ms], [requests, givenUpMs]);
});

Deno.test("a client obeys Retry-After with all requests to the host", async () => {
  const times: number[] = [];
  await using setup = start(() => {
    times.push(performance.now());
    return times.length === 1 ? { ...SLOW_DOWN, retryAfterSeconds: 50 } : undefined;
  }, { maxRequests: 1 });
  await setup.clock.run(Promise.all(Array.from({ length: 5 }, setup.get)), 100);
  assertEquals(times.map((ms) => ms - times[0]!), [0, ...Array(5).fill(50_000)]);
});

Deno.test("a client can send again after timeouts and aborts", async () => {
  const stop = new AbortController();
  let isSilent = true;
  await using setup = start(
    () => isSilent ? { kind: "delay", ms: 60_000 } : undefined,
    { maxRequests: 2, timeoutMs: 60, giveUpAfterMs: 0, maxAttempts: 1 },
  );
  const { clock, get, context } = setup;
  await clock.run(
    Promise.all([1, 2, 3].map(() => assertRejects(get, StorageError, "sent nothing for"))),
  );
  assertEquals(clock.ms, 120);
  context.policy.signal = stop.signal;
  const aborted = [1, 2, 3].map(() => assertRejects(get, RangeError, "enough"));
  stop.abort(new RangeError("enough"));
  await clock.run(Promise.all(aborted));
  context.policy.signal = undefined;
  isSilent = false;
  assertEquals(await clock.run(Promise.all([1, 2, 3].map(get))), [1000, 1000, 1000]);
});

Deno.test("a client sends requests in turn, and failed ones after the others", async () => {
  const order: string[] = [];
  await using setup = start(({ key }) => {
    order.push(key);
    return order.length === 1 ? SLOW_DOWN : undefined;
  }, { maxRequests: 1, minDelayMs: 0 });
  const { clock, server, context } = setup;
  const access = accessServers(context, (url) => [{ url }], new Versions());
  const keys = ["a", "b", "c", "d"];
  await clock.run(
    Promise.allSettled(keys.map((key) => access.get(`${server.url}/${key}`))),
  );
  assertEquals(order, ["a", "b", "c", "d", "a"]);
});
