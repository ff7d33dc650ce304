import { assert, assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@^1.0.0";
import { delay } from "jsr:@std/async@^1.1.0";
import { assertSpyCall, assertSpyCalls, MockError, spy, stub } from "jsr:@std/testing@^1.0.0/mock";
import { FakeTime, TimeError } from "jsr:@std/testing@^1.0.0/time";

Deno.test("FakeTime calls what is due in order, and an interval until it is cleared", () => {
  using time = new FakeTime("2026-02-06T00:00:00Z");
  const called = spy((_name: string) => time.now - time.start);
  setTimeout(called, 30, "late");
  const cleared = setTimeout(called, 10, "never");
  setTimeout(called, 10, "first");
  setTimeout(called, 10.9, "second");
  setTimeout(() => setTimeout(called, 5, "nested"), 20);
  const interval = setInterval(called, 14, "interval");
  clearTimeout(cleared);
  time.tick(29);
  time.tick(1);
  clearInterval(interval);
  time.tick(1000);
  assertEquals(called.calls.map(({ args: [name], returned }) => [name, returned]), [
    ["first", 10],
    ["second", 10],
    ["interval", 14],
    ["nested", 25],
    ["interval", 28],
    ["late", 30],
  ]);
});

Deno.test("FakeTime sets Date, and gives everything back at its end", async () => {
  const real = [Date, setTimeout, clearTimeout, setInterval, clearInterval, AbortSignal.timeout];
  const realMs = Date.now();
  {
    using time = new FakeTime(1000.7);
    time.tick(500);
    assertEquals([Date.now(), new Date().getTime(), time.now, time.start], [
      1500,
      1500,
      1500,
      1000,
    ]);
    assert(new Date() instanceof Date);
    assertThrows(() => time.now = 1499, RangeError, "time must be >= 1500: received 1499");
    assertThrows(() => new FakeTime(), TimeError, "already faked");
    await time.delay(1);
    assertEquals(time.now, 1500);
  }
  assertEquals(
    [Date, setTimeout, clearTimeout, setInterval, clearInterval, AbortSignal.timeout],
    real,
  );
  assert(Date.now() >= realMs);
  assertThrows(() => new FakeTime("soon"), TypeError, "invalid start time");
  const time = new FakeTime(null);
  time.restore();
  assertThrows(() => time.restore(), TimeError, "already restored");
});

Deno.test("FakeTime moves to the next timer, and over all of them with those that they set", async () => {
  using time = new FakeTime(0);
  assertEquals([time.next(), time.now], [false, 0]);
  const repeat = spy(() => {
    if (repeat.calls.length < 3) setTimeout(repeat, 60_000);
  });
  setTimeout(repeat, 60_000);
  assertEquals([time.next(), time.now], [true, 60_000]);
  assertEquals([await time.nextAsync(), time.now], [true, 120_000]);
  time.runAll();
  assertEquals(time.now, 240_000);
  assertSpyCalls(repeat, 4);
});

Deno.test("FakeTime reaches the wait of std, and AbortSignal.timeout()", async () => {
  using time = new FakeTime();
  const waits = Promise.all([delay(3_600_000).then(() => delay(3_600_000)), delay(5)]);
  const stop = new AbortController();
  const stopped = assertRejects(() => delay(1e12, { signal: stop.signal }), RangeError, "enough");
  const signal = AbortSignal.timeout(1000);
  await time.tickAsync(999);
  assertEquals(signal.aborted, false);
  await time.tickAsync(1);
  assertEquals([signal.aborted, signal.reason.name], [true, "TimeoutError"]);
  stop.abort(new RangeError("enough"));
  await stopped;
  await time.runAllAsync();
  await waits;
  assertEquals(time.now - time.start, 7_200_000);
});

Deno.test("delay() rejects with the signal's reason, before and while it waits", async () => {
  const stop = new AbortController();
  const waiting = assertRejects(() => delay(60_000, { signal: stop.signal }), RangeError, "enough");
  stop.abort(new RangeError("enough"));
  await waiting;
  await assertRejects(() => delay(60_000, { signal: stop.signal }), RangeError, "enough");
});

Deno.test("FakeTime stops at a timer that throws", () => {
  using time = new FakeTime(0);
  setTimeout(() => {
    throw new RangeError("enough");
  }, 10);
  assertThrows(() => time.tick(20), RangeError, "enough");
  assertEquals(time.now, 10);
});

class Counter {
  #count = 0;
  add(n: number, m = 0): number {
    if (n < 0) throw new RangeError("no less");
    return this.#count += n + m;
  }
}

Deno.test("spy() records the calls of a method with what they give, and lets go of it", () => {
  const counter = new Counter();
  {
    using add = spy(counter, "add");
    assertEquals([counter.add(2), counter.add(3, 1)], [2, 6]);
    assertThrows(() => counter.add(-1), RangeError);
    assertSpyCalls(add, 3);
    assertSpyCall(add, 1, { args: [3, 1], self: counter, returned: 6 });
    assertSpyCall(add, 2, { args: [-1], error: { Class: RangeError, msgIncludes: "no less" } });
    assertThrows(() => assertSpyCalls(add, 2), Error, "called more than expected");
    assertThrows(() => assertSpyCalls(add, 4), Error, "not called as much as expected");
    assertThrows(() => assertSpyCall(add, 3), Error, "not called as much as expected");
    assertThrows(() => assertSpyCall(add, 0, { args: [3] }), Error);
    assertThrows(() => assertSpyCall(add, 0, { returned: 3 }), Error);
    assertThrows(() => assertSpyCall(add, 0, { self: new Counter() }), Error);
    assertThrows(() => assertSpyCall(add, 0, { error: {} }), Error, "a value was returned");
    assertThrows(() => assertSpyCall(add, 2, { returned: 6 }), Error, "an error was thrown");
    assertThrows(() => spy(counter, "add"), MockError, "already spying");
  }
  assertEquals([Object.hasOwn(counter, "add"), counter.add(1)], [false, 7]);
});

Deno.test("stub() does something else than the method, which it gives back", () => {
  const counter = new Counter();
  const add = stub(counter, "add", (n) => 10 * n);
  assertEquals([counter.add(2), add.restored], [20, false]);
  add.restore();
  assertEquals([counter.add(2), add.restored], [2, true]);
  assertThrows(() => add.restore(), MockError, "already restored");
  using nothing = stub(console, "log");
  console.log("unseen");
  assertSpyCall(nothing, 0, { args: ["unseen"], returned: undefined });
  const unmade = spy();
  unmade(1, 2);
  assertSpyCall(unmade, 0, { args: [1, 2] });
  assertThrows(() => unmade.restore(), MockError, "function cannot be restored");
});
