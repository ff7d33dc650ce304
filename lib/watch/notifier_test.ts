import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { stub } from "jsr:@std/testing@^1.0.0/mock";
import { type Notification, Notifier, postMessage } from "./notifier.ts";

const URL_OF_HOOK = "https://hook.test/secret";
const MINUTE_MS = 60_000;
const START_MS = Date.parse("2026-02-06T08:00:00Z");

/** The problem at some minutes, and what is posted then. */
const STORY: readonly (readonly [minutes: number, problem: string | undefined, event?: string])[] =
  [
    [0, undefined],
    [1, "late", "failure"],
    [2, "late"],
    [10, undefined],
    [30, "disk"],
    [61, "disk"],
    [62, undefined, "recovery"],
    [63, "late"],
    [90, undefined],
    [130, undefined],
    [131, "late", "failure"],
    [200, "late"],
  ];

Deno.test("a failure and its recovery are posted once each, and never two messages within an hour", async () => {
  const posts: Notification[] = [];
  const post = (_: string, message: Notification) => Promise.resolve(void posts.push(message));
  let notifier = new Notifier(URL_OF_HOOK, "here", post, () => {});
  for (const [minutes, problem, event] of STORY) {
    const before = posts.length;
    await notifier.update(problem, START_MS + minutes * MINUTE_MS);
    assertEquals(posts.slice(before).map((it) => it.event), event ? [event] : [], `${minutes} min`);
    // As after a restart.
    notifier = new Notifier(URL_OF_HOOK, "here", post, () => {}, notifier.state);
  }
  assertEquals(posts[1], {
    event: "recovery",
    problem: "late",
    host: "here",
    time: "2026-02-06T09:02:00.000Z",
  });
});

Deno.test("a hook that fails is a warning without its address, and is called again after an hour", async () => {
  const warnings: string[] = [];
  let calls = 0;
  const post = () => {
    calls++;
    return Promise.reject(new Error(`no route to ${URL_OF_HOOK}`));
  };
  const notifier = new Notifier(URL_OF_HOOK, "here", post, (line) => void warnings.push(line));
  for (const minutes of [0, 1, 59, 60, 61]) {
    await notifier.update("late", START_MS + minutes * MINUTE_MS);
  }
  assertEquals(calls, 2);
  assertEquals(warnings[0], "Cannot post to --notify: no route to the address");
});

Deno.test("a message of the future does not keep the next one back: the clock was set back since", async () => {
  const posts: Notification[] = [];
  const post = (_: string, message: Notification) => Promise.resolve(void posts.push(message));
  const state = { sentMs: START_MS + 365 * 24 * 60 * MINUTE_MS };
  const notifier = new Notifier(URL_OF_HOOK, "here", post, () => {}, state);
  await notifier.update("late", START_MS);
  await notifier.update(undefined, START_MS + MINUTE_MS);
  assertEquals(posts.map(({ event }) => event), ["failure"]);
});

for (const url of ["http://LOCALHOST:1/token", "http://user:token@localhost:1/token"]) {
  Deno.test(`a hook at ${url} that cannot be reached is a warning without its secret`, async () => {
    const warnings: string[] = [];
    const notifier = new Notifier(url, "here", postMessage, (line) => void warnings.push(line));
    await notifier.update("late", START_MS);
    assertEquals(warnings.length, 1);
    assertEquals(warnings.filter((line) => line.includes("token")), []);
  });
}

Deno.test("postMessage() sends JSON, and takes any answer but success for a failure", async () => {
  const requests: Request[] = [];
  let status = 204;
  using _fetch = stub(globalThis, "fetch", (input, init) => {
    requests.push(new Request(input, init));
    return Promise.resolve(new Response(null, { status }));
  });
  const message = { event: "failure", problem: "late", host: "here", time: "x" } as const;
  await postMessage(URL_OF_HOOK, message);
  assertEquals([requests[0]!.method, await requests[0]!.json()], ["POST", message]);
  status = 302;
  await assertRejects(() => postMessage(URL_OF_HOOK, message), Error, "answers 302");
});
