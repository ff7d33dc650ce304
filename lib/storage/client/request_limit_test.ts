import { assert, assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { RequestLimit } from "./request_limit.ts";

/** Notes as many successes as there are requests at once, with the limit in use. */
function passRound(limit: RequestLimit): number {
  const underWay = limit.allowed;
  for (let i = 0; i < underWay; i++) limit.grow(limit.allowed);
  return limit.allowed;
}

/**
 * Sends rounds of requests to a server that refuses what is beyond its capacity; only the first
 * refusal of a round counts.
 */
function askServer(limit: RequestLimit, capacity: number, rounds: number) {
  let refused = 0;
  let served = 0;
  for (let round = 0; round < rounds; round++) {
    const sent = limit.allowed;
    if (sent > capacity) limit.cut(sent);
    for (let i = 0; i < Math.min(sent, capacity); i++) limit.grow(sent);
    refused += Math.max(0, sent - capacity);
    served += Math.min(sent, capacity);
  }
  return { refused, served };
}

Deno.test("RequestLimit doubles from 8 in a round, up to its ceiling", () => {
  const limit = new RequestLimit(50);
  assertEquals(limit.allowed, 8);
  assertEquals([passRound(limit), passRound(limit), passRound(limit)], [16, 32, 50]);
  assertEquals(passRound(limit), 50);
  assertEquals(new RequestLimit(3).allowed, 3);
});

Deno.test("RequestLimit refuses a ceiling under which no request could be sent", () => {
  for (const ceiling of [0, -1, 2.5, NaN, Infinity]) {
    assertThrows(() => new RequestLimit(ceiling), RangeError, `${ceiling} requests at once`);
  }
});

Deno.test("RequestLimit does not grow while it is not in use", () => {
  const limit = new RequestLimit(50);
  for (let i = 0; i < 100; i++) limit.grow(7);
  assertEquals(limit.allowed, 8);
});

Deno.test("RequestLimit falls to three quarters of the level that was refused, never below 1", () => {
  const limit = new RequestLimit(100);
  passRound(limit);
  limit.cut(12);
  assertEquals(limit.allowed, 9);
  limit.cut(100);
  assertEquals(limit.allowed, 6);
  for (let i = 0; i < 10; i++) limit.cut(1);
  assertEquals(limit.allowed, 1);
});

/** Counts the rounds from a refusal at a level back to that level. */
function countRounds(limit: RequestLimit, level: number): number {
  limit.cut(level);
  let rounds = 0;
  for (; limit.allowed < level; rounds++) passRound(limit);
  return rounds;
}

Deno.test("RequestLimit grows by one a round after a refusal", () => {
  const limit = new RequestLimit(100);
  for (let i = 0; i < 3; i++) passRound(limit);
  assertEquals(countRounds(limit, 40), 11);
  assertEquals(countRounds(limit, 20), 6);
  assertEquals(countRounds(limit, 10), 3);
});

Deno.test("RequestLimit grows more slowly near a level with each refusal there", () => {
  const limit = new RequestLimit(100);
  passRound(limit);
  const rounds = Array.from({ length: 7 }, () => countRounds(limit, 9));
  assertEquals(rounds, [3, 4, 6, 10, 17, 17, 17]);
  assertEquals(countRounds(limit, 6), 2);
});

Deno.test("RequestLimit restarts with two, and soon reaches what the last cut left", () => {
  const limit = new RequestLimit(100);
  for (let i = 0; i < 3; i++) passRound(limit);
  limit.cut(40);
  limit.restart();
  assertEquals(limit.allowed, 2);
  limit.restart();
  const levels = Array.from({ length: 6 }, () => passRound(limit));
  assertEquals(levels.slice(0, 3), [4, 8, 16]);
  assert(levels[3]! >= 30 && levels[5]! <= 33, `${levels}`);
});

Deno.test("RequestLimit is felt after a refusal, while it is in use, until it outgrows that level", () => {
  const limit = new RequestLimit(100);
  assert(!limit.isFelt);
  passRound(limit);
  assert(!limit.isFelt);
  limit.cut(12);
  assert(limit.isFelt);
  limit.grow(limit.allowed - 1);
  assert(!limit.isFelt);
  const levels: number[] = [];
  do levels.push(passRound(limit)); while (limit.isFelt);
  assertEquals([levels[0], levels.at(-1)], [9, 13]);
});

for (const capacity of [1, 3, 8, 20, 60]) {
  Deno.test(`RequestLimit settles at a server's capacity of ${capacity}`, () => {
    const limit = new RequestLimit(200);
    askServer(limit, capacity, 100);
    const { refused, served } = askServer(limit, capacity, 1000);
    assert(served >= 0.93 * 1000 * capacity, `${served} served`);
    assert(refused <= 0.02 * served + 100, `${refused} refused`);
    assert(Math.abs(limit.allowed - capacity) <= Math.max(1, capacity / 4), `${limit.allowed}`);
  });
}
