import { assert, assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { stub } from "jsr:@std/testing@^1.0.0/mock";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import { readError, statusError, StorageError } from "../protocol/storage_error.ts";
import { Host, type HostPolicy, type Permit, waitForPermit } from "./host.ts";

const POLICY = { maxRequests: 64, giveUpAfterMs: 60_000, minDelayMs: 20, maxDelayMs: 20 };

/** A request under way, which the test ends. */
interface Sent {
  name: string;
  /** Ends it, and lets the host learn from it. */
  end(error?: unknown): Promise<void>;
}

/** A host, and the requests that it has admitted, in order. */
function open(policy: Partial<HostPolicy> = {}) {
  const host = new Host("host", { ...POLICY, ...policy });
  const sent: Sent[] = [];
  const ask = async (name: string, signal?: AbortSignal) => {
    const permit = await waitForPermit([host], false, signal);
    if (permit) sent.push(send(name, permit));
    return permit;
  };
  return { host, sent, ask };
}

function send(name: string, permit: Permit): Sent {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const used = permit.host.use(permit, () => promise).catch(() => {});
  return {
    name,
    async end(error) {
      if (error === undefined) resolve();
      else reject(error);
      await used;
      await settle();
    },
  };
}

/** Lets admitted requests proceed. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

function busy(retryAfter?: string): StorageError {
  return statusError("s3://bucket/key", 503, "SlowDown", retryAfter);
}

function names(sent: Sent[]): string {
  return sent.map(({ name }) => name).join("");
}

/** Requests one permit for each letter. */
async function askAll(ask: (name: string) => Promise<unknown>, letters: string): Promise<void> {
  for (const letter of letters) void ask(letter);
  await settle();
}

Deno.test("Host admits as many requests as its limit, and the waiting ones in turn", async () => {
  const { sent, ask } = open({ maxRequests: 2 });
  await askAll(ask, "abcde");
  assertEquals(names(sent), "ab");
  await sent[1]!.end();
  assertEquals(names(sent), "abc");
  await sent[0]!.end();
  await sent[2]!.end();
  assertEquals(names(sent), "abcde");
});

Deno.test("Host takes the permit back however the request ends", async () => {
  using clock = new FakeClock();
  const { sent, ask } = open({ maxRequests: 1, minDelayMs: 0 });
  await askAll(ask, "abcdef");
  const ends = [undefined, new TypeError("a fault"), busy(), statusError("s3://b/k", 404, ""), {}];
  for (const [i, end] of ends.entries()) {
    await sent[i]!.end(end);
    if (end instanceof StorageError) await clock.tick(0);
    assertEquals(sent.length, i + 2);
  }
});

Deno.test("Host drops a request that aborts while waiting, and keeps the order of the others", async () => {
  const { sent, ask } = open({ maxRequests: 1 });
  const stop = new AbortController();
  await askAll(ask, "a");
  const aborted = assertRejects(() => ask("b", stop.signal), RangeError, "enough");
  await askAll(ask, "c");
  stop.abort(new RangeError("enough"));
  await aborted;
  await sent[0]!.end();
  assertEquals(names(sent), "ac");
  await assertRejects(() => ask("d", stop.signal), RangeError, "enough");
});

Deno.test("Host cuts its limit once for all failures of requests sent before the cut", async () => {
  const { host, sent, ask } = open({ maxRequests: 8 });
  await askAll(ask, "abcdefgh");
  for (const [i, request] of sent.entries()) await request.end(i % 2 === 0 ? busy() : undefined);
  assertEquals([host.limit, host.isHealthy], [6, true]);
});

Deno.test("Host cuts its limit for a busy or silent server, not for an object", async () => {
  const limits: number[] = [];
  for (
    const error of [
      busy(),
      statusError("s3://b/k", 429, ""),
      readError("unreachable", "s3://b/k", "silent"),
      statusError("s3://b/k", 500, "InternalError"),
      statusError("s3://b/k", 404, "NoSuchKey"),
      readError("corrupt", "s3://b/k", "wrong bytes"),
    ]
  ) {
    const { host, sent, ask } = open({ maxRequests: 8 });
    await askAll(ask, "abcdefgh");
    await sent[7]!.end(error);
    limits.push(host.limit);
  }
  assertEquals(limits, [6, 6, 6, 8, 8, 8]);
});

Deno.test("Host counts the fourth wrong answer in a row as a refusal, not one between right ones", async () => {
  const wrong = () => readError("corrupt", "s3://b/k", "wrong bytes", { status: 206 });
  const { host, sent, ask } = open({ maxRequests: 8 });
  await askAll(ask, "abcdefghijkl");
  for (const i of [0, 1, 2]) await sent[i]!.end(wrong());
  assertEquals([host.limit, host.isHealthy, host.hasServed], [8, true, false]);
  await sent[3]!.end();
  for (const i of [4, 5, 6]) await sent[i]!.end(wrong());
  assertEquals([host.limit, host.isHealthy, host.hasServed], [8, true, true]);
  await sent[7]!.end(wrong());
  assertEquals([host.limit, host.isPaused], [6, true]);
  for (const request of sent.slice(8)) await request.end();
});

Deno.test("Host throttles from a refusal on, until fewer are sent than it admits", async () => {
  const { host, sent, ask } = open({ maxRequests: 8 });
  await askAll(ask, "abcdefghijkl");
  assert(!host.isThrottling);
  await sent[0]!.end(busy());
  assert(host.isThrottling);
  for (const request of sent.slice(1, 4)) await request.end();
  assertEquals([host.isThrottling, host.isPaused], [true, false]);
  for (let i = 4; i < sent.length; i++) await sent[i]!.end();
  assertEquals([names(sent), host.isThrottling], ["abcdefghijkl", false]);
});

Deno.test("Host that only fails admits two probes after a pause, and the others when they succeed", async () => {
  using clock = new FakeClock();
  using _ = stub(Math, "random", () => 1);
  const { host, sent, ask } = open();
  await askAll(ask, "abcdefgh");
  await askAll(ask, "ijklmnop");
  for (const request of sent.slice()) await request.end(busy());
  assertEquals([names(sent), host.isPaused], ["abcdefgh", true]);
  await clock.tick(19);
  assertEquals([names(sent), host.isPaused], ["abcdefgh", true]);
  await clock.tick(1);
  assertEquals([names(sent), host.isHealthy], ["abcdefghij", false]);
  await sent[8]!.end();
  assertEquals([names(sent), host.isHealthy], ["abcdefghijkl", true]);
  for (const request of sent.slice(9)) await request.end();
  for (const request of sent.slice(12)) await request.end();
});

Deno.test("Host names its state, and reading it changes nothing", async () => {
  using clock = new FakeClock();
  const { host, sent, ask } = open();
  const read = () => [host.state.name, host.limit, host.isPaused, host.isHealthy];
  await askAll(ask, "abcdefgh");
  assertEquals(read(), ["healthy", 8, false, true]);
  await sent[0]!.end(busy("30"));
  await clock.tick(29_999);
  assertEquals(read(), ["paused", 6, true, false]);
  await clock.tick(1);
  assertEquals([read(), read()], Array(2).fill(["probing", 2, false, false]));
  await sent[1]!.end();
  // The readings have not ended the pause, which would have restarted the limit.
  assertEquals(read(), ["healthy", 6, false, true]);
  await sent[2]!.end(busy("5"));
  for (const request of sent.slice(3)) await request.end();
  assertEquals(host.state.name, "paused");

  const strict = open({ giveUpAfterMs: 0 });
  await askAll(strict.ask, "ab");
  await strict.sent[0]!.end(busy("5"));
  assertEquals([strict.host.state.name, strict.host.givenUp?.last.status], ["givenUp", 503]);
  await strict.sent[1]!.end();
  assertEquals(strict.host.state.name, "paused");
});

Deno.test("Host pauses again each time both probes fail", async () => {
  using clock = new FakeClock();
  const { sent, ask } = open();
  await askAll(ask, "abcdefgh");
  await askAll(ask, "ijklmnop");
  for (const request of sent.slice()) await request.end(busy());
  for (let probes = 1; probes <= 3; probes++) {
    await clock.tick(20);
    assertEquals(sent.length, 8 + 2 * probes);
    for (const request of sent.slice(-2)) await request.end(busy());
  }
  await clock.tick(20);
  await sent[14]!.end();
  await sent[15]!.end();
});

Deno.test("Host resumes at once when a request under way succeeds", async () => {
  const { sent, ask } = open({ minDelayMs: 60_000, maxDelayMs: 60_000 });
  await askAll(ask, "abcdefghij");
  await sent[0]!.end(busy());
  await sent[1]!.end(busy());
  await sent[2]!.end(busy());
  assertEquals(names(sent), "abcdefgh");
  await sent[3]!.end();
  assertEquals(names(sent), "abcdefghij");
});

Deno.test("Host obeys Retry-After, whatever succeeds meanwhile", async () => {
  using clock = new FakeClock();
  const { host, sent, ask } = open();
  await askAll(ask, "abcdefghij");
  await sent[0]!.end(busy("50"));
  for (const request of sent.slice(1)) await request.end();
  await clock.tick(49_999);
  assertEquals([names(sent), host.isPaused], ["abcdefgh", true]);
  await clock.tick(1);
  assertEquals(names(sent), "abcdefghij");
});

Deno.test("Host that fails for giveUpAfterMs turns away all waiting requests, for the same time", async () => {
  using clock = new FakeClock();
  const { host, sent, ask } = open({ maxRequests: 2 });
  await askAll(ask, "ab");
  const waiting = [ask("c"), ask("d")];
  await sent[0]!.end(busy("70"));
  await sent[1]!.end(busy());
  await clock.tick(59_999);
  assertEquals(host.givenUp, undefined);
  await clock.tick(1);
  assertEquals(await Promise.all(waiting), [undefined, undefined]);
  const { failedForMs, last } = host.givenUp!;
  assertEquals([failedForMs, last.status, names(sent)], [60_000, 503, "ab"]);
  await clock.tick(59_999);
  assertEquals(host.givenUp?.failedForMs, 60_000);
  await clock.tick(1);
  assertEquals(host.givenUp, undefined);
  await askAll(ask, "e");
  assertEquals(names(sent), "abe");
  await sent[2]!.end();
  assert(host.isHealthy);
});

Deno.test("Host lets no request overtake those that waited for the end of a pause", async () => {
  using clock = new FakeClock();
  const { sent, ask } = open({ maxRequests: 1 });
  await askAll(ask, "ab");
  await sent[0]!.end(busy());
  clock.lateMs = 25;
  await askAll(ask, "c");
  assertEquals(names(sent), "a");
  await clock.tick(20);
  assertEquals(names(sent), "ab");
  await sent[1]!.end();
  assertEquals(names(sent), "abc");
});

Deno.test("Host does not count time without requests as time of failure", async () => {
  using clock = new FakeClock();
  const { host, sent, ask } = open({ minDelayMs: 0 });
  await askAll(ask, "a");
  await sent[0]!.end(busy());
  await clock.tick(60_001);
  await askAll(ask, "b");
  await sent[1]!.end(busy());
  assertEquals(host.givenUp, undefined);
});

Deno.test("waitForPermit() prefers the first host, and uses the next when that one pauses", async () => {
  const first = open({ maxRequests: 1, minDelayMs: 60_000, maxDelayMs: 60_000 });
  const second = open({ maxRequests: 1 });
  const hosts = [first.host, second.host];
  await askAll(first.ask, "a");
  const turned = waitForPermit([first.host], true, undefined);
  await first.sent[0]!.end(busy());
  assertEquals(await turned, undefined);
  const permit = await waitForPermit(hosts, false, undefined);
  assertEquals(permit?.host, second.host);
});
