import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { assertSpyCalls, spy } from "jsr:@std/testing@^1.0.0/mock";
import { FakeTime } from "jsr:@std/testing@^1.0.0/time";
import { EXIT, InterruptedError } from "../errors.ts";
import {
  EngineError,
  type JobStatus,
  MERGE,
  type Submission,
  type TaskId,
  type TaskStatus,
} from "./array_engine.ts";
import { type Failure, findJobExitCode, followJob, type FollowOptions } from "./follow_job.ts";

const KILLED: TaskStatus = { state: "failed", reason: "killed" };
const exits = (exitCode: number): TaskStatus => ({
  state: exitCode === 0 ? "done" : "failed",
  exitCode,
});

/** Ends of the attempts of a task, in order. */
type Ends = TaskStatus[];

/** An engine whose tasks are queued at one poll, running at the next, and over at the third. */
class ScriptedJob implements Submission {
  readonly id = "played-1";
  /** The calls in order. */
  readonly calls: string[] = [];
  /** Polls that fail, from the next one on. */
  failingPolls = 0;
  readonly #ages = new Map<TaskId, number>();
  readonly #attempts = new Map<TaskId, number>();

  constructor(private readonly tasks: Ends[], private readonly merging: Ends = [exits(0)]) {
    for (const task of tasks.keys()) this.#ages.set(task, 0);
  }

  poll(): Promise<JobStatus> {
    if (this.failingPolls-- > 0) return Promise.reject(new EngineError("Cannot ask: no answer"));
    const status = {
      tasks: this.tasks.map((ends, task) => this.#status(task, ends)),
      merge: this.#status(MERGE, this.merging),
    };
    for (const [task, age] of this.#ages) this.#ages.set(task, age + 1);
    return Promise.resolve(status);
  }

  #status(task: TaskId, ends: Ends): TaskStatus {
    const age = this.#ages.get(task);
    if (age === undefined || age === 0) return { state: "queued" };
    return age === 1 ? { state: "running" } : ends[this.#attempts.get(task) ?? 0]!;
  }

  log(task: TaskId): Promise<string> {
    return Promise.resolve(`log of ${task}, attempt ${this.#attempts.get(task) ?? 0}`);
  }

  retry(tasks: readonly TaskId[]): Promise<void> {
    this.calls.push(`retry ${tasks.join(" ")}`);
    for (const task of tasks) {
      this.#ages.set(task, 0);
      this.#attempts.set(task, (this.#attempts.get(task) ?? 0) + 1);
    }
    return Promise.resolve();
  }

  merge(): Promise<void> {
    this.calls.push("merge");
    this.#ages.set(MERGE, 0);
    return Promise.resolve();
  }

  cancel(): Promise<void> {
    this.calls.push("cancel");
    return Promise.resolve();
  }
}

const follow = (job: Submission, options: Partial<FollowOptions> = {}) =>
  followJob(job, { pollEveryMs: 1, ...options });

Deno.test("followJob() runs the merge once all tasks are done, and gives the end of its log", async () => {
  const job = new ScriptedJob([[exits(0)], [exits(0)], [exits(0)]]);
  const seen: string[] = [];
  const outcome = await follow(job, {
    onProgress: ({ queued, running, done, failed }) =>
      seen.push([queued, running, done, failed].join(" ")),
  });
  assertEquals(job.calls, ["merge"]);
  assertEquals(outcome, { failures: [], mergeLog: "log of merge, attempt 0" });
  assertEquals([...new Set(seen)], ["3 0 0 0", "0 3 0 0", "0 0 3 0"]);
});

Deno.test("followJob() retries once what failed, for any reason, and reports it first", async () => {
  const job = new ScriptedJob([[exits(0)], [KILLED, exits(0)], [exits(4), exits(0)]]);
  const reported: Failure[] = [];
  const { failures } = await follow(job, { onFailure: (failure) => reported.push(failure) });
  assertEquals(job.calls, ["retry 1 2", "merge"]);
  assertEquals(failures, []);
  assertEquals(reported, [
    { task: 1, status: KILLED, log: "log of 1, attempt 0", isRetried: true },
    { task: 2, status: exits(4), log: "log of 2, attempt 0", isRetried: true },
  ]);
});

Deno.test("followJob() merges what there is when a task lacks data twice, and reports the task", async () => {
  const lacking = exits(EXIT.incomplete);
  const job = new ScriptedJob([[lacking, lacking], [exits(0)]], [lacking]);
  const { failures, mergeLog } = await follow(job);
  assertEquals(job.calls, ["retry 0", "merge"]);
  assertEquals(failures, [
    { task: 0, status: lacking, log: "log of 0, attempt 1", isRetried: false },
    { task: MERGE, status: lacking, log: "log of merge, attempt 0", isRetried: false },
  ]);
  assertEquals(mergeLog, "log of merge, attempt 0");
  assertEquals(findJobExitCode(failures), EXIT.incomplete);
});

Deno.test("followJob() does not merge when a task fails twice for another reason", async () => {
  const job = new ScriptedJob([[exits(0)], [KILLED, exits(4)]]);
  const { failures, mergeLog } = await follow(job);
  assertEquals(job.calls, ["retry 1", "cancel"]);
  assertEquals(failures.map(({ task, status }) => [task, status.exitCode]), [[1, 4]]);
  assertEquals(mergeLog, undefined);
});

Deno.test("followJob() does not retry a command line that is wrong", async () => {
  const job = new ScriptedJob([[exits(EXIT.usage)], [exits(0)]]);
  const { failures } = await follow(job);
  assertEquals(job.calls, ["cancel"]);
  assertEquals(findJobExitCode(failures), EXIT.usage);
});

Deno.test("followJob() retries a merge that was killed, once", async () => {
  const once = new ScriptedJob([[exits(0)]], [KILLED, exits(0)]);
  assertEquals(await follow(once), { failures: [], mergeLog: "log of merge, attempt 1" });
  assertEquals(once.calls, ["merge", "retry merge"]);
  const twice = new ScriptedJob([[exits(0)]], [KILLED, KILLED]);
  const { failures } = await follow(twice);
  assertEquals(failures.map(({ task }) => task), [MERGE]);
  assertEquals(twice.calls, ["merge", "retry merge"]);
});

Deno.test("followJob() polls at its interval, whatever the engine answers", async () => {
  using time = new FakeTime();
  const job = new ScriptedJob([[exits(0)]]);
  const onProgress = spy();
  using poll = spy(job, "poll");
  const following = follow(job, { pollEveryMs: 60_000, onProgress });
  await time.tickAsync(59_999);
  assertSpyCalls(poll, 1);
  await time.tickAsync(1);
  await time.runMicrotasks();
  assertSpyCalls(poll, 2);
  while (await time.nextAsync());
  assertEquals((await following).failures, []);
  assertSpyCalls(onProgress, poll.calls.length);
  assertEquals(time.now - time.start, 60_000 * (poll.calls.length - 2));
});

Deno.test("followJob() cancels the job when it is interrupted, and throws the reason", async () => {
  const job = new ScriptedJob([[exits(0)], [exits(0)]]);
  const controller = new AbortController();
  const onProgress = () => controller.abort(new InterruptedError("stopped by SIGTERM"));
  await assertRejects(
    () => follow(job, { pollEveryMs: 60_000, signal: controller.signal, onProgress }),
    InterruptedError,
    "stopped by SIGTERM",
  );
  assertEquals(job.calls, ["cancel"]);
});

Deno.test("followJob() says when it is interrupted and cannot cancel the job", async () => {
  const job = new ScriptedJob([[exits(0)]]);
  job.cancel = () => Promise.reject(new EngineError("Cannot run scancel: no answer"));
  const signal = AbortSignal.abort(new InterruptedError("stopped by SIGINT"));
  await assertRejects(
    () => follow(job, { signal }),
    EngineError,
    "Cannot cancel played-1: Cannot run scancel: no answer; its tasks may still run",
  );
});

Deno.test("followJob() continues when the engine does not answer for a while", async () => {
  const job = new ScriptedJob([[exits(0)]]);
  job.failingPolls = 20;
  assertEquals((await follow(job)).failures, []);
  assertEquals(job.calls, ["merge"]);
});

Deno.test("followJob() cancels the job when the engine no longer answers", async () => {
  const job = new ScriptedJob([[exits(0)]]);
  job.failingPolls = 21;
  await assertRejects(() => follow(job), EngineError, "Cannot ask: no answer");
  assertEquals(job.calls, ["cancel"]);
});

const EXIT_CODES: { codes: (number | undefined)[]; exitCode: number }[] = [
  { codes: [], exitCode: EXIT.done },
  { codes: [5, 5], exitCode: EXIT.incomplete },
  { codes: [5, undefined], exitCode: EXIT.failed },
  { codes: [5, 137], exitCode: EXIT.failed },
  { codes: [1, 4], exitCode: EXIT.unreachable },
  { codes: [4, 3, 5], exitCode: EXIT.missing },
  { codes: [3, 2], exitCode: EXIT.usage },
];

for (const { codes, exitCode } of EXIT_CODES) {
  Deno.test(`findJobExitCode() gives ${exitCode} for exit codes [${codes.map(String)}]`, () => {
    const failures = codes.map((code, task): Failure => ({
      task,
      status: { state: "failed", ...(code !== undefined && { exitCode: code }) },
      log: "",
      isRetried: false,
    }));
    assertEquals(findJobExitCode(failures), exitCode);
  });
}
