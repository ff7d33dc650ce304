/**
 * What real std refuses to compile must not compile here either. Each line below an expected error is
 * one; a wrapper that is looser than std makes the type check of this file fail.
 */
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@^1.0.0";
import { pooledMap } from "jsr:@std/async@^1.1.0";
import { parseArgs } from "jsr:@std/cli@^1.0.0/parse-args";
import { parse } from "jsr:@std/dotenv@^0.225.0/parse";
import { assertSpyCall, spy, stub } from "jsr:@std/testing@^1.0.0/mock";
import { FakeTime } from "jsr:@std/testing@^1.0.0/time";

const names: readonly string[] = ["name"];

Deno.test("parseArgs() knows nothing of an option that may be a string and a boolean", () => {
  const parsed = parseArgs(["--name", "x"], { string: names, boolean: names.slice(1) });
  const value: undefined = parsed.name;
  assertEquals<unknown>(value, "x");
  // @ts-expect-error TS2322: std's `Args` has `undefined` here
  parsed.name = "y";
  // @ts-expect-error TS2322
  const unnamed: string[] = parsed._;
  assertEquals(unnamed, []);
});

Deno.test("parseArgs() gives a string or nothing where all options are strings", () => {
  const parsed = parseArgs(["--name", "x"], { string: names });
  const value: string | undefined = parsed.name;
  assertEquals(value, "x");
  // @ts-expect-error TS2322
  const always: string = parsed.name;
  assertEquals(always, "x");
});

Deno.test("assertThrows() and assertRejects() take a class and give its instance", async () => {
  class OwnError extends Error {
    readonly code = 1;
  }
  const fail = () => {
    throw new OwnError();
  };
  assertEquals(assertThrows(fail, OwnError).code, 1);
  assertEquals((await assertRejects(() => Promise.reject(new OwnError()), OwnError)).code, 1);
  // @ts-expect-error TS2345: an instance is no class
  assertThrows(fail, new OwnError());
  // @ts-expect-error TS2322: a function that rejects gives a promise
  await assertRejects(fail as () => number, OwnError).catch(() => {});
});

Deno.test("assertInstanceOf() narrows the type to that of the class", () => {
  const value: unknown = new Map([["a", 1]]);
  // @ts-expect-error TS18046: nothing is known of it yet
  assertEquals(value.size, 1);
  assertInstanceOf(value, Map);
  assertEquals(value.size, 1);
});

Deno.test("pooledMap() takes a function that gives a promise", async () => {
  // @ts-expect-error TS2322: `Promise<R>` in std
  const results = pooledMap(2, [1, 2], (n: number) => n);
  assertEquals(await Array.fromAsync(results), [1, 2]);
});

Deno.test("parse() gives strings for the names of a .env file", () => {
  const variables: Record<string, string> = parse("A=1\nB='two words'\n");
  assertEquals(variables, { A: "1", B: "two words" });
});

Deno.test("spy() and stub() have the arguments and the result of what they stand for", () => {
  const counter = { add: (n: number) => n + 1, name: "counter" };
  const add = spy(counter.add);
  const sum: number = add(1);
  // @ts-expect-error TS2345: the function takes a number
  add("1");
  // @ts-expect-error TS2322: an argument is a number
  assertSpyCall(add, 0, { args: ["1"].map(Number) as [string], returned: sum });
  // @ts-expect-error TS2322: it gives a number
  using added = stub(counter, "add", () => "2");
  assertEquals<unknown>(counter.add(1), "2");
  // @ts-expect-error TS2345: not a property
  assertThrows(() => stub(counter, "subtract"), Error);
  const args: [n: number] = added.calls[0]!.args;
  assertEquals(args, [1]);
});

Deno.test("FakeTime starts at a number, a text or a date", () => {
  for (const start of [5, "1970-01-01T00:00:00.005Z", new Date(5)]) {
    using time = new FakeTime(start);
    assertEquals(time.start, 5);
    // @ts-expect-error TS2540: the start cannot be changed
    assertThrows(() => time.start = 6, TypeError);
  }
  // @ts-expect-error TS2322: no time
  const start: ConstructorParameters<typeof FakeTime>[0] = {};
  assertEquals<unknown>(start, {});
});
