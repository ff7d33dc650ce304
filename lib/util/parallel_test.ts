import { assert, assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { limitCalls, mapInParallel, runWithin } from "./parallel.ts";

/** Calls that the test ends one by one, in any order. */
function makeGate() {
  const calls: PromiseWithResolvers<string>[] = [];
  return {
    calls,
    call: () => {
      const call = Promise.withResolvers<string>();
      calls.push(call);
      return call.promise;
    },
  };
}

/** Lets all pending promise callbacks run. */
const settle = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("mapInParallel() yields in the order of the items, whatever ends first", async () => {
  const { calls, call } = makeGate();
  const results = Array.fromAsync(mapInParallel(3, [1, 2, 3], call));
  await settle();
  calls[2]!.resolve("third");
  calls[0]!.resolve("first");
  calls[1]!.resolve("second");
  assertEquals(await results, ["first", "second", "third"]);
});

Deno.test("mapInParallel() has at most the limit of calls under way, and always as many", async () => {
  let underWay = 0;
  const seen: number[] = [];
  const map = async (item: number) => {
    seen.push(++underWay);
    await settle();
    underWay--;
    return item * 2;
  };
  const items = Array.from({ length: 20 }, (_, i) => i);
  const results = await Array.fromAsync(mapInParallel(4, items, map));
  assertEquals(results, items.map((item) => item * 2));
  assertEquals([Math.max(...seen), seen.at(-1)], [4, 4]);
});

Deno.test("mapInParallel() takes items only when there is room for their calls", async () => {
  const { calls, call } = makeGate();
  let taken = 0;
  function* takeItems() {
    for (; taken < 5;) yield ++taken;
  }
  const results = Array.fromAsync(mapInParallel(2, takeItems(), call));
  await settle();
  assertEquals(taken, 2);
  calls[0]!.resolve("");
  await settle();
  assertEquals(taken, 3);
  for (let i = 1; i < 5; i++) {
    calls[i]!.resolve("");
    await settle();
  }
  assertEquals((await results).length, 5);
});

Deno.test("mapInParallel() throws the first error after the calls under way have ended", async () => {
  const { calls, call } = makeGate();
  const results = Array.fromAsync(mapInParallel(2, [1, 2, 3, 4], call));
  let ended = false;
  results.catch(() => ended = true);
  await settle();
  calls[0]!.reject(new RangeError("the first"));
  await settle();
  assertEquals(ended, false);
  calls[1]!.reject(new RangeError("the second"));
  await assertRejects(() => results, RangeError, "the first");
  assertEquals(calls.length, 2);
});

for (const ending of ["succeed", "fail"] as const) {
  Deno.test(`mapInParallel() lets its caller leave early, begins no other call, and waits for those that ${ending}`, async () => {
    let begun = 0;
    let ended = 0;
    const map = async (item: number) => {
      begun++;
      await settle();
      ended++;
      if (item > 1 && ending === "fail") throw new Error("nobody waits for it any more");
      return item;
    };
    const leave = async () => {
      for await (const item of mapInParallel(2, [1, 2, 3, 4, 5, 6, 7, 8], map)) {
        throw new RangeError(`the caller fails at ${item}`);
      }
    };
    await assertRejects(leave, RangeError, "the caller fails at 1");
    assertEquals(ended, begun);
    assert(begun <= 4, `${begun} calls for one result`);
    const begunByThen = begun;
    await settle();
    assertEquals(begun, begunByThen);
  });
}

Deno.test("runWithin() draws and runs items as long as their weights fit, a heavy one alone", async () => {
  let load = 0;
  const loads: number[] = [];
  const run = async (weight: number) => {
    loads.push(load += weight);
    await Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve, 1));
    load -= weight;
  };
  await runWithin(10, [4, 5, 2, 30, 1, 9, 1], (weight) => weight, run);
  assertEquals(loads.length, 7);
  assertEquals(loads.filter((it) => it > 10), [30]);
  assertEquals(load, 0);
  assert(loads.includes(9) && loads.includes(10), `${loads}`);
});

Deno.test("runWithin() throws the first error when the calls under way have ended, and begins no others", async () => {
  const begun: number[] = [];
  let ended = 0;
  const error = await assertRejects(
    () =>
      runWithin(2, [1, 2, 3, 4, 5], () => 1, async (item) => {
        begun.push(item);
        await new Promise((resolve) => setTimeout(resolve, item));
        ended++;
        if (item <= 2) throw new Error(`item ${item}`);
      }),
    Error,
  );
  assertEquals(error.message, "item 1");
  assertEquals([begun, ended], [[1, 2], 2]);
});

Deno.test("limitCalls() keeps calls within the limit and in their order, failed ones too", async () => {
  const call = limitCalls(2);
  let underWay = 0;
  let most = 0;
  const order: number[] = [];
  const results = await Promise.allSettled([1, 2, 3, 4, 5].map((i) =>
    call(async () => {
      order.push(i);
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 1));
      underWay--;
      if (i % 2 === 0) throw new Error("even");
      return i;
    })
  ));
  assertEquals([order, most, underWay], [[1, 2, 3, 4, 5], 2, 0]);
  assertEquals(results.map(({ status }) => status === "fulfilled"), [
    true,
    false,
    true,
    false,
    true,
  ]);
});
