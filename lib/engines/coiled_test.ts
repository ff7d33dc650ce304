import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "jsr:@std/assert@^1.0.0";
import { type CoiledServerOptions, startCoiledServer } from "../../fixtures/coiled_server.ts";
import { type CoiledOptions, openCoiled } from "./coiled.ts";
import { PATHS } from "./coiled_api.ts";
import { type ArrayJob, EngineError, MERGE } from "./array_engine.ts";
import { type Failure, followJob } from "./follow_job.ts";

const TOKEN = "secret-token-123";
const WORKSPACE = "icpac";

/** A job whose tasks run a few lines of TypeScript. */
async function makeJob(code: string): Promise<ArrayJob & Disposable> {
  const folder = await Deno.makeTempDir();
  const script = `${folder}/stream.ts`;
  await Deno.writeTextFile(script, code);
  return {
    name: "gik-test",
    tasks: 3,
    script,
    streamArguments: ["--work", `${folder}/it's work`],
    permissions: ["--no-prompt", "-A"],
    environment: { KEY: "secret-value" },
    image: "denoland/deno:2.9.6",
    cpus: 2,
    memoryBytes: 2e9,
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}

function openAt(url: string, options: Partial<CoiledOptions> = {}) {
  const patience = { minDelayMs: 1, maxDelayMs: 5 };
  return openCoiled({ token: TOKEN, workspace: WORKSPACE, server: url, ...patience, ...options });
}

const startServer = (options: Partial<CoiledServerOptions> = {}) =>
  startCoiledServer({ token: TOKEN, workspace: WORKSPACE, ...options });

const FOLLOW = { pollEveryMs: 10 };
const GOOD = `console.error("part", Deno.env.get("COILED_BATCH_TASK_ID"), Deno.args.join(" "))`;

Deno.test("a job on Coiled has one machine for each task, then one for the merge", async () => {
  await using server = startServer();
  using job = await makeJob(GOOD);
  const submission = await openAt(server.url, { region: "europe-west1" }).submit(job);
  const states: string[] = [];
  const outcome = await followJob(submission, {
    ...FOLLOW,
    onProgress: ({ queued, done }) => states.push(queued === 3 ? "q" : done === 3 ? "d" : "r"),
  });
  assertEquals(outcome.failures, []);
  assertEquals(outcome.mergeLog, `part 0 --work ${job.streamArguments[1]} --merge`);
  assertEquals([states[0], states.at(-1)], ["q", "d"]);
  assertEquals(states.includes("r"), true);
  const [tasks, merge] = server.submitted;
  assertEquals(server.submitted.length, 2);
  assertEquals(tasks, {
    script: `deno run --no-prompt -A ${job.script} --work ` +
      `'${job.streamArguments[1]!.replace("'", `'\\''`)}' --task auto/3\n`,
    name: tasks!.name,
    workspace: WORKSPACE,
    container: "denoland/deno:2.9.6",
    region: "europe-west1",
    cpu: 2,
    memory: "1908MiB",
    array: "0,1,2",
    secret_env: { KEY: "secret-value" },
  });
  assertMatch(tasks!.name, /^gik-test-[0-9a-f]{8}$/);
  assertMatch(merge!.name, /^gik-test-merge-[0-9a-f]{8}$/);
  assertEquals(merge!.array, "0");
});

Deno.test("a task that fails on Coiled is reported with all pages of its log, and retried once", async () => {
  await using server = startServer();
  using job = await makeJob(`
    if (Deno.env.get("COILED_BATCH_TASK_ID") === "1" && !Deno.args.includes("--merge")) {
      for (let line = 1; line <= 5; line++) console.error("line", line, Deno.env.get("KEY"));
      Deno.exit(4);
    }`);
  const submission = await openAt(server.url).submit(job);
  const failures: Failure[] = [];
  const outcome = await followJob(submission, {
    ...FOLLOW,
    onFailure: (failure) => failures.push(failure),
  });
  const log = [1, 2, 3, 4, 5].map((line) => `line ${line} secret-value`).join("\n");
  const status = { state: "failed", exitCode: 4 } as const;
  assertEquals(failures, [
    { task: 1, status, log, isRetried: true },
    { task: 1, status, log, isRetried: false },
  ]);
  assertEquals(outcome.failures, failures.slice(1));
  assertEquals(server.submitted.map(({ array }) => array), ["0,1,2", "1"]);
  assertEquals(new Set(server.submitted.map(({ name }) => name)).size, 2);
  const pages = server.requests.filter((it) => it.includes("better-logs") && it.includes("500"));
  assertEquals(pages.map((it) => new URL(it.slice(4), server.url).searchParams.get("since_ms")), [
    null,
    "1001",
    "1002",
  ]);
  assertEquals(server.stopped, new Set([500, 501]));
});

Deno.test("a task that fails once on Coiled does not stop the merge", async () => {
  await using server = startServer();
  using job = await makeJob(`
    const mark = import.meta.dirname + "/tried";
    if (Deno.env.get("COILED_BATCH_TASK_ID") === "2") {
      try {
        Deno.statSync(mark);
      } catch {
        Deno.writeTextFileSync(mark, "");
        Deno.exit(1);
      }
    }`);
  const outcome = await followJob(await openAt(server.url).submit(job), FOLLOW);
  assertEquals(outcome.failures, []);
  assertEquals(server.submitted.map(({ array }) => array), ["0,1,2", "2", "0"]);
});

Deno.test("a job on Coiled that is cancelled leaves no machine running", async () => {
  await using server = startServer();
  using job = await makeJob(`await new Promise((resolve) => setTimeout(resolve, 60_000))`);
  const stop = new AbortController();
  const submission = await openAt(server.url, { signal: stop.signal }).submit(job);
  const following = followJob(submission, {
    ...FOLLOW,
    signal: stop.signal,
    onProgress: ({ running }) => running === 3 && stop.abort(new Error("stopped by the user")),
  });
  await assertRejects(() => following, Error, "stopped by the user");
  assertEquals(server.stopped, new Set([500]));
  await submission.cancel();
});

Deno.test("tasks whose machines do not start on Coiled have failed", async () => {
  await using server = startServer({ clusterState: "error" });
  using job = await makeJob(GOOD);
  const { tasks } = await (await openAt(server.url).submit(job)).poll();
  const status = { state: "failed", reason: "its machines did not start, or were lost" } as const;
  assertEquals(tasks, [status, status, status]);
});

Deno.test("a wrong token is one error with a remedy, and does not show the token", async () => {
  await using server = startServer();
  using job = await makeJob(GOOD);
  const engine = openAt(server.url, { token: "wrong-token-456" });
  const error = await assertRejects(() => engine.submit(job), EngineError);
  assertEquals(
    error.message,
    `Cannot submit to ${server.url}${PATHS.submit}: Coiled answered 401, check the token: ` +
      "Invalid token: ApiToken …",
  );
  assertEquals(server.requests.length, 1);
  assertEquals(/wrong-token/.test(Deno.inspect(error)), false);
});

Deno.test("the error has what Coiled finds wrong with a job", async () => {
  await using server = startServer();
  using job = await makeJob(GOOD);
  const engine = openAt(server.url, { workspace: "other" });
  const error = await assertRejects(() => engine.submit(job), EngineError);
  assertStringIncludes(error.message, "Coiled answered 400");
  assertStringIncludes(error.message, 'There is no workspace "other"');
});

Deno.test("a request is repeated while Coiled is busy, that of a job too", async () => {
  const busy = (status: number) =>
    new Response("busy", { status, headers: { "retry-after": "0" } });
  await using server = startServer({ troubles: [busy(429), busy(503)] });
  using job = await makeJob(GOOD);
  await openAt(server.url).submit(job);
  assertEquals([server.requests.length, server.submitted.length], [3, 1]);
});

Deno.test("a job that a failing Coiled may have accepted is not sent twice", async () => {
  await using server = startServer({ troubles: [new Response("oops", { status: 500 })] });
  using job = await makeJob(GOOD);
  await assertRejects(() => openAt(server.url).submit(job), EngineError, "Coiled answered 500");
  assertEquals(server.requests.length, 1);
});

Deno.test("a read that Coiled fails is repeated, up to a limit", async () => {
  const troubles: Response[] = [];
  await using server = startServer({ troubles });
  using job = await makeJob(GOOD);
  const submission = await openAt(server.url, { maxAttempts: 3 }).submit(job);
  troubles.push(new Response("", { status: 502 }), new Response("", { status: 500 }));
  assertEquals((await submission.poll()).tasks[0], { state: "queued" });
  assertEquals(server.requests.length, 4);
  for (let i = 0; i < 3; i++) troubles.push(new Response("", { status: 500 }));
  const error = await assertRejects(() => submission.poll(), EngineError);
  assertStringIncludes(error.message, "Coiled answered 500 (3 attempts)");
});

Deno.test("an answer of Coiled that names no cluster says what to do", async () => {
  await using server = startServer({ leaveOut: ["cluster_id"] });
  using job = await makeJob(GOOD);
  const error = await assertRejects(() => openAt(server.url).submit(job), EngineError);
  assertStringIncludes(error.message, `stop it at ${server.url}`);
});

Deno.test("the plan for Coiled has no values of variables", async () => {
  using job = await makeJob(GOOD);
  const files = openAt("http://127.0.0.1:1").plan(job);
  assertEquals(files.map(({ name }) => name), ["tasks.json", "merge.json"]);
  const [tasks] = files.map(({ text }) => JSON.parse(text));
  assertEquals(tasks.secret_env, { KEY: "<KEY>" });
  assertEquals(tasks.array, "0,1,2");
  assertEquals(/secret-value|secret-token/.test(JSON.stringify(files)), false);
});

Deno.test("the merge of Coiled is queued until it is started", async () => {
  await using server = startServer();
  using job = await makeJob(GOOD);
  const submission = await openAt(server.url).submit(job);
  assertEquals((await submission.poll()).merge, { state: "queued" });
  await submission.retry!([MERGE]);
  assertMatch(server.submitted.at(-1)!.name, /^gik-test-merge-/);
});
