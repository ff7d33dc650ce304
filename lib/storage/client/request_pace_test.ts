import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { RequestPace } from "./request_pace.ts";

function assertNear(actual: number, expected: number, tolerance: number): void {
  assert(Math.abs(actual - expected) <= tolerance, `${actual} instead of ${expected}`);
}

/** Requests that a pace has let through until some time, each served at once. */
function sendUntil(pace: RequestPace, fromMs: number, toMs: number): number {
  let count = 0;
  for (let ms = fromMs; ms < toMs; ms++) {
    while (pace.dueMs <= ms) {
      pace.noteSent(ms);
      pace.noteServed(ms);
      count++;
    }
  }
  return count;
}

/** A pace that was refused at 10 requests a second, at a time of 2 s. */
function openRefused(sharers: number): RequestPace {
  const pace = new RequestPace(sharers);
  for (let ms = 0; ms < 2000; ms += 100) {
    pace.noteSent(ms);
    pace.noteServed(ms);
  }
  pace.noteRefused(2000);
  pace.noteRefused(2000);
  return pace;
}

Deno.test("RequestPace lets everything through until the server refuses", () => {
  const pace = new RequestPace(20);
  assertEquals([pace.dueMs, pace.spacingMs(0), pace.noteSent(0)], [-Infinity, 0, false]);
});

Deno.test("RequestPace of a client with sharers begins at the first refusal, with what was served", () => {
  const pace = new RequestPace(20);
  for (let ms = 0; ms < 2000; ms += 100) {
    pace.noteSent(ms);
    pace.noteServed(ms);
  }
  pace.noteRefused(2000);
  assertNear(1000 / pace.spacingMs(2000), 10, 1);
  assertEquals(pace.noteSent(2000), true);
  assertNear(pace.dueMs, 2095, 1);
  // Nothing is refused: it doubles in a second.
  assertNear(1000 / pace.spacingMs(3000), 20, 2);
});

Deno.test("RequestPace of a client alone begins when refusals follow each other closely", () => {
  const begins = (served: number) => {
    const pace = new RequestPace(1);
    for (let refusals = 1; refusals <= 20; refusals++) {
      for (let i = 0; i < served; i++) pace.noteServed(100 * refusals);
      pace.noteRefused(100 * refusals);
      if (pace.spacingMs(100 * refusals) > 0) return refusals;
    }
    return undefined;
  };
  // Where only requests at once are limited, refusals are rare; where a server is down, none is served.
  assertEquals([begins(8), begins(20), begins(0)], [5, undefined, undefined]);
});

Deno.test("RequestPace falls to three quarters, and is back after 1.5 s, or later with many sharers", () => {
  for (const [sharers, returnMs] of [[2, 1500], [20, 6000]] as const) {
    const pace = openRefused(sharers);
    const paceAt = (ms: number) => 1000 / pace.spacingMs(2000 + ms);
    const level = paceAt(returnMs);
    assertNear(paceAt(0), 0.75 * level, 0.01);
    assert(paceAt(returnMs / 2) > 0.95 * level);
    assertNear(paceAt(2 * returnMs), 4 / 3 * level, 0.01);
    // Where nothing is refused, growth is ever faster.
    assert(paceAt(3 * returnMs) > 9 * level);
  }
});

Deno.test("RequestPace spaces requests, and gives back a short time in which none was sent", () => {
  const pace = openRefused(20);
  const count = sendUntil(pace, 2000, 4000);
  assert(count >= 16 && count <= 20, `${count} in 2 s at 7.5 to 10 a second`);
  // After a long silence there are two at once, not those of the whole time.
  assertEquals(sendUntil(pace, 6000, 6001), 2);
});

Deno.test("RequestPace is refused at no more than twice what was served lately", () => {
  const pace = openRefused(2);
  // It has grown unused, far above what this client sends.
  for (let ms = 2000; ms < 12_000; ms += 200) {
    pace.noteSent(ms);
    pace.noteServed(ms);
  }
  pace.noteRefused(12_000);
  assertNear(1000 / pace.spacingMs(12_000), 0.75 * 10, 0.5);
});

Deno.test("RequestPace sends a request every four seconds at least to a server that serves none", () => {
  const pace = new RequestPace(2);
  pace.noteSent(0);
  for (let ms = 1000; ms < 100_000; ms += 1000) pace.noteRefused(ms);
  assertNear(pace.spacingMs(99_000), 4000 * 4 / 3, 1);
});
