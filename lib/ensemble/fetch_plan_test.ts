import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { makeRandom } from "../../fixtures/random.ts";
import {
  limitCapacity,
  type S3Server,
  type S3ServerOptions,
  startS3Server,
} from "../../fixtures/s3_server.ts";
import { openStorage } from "../storage/mod.ts";
import { chooseGap, countBrought, DEFAULT_POLICY, planRequests, shareBytes } from "./fetch_plan.ts";

const message = (offset: number, length = 100, url = "a") => ({
  reference: { url, offset, length },
});
const half = (it: { reference: { length: number } }) => it.reference.length / 2;

/** Ranges of a plan, each with the offsets of its messages. */
function plan(
  messages: ReturnType<typeof message>[],
  { gapBytes = 50, maxJoinedBytes = 400 } = {},
) {
  return [...planRequests(messages, half, () => gapBytes, maxJoinedBytes)]
    .map(({ url, offset, length, messages }) => [
      `${url} ${offset}+${length}`,
      messages.map((it) => it.reference.offset),
    ]);
}

Deno.test("planRequests() joins wanted parts when the gap between them is short enough", () => {
  assertEquals(plan([message(0), message(100), message(201)]), [
    ["a 0+150", [0, 100]],
    ["a 201+50", [201]],
  ]);
  assertEquals(plan([message(0), message(100), message(201)], { gapBytes: 51 }), [
    ["a 0+251", [0, 100, 201]],
  ]);
});

Deno.test("planRequests() makes no joined request longer than `maxJoinedBytes`, and none where that is 0", () => {
  const messages = [0, 100, 200, 300].map((offset) => message(offset));
  assertEquals(plan(messages, { maxJoinedBytes: 250 }), [
    ["a 0+250", [0, 100, 200]],
    ["a 300+50", [300]],
  ]);
  assertEquals(plan(messages, { maxJoinedBytes: 0 }).length, 4);
  assertEquals(plan([message(0, 1000)]), [["a 0+500", [0]]]);
});

Deno.test("planRequests() ends a request where the longest gap is, not where it is full", () => {
  const messages = [message(0, 100), message(100, 160), message(260, 100), message(360, 100)];
  assertEquals(plan(messages, { gapBytes: 100, maxJoinedBytes: 350 }), [
    ["a 0+180", [0, 100]],
    ["a 260+150", [260, 360]],
  ]);
});

Deno.test("planRequests() finds the cheapest of all ways to join", () => {
  const random = makeRandom(5);
  const draw = (most: number) => 1 + Math.floor(random() * most);
  for (let round = 0; round < 200; round++) {
    let offset = 0;
    const messages = Array.from({ length: 9 }, () => {
      const length = draw(200);
      offset += length;
      return message(offset - length, length);
    });
    const gapBytes = draw(150);
    const maxJoinedBytes = draw(600);
    const cost = (ranges: { length: number }[]) =>
      ranges.reduce((sum, { length }) => sum + gapBytes + length, 0);
    const ways = Array.from({ length: 2 ** 8 }, (_, way) => {
      const groups = [[messages[0]!]];
      for (const [i, next] of messages.slice(1).entries()) {
        if (way & 1 << i) groups.push([next]);
        else groups.at(-1)!.push(next);
      }
      return groups.map((group) => {
        const last = group.at(-1)!;
        const length = last.reference.offset + half(last) - group[0]!.reference.offset;
        return { length, isAllowed: group.length === 1 || length <= maxJoinedBytes };
      });
    }).filter((ranges) => ranges.every(({ isAllowed }) => isAllowed));
    const planned = [...planRequests(messages, half, () => gapBytes, maxJoinedBytes)];
    assertEquals(cost(planned), Math.min(...ways.map(cost)));
  }
});

Deno.test("planRequests() plans each request when it is drawn, with what is known by then", () => {
  const messages = [0, 100, 200, 300].map((offset) => message(offset));
  let gapBytes = 0;
  let share = 0.5;
  const want = (it: { reference: { length: number } }) => it.reference.length * share;
  const requests = planRequests(messages, want, () => gapBytes, 400);
  assertEquals(requests.next().value!.length, 50);
  share = 0.7;
  assertEquals(requests.next().value!.length, 70);
  gapBytes = 30;
  assertEquals(requests.next().value!.length, 170);
  assert(requests.next().done);
});

Deno.test("chooseGap() follows the cost of a request between bounds, and rises when requests are refused", () => {
  const { gapBytes, leastGapBytes, throttledGapBytes } = DEFAULT_POLICY;
  const choose = (bytes: number | undefined, isThrottled = false) =>
    chooseGap(DEFAULT_POLICY, { bytes, isThrottled });
  assertEquals(choose(undefined), gapBytes);
  assertEquals(choose(200_000), 200_000);
  assertEquals([choose(1000), choose(5e6)], [leastGapBytes, gapBytes]);
  assertEquals([choose(undefined, true), choose(1000, true)], [
    throttledGapBytes,
    throttledGapBytes,
  ]);
});

Deno.test("planRequests() orders messages by file, and joins none of two files", () => {
  assertEquals(plan([message(100, 100, "b"), message(100), message(0)]), [
    ["a 0+150", [0, 100]],
    ["b 100+50", [100]],
  ]);
});

Deno.test("planRequests() accepts a message twice, and one inside another", () => {
  assertEquals(plan([message(0, 200), message(0, 200), message(20, 40)]), [
    ["a 0+100", [0, 0, 20]],
  ]);
});

Deno.test("shareBytes() divides all bytes of a request, countBrought() counts those of each message", () => {
  const messages = [message(0), message(100), message(210)];
  const [request] = planRequests(messages, half, () => 60, 400);
  assertEquals(shareBytes(request!), [100, 110, 50]);
  const brought = request!.messages.map(({ reference }) => countBrought(request!, reference));
  assertEquals(brought, [100, 100, 50]);
  assert(request!.length === 260);
});

/** Requests for pairs of messages with 20 to 500 kB between their wanted parts, at a server's cost. */
async function countPlanned(server: S3Server): Promise<number> {
  using clock = new FakeClock(server);
  const storage = openStorage({ endpoint: server.url, minDelayMs: 1, maxDelayMs: 2 });
  const url = "s3://bucket/key";
  let cost = storage.requestCost(url);
  const ask = async (offset: number) => {
    await storage.get(url, { offset, length: 128 * 1024 });
    const { isThrottled, bytes } = storage.requestCost(url);
    cost = { bytes, isThrottled: cost.isThrottled || isThrottled };
  };
  await clock.run(Promise.all(Array.from({ length: 16 }, (_, i) => ask(i))));
  const messages = Array.from({ length: 25 }, (_, i) => message(i * 1e7, (i + 1) * 40_000))
    .flatMap((first) => {
      const { offset, length } = first.reference;
      return [first, message(offset + length, 100_000)];
    });
  const gapBytes = chooseGap(DEFAULT_POLICY, cost);
  return [...planRequests(messages, half, () => gapBytes, DEFAULT_POLICY.maxJoinedBytes)].length;
}

Deno.test("requests are fewer at high latency than at low bandwidth, fewest where the server refuses some", async () => {
  const bucket = new Map([["key", new Uint8Array(256 * 1024)]]);
  const start = (line: Partial<S3ServerOptions>) => startS3Server({ buckets: { bucket }, ...line });
  await using narrow = start({
    bytesPerSecond: 8e6,
    faults: () => ({ kind: "delay", ms: 1 }),
  });
  await using long = start({ faults: () => ({ kind: "delay", ms: 60 }) });
  await using busy = start({ faults: limitCapacity(2, 5) });
  const counts = [await countPlanned(narrow), await countPlanned(long), await countPlanned(busy)];
  const [most, fewer, fewest] = counts;
  assert(most! > fewer! && fewer! > fewest!, `${counts}`);
});
