import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import {
  countBrought,
  DEFAULT_POLICY,
  type FetchPolicy,
  planRequests,
  shareBytes,
} from "./fetch_plan.ts";

const POLICY: FetchPolicy = { ...DEFAULT_POLICY, gapBytes: 50, maxJoinedBytes: 400 };

const message = (offset: number, length = 100, url = "a") => ({
  reference: { url, offset, length },
});
const half = (it: { reference: { length: number } }) => it.reference.length / 2;

/** Ranges of a plan, each with the offsets of its messages. */
function plan(messages: ReturnType<typeof message>[], policy: Partial<FetchPolicy> = {}) {
  return planRequests(messages, half, { ...POLICY, ...policy })
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

Deno.test("planRequests() makes no joined request longer than allowed, and none where that is 0", () => {
  const messages = [0, 100, 200, 300].map((offset) => message(offset));
  assertEquals(plan(messages, { maxJoinedBytes: 250 }), [
    ["a 0+250", [0, 100, 200]],
    ["a 300+50", [300]],
  ]);
  assertEquals(plan(messages, { maxJoinedBytes: 0 }).length, 4);
  assertEquals(plan([message(0, 1000)]), [["a 0+500", [0]]]);
});

Deno.test("planRequests() takes messages in the order of their files, and joins none of two files", () => {
  assertEquals(plan([message(100, 100, "b"), message(100), message(0)]), [
    ["a 0+150", [0, 100]],
    ["b 100+50", [100]],
  ]);
});

Deno.test("planRequests() takes one message twice, and one inside another", () => {
  assertEquals(plan([message(0, 200), message(0, 200), message(20, 40)]), [
    ["a 0+100", [0, 0, 20]],
  ]);
});

Deno.test("shareBytes() divides all bytes of a request, countBrought() tells how much of each is there", () => {
  const [request] = planRequests([message(0), message(100), message(210)], half, {
    ...POLICY,
    gapBytes: 60,
  });
  assertEquals(shareBytes(request!), [100, 110, 50]);
  const brought = request!.messages.map(({ reference }) => countBrought(request!, reference));
  assertEquals(brought, [100, 100, 50]);
  assert(request!.length === 260);
});
