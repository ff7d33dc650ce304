import { assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { parse } from "npm:yaml@2.9.1";
import { type FakeProgram, installProgram } from "../../fixtures/fake_program.ts";
import { findFaults } from "../../fixtures/manifest_types.ts";
import { type ArrayJob, EngineError, MERGE } from "./array_engine.ts";
import { followJob } from "./follow_job.ts";
import { openKubernetes } from "./kubernetes.ts";
import { hasProgram } from "./program.ts";

const JOB: ArrayJob = {
  name: "gik-20260206-00z",
  tasks: 3,
  script: "https://example.org/stages/stream.ts",
  streamArguments: ["--work=gs://bucket/work"],
  permissions: ["--no-prompt", "--allow-net=storage.googleapis.com:443"],
  environment: { KEY: "secret-value" },
  image: "denoland/deno:2.9.6",
  cpus: 2,
  memoryBytes: 2e9,
};
const SELECTOR = `app.kubernetes.io/instance=${JOB.name}`;
const GET = ["get", "jobs,pods", "--selector", SELECTOR, "--output", "json"];

/** A Job as kubectl lists it. */
function makeJob(name: string, status: object) {
  return { kind: "Job", metadata: { name, creationTimestamp: "2026-02-06T08:00:00Z" }, status };
}

/** A pod: attempt `attempt` of a task, ended with an exit code or still in a phase. */
function makePod(index: number | typeof MERGE, attempt: number, end: number | string) {
  const jobName = index === MERGE ? `${JOB.name}-merge` : JOB.name;
  const terminated = { exitCode: end, reason: end === 137 ? "OOMKilled" : "Error" };
  return {
    kind: "Pod",
    metadata: {
      name: `${jobName}-${index}-${attempt}`,
      creationTimestamp: `2026-02-06T08:0${attempt}:00Z`,
      labels: { "batch.kubernetes.io/job-name": jobName },
      ...(index === MERGE
        ? {}
        : { annotations: { "batch.kubernetes.io/job-completion-index": String(index) } }),
    },
    status: typeof end === "string"
      ? { phase: end }
      : { phase: "Failed", containerStatuses: [{ state: { terminated } }] },
  };
}

const over = (type: string, reason?: string) => ({
  conditions: [{ type, status: "True", reason }],
});

function show(kubectl: FakeProgram, ...items: object[]): void {
  kubectl.answer(GET.join(" "), JSON.stringify({ kind: "List", items }));
}

Deno.test("manifests of Kubernetes fit its published schema, and broken ones do not", async () => {
  const engine = openKubernetes({ serviceAccount: "reader", secret: "gcs-key" });
  const [tasks, merge] = engine.plan(JOB).map(({ text }) => text) as [string, string];
  assertEquals(await findFaults("kubernetes", tasks, merge), "");
  assertEquals(/[&*]a1/.test(tasks), false);
  const renamed = tasks.replace("backoffLimitPerIndex", "backoffLimitPerTask");
  const retyped = tasks.replace("completions: 3", 'completions: "3"');
  const faults = await findFaults("kubernetes", renamed, retyped);
  assertStringIncludes(faults, `'"backoffLimitPerTask"' does not exist`);
  assertStringIncludes(faults, "Type 'string' is not assignable to type 'number'");
});

Deno.test("each task of Kubernetes is an index with its own retry, in one container", () => {
  const [tasks, merge] = openKubernetes().plan(JOB).map(({ text }) => parse(text));
  const { completionMode, completions, parallelism, backoffLimitPerIndex, template } = tasks.spec;
  assertEquals(
    { completionMode, completions, parallelism, backoffLimitPerIndex },
    { completionMode: "Indexed", completions: 3, parallelism: 3, backoffLimitPerIndex: 1 },
  );
  assertEquals(template.spec.restartPolicy, "Never");
  const [container] = template.spec.containers;
  assertEquals([container.image, container.command], [JOB.image, ["deno"]]);
  const common = ["run", ...JOB.permissions, JOB.script, "--work=gs://bucket/work"];
  assertEquals(container.args, [...common, "--task", "auto/3"]);
  assertEquals(container.resources.limits, { cpu: "2", memory: "1908Mi" });
  assertEquals(container.resources.requests, container.resources.limits);
  assertEquals(merge.metadata.name, `${JOB.name}-merge`);
  assertEquals(merge.spec.template.spec.containers[0].args, [...common, "--merge"]);
  assertEquals(merge.spec.completionMode, undefined);
});

Deno.test("a secret of Kubernetes is mounted as the key file of a service account", () => {
  const [tasks] = openKubernetes({ secret: "gcs-key" }).plan(JOB).map(({ text }) => parse(text));
  const { containers: [container], volumes } = tasks.spec.template.spec;
  assertEquals(volumes, [{ name: "gcs", secret: { secretName: "gcs-key" } }]);
  assertEquals(container.env, [
    { name: "KEY", value: "<KEY>" },
    { name: "GCS_SERVICE_ACCOUNT_FILE", value: "keys/key.json" },
  ]);
  assertEquals(container.volumeMounts[0].mountPath, `${container.workingDir}/keys`);
});

Deno.test("a job on Kubernetes is created, followed and merged by kubectl", async () => {
  using kubectl = installProgram("kubectl");
  show(kubectl);
  const submission = await openKubernetes().submit(JOB);
  const tasksDone = makeJob(JOB.name, { completedIndexes: "0-2" });
  const mergeName = `${JOB.name}-merge`;
  const views = [
    [makeJob(JOB.name, {}), makePod(1, 1, "Running"), makePod(2, 1, "Pending")],
    [makeJob(JOB.name, { completedIndexes: "1" }), makePod(0, 1, "Running")],
    [tasksDone],
    [tasksDone, makeJob(mergeName, {}), makePod(MERGE, 1, "Running")],
    [tasksDone, makeJob(mergeName, over("Complete")), makePod(MERGE, 1, "Succeeded")],
  ];
  kubectl.answer("logs", "written gs://bucket/out.nc");
  const seen: object[] = [];
  show(kubectl, ...views.shift()!);
  const outcome = await followJob({
    ...{ id: submission.id, merge: () => submission.merge(), cancel: () => submission.cancel() },
    log: (task) => submission.log(task),
    async poll() {
      const status = await submission.poll();
      seen.push([...status.tasks, status.merge].map(({ state }) => state));
      if (views.length > 0) show(kubectl, ...views.shift()!);
      return status;
    },
  }, { pollEveryMs: 1 });
  assertEquals(outcome, { failures: [], mergeLog: "written gs://bucket/out.nc\n" });
  assertEquals(seen, [
    ["queued", "running", "queued", "queued"],
    ["running", "done", "queued", "queued"],
    ["done", "done", "done", "queued"],
    ["done", "done", "done", "running"],
    ["done", "done", "done", "done"],
  ]);
  const calls = kubectl.readCalls();
  const created = calls.filter(({ args }) => args[0] === "create");
  assertEquals(created.map(({ args }) => args), [1, 2].map(() => ["create", "--filename", "-"]));
  assertEquals(created.map(({ input }) => parse(input).metadata.name), [JOB.name, mergeName]);
  assertStringIncludes(created[0]!.input, "secret-value");
  assertEquals(calls.filter(({ args }) => args[0] === "get")[0]!.args, GET);
  assertEquals(calls.at(-1)!.args, ["logs", `${mergeName}-merge-1`, "--tail=40"]);
});

Deno.test("a task that failed twice on Kubernetes has the end of its last pod", async () => {
  using kubectl = installProgram("kubectl");
  const submission = await openKubernetes().submit(JOB);
  show(
    kubectl,
    makeJob(JOB.name, { completedIndexes: "2", failedIndexes: "0,1" }),
    makePod(0, 2, 5),
    makePod(0, 1, 1),
    makePod(1, 2, 137),
  );
  assertEquals((await submission.poll()).tasks, [
    { state: "failed", exitCode: 5 },
    { state: "failed", exitCode: 137, reason: "OOMKilled" },
    { state: "done", exitCode: 0 },
  ]);
  kubectl.answer("logs", "tp at 36 h is missing");
  assertEquals(await submission.log(0), "tp at 36 h is missing\n");
  assertEquals(kubectl.readCalls().at(-1)!.args[1], `${JOB.name}-0-2`);
  assertEquals(submission.retry, undefined);
});

Deno.test("tasks that were not done have failed when their Job on Kubernetes ended early or was deleted", async () => {
  using kubectl = installProgram("kubectl");
  const submission = await openKubernetes().submit(JOB);
  const ended = { completedIndexes: "0", ...over("Failed", "DeadlineExceeded") };
  show(kubectl, makeJob(JOB.name, ended));
  const failed = { state: "failed", reason: "DeadlineExceeded" } as const;
  assertEquals((await submission.poll()).tasks, [{ state: "done", exitCode: 0 }, failed, failed]);
  show(kubectl);
  const gone = { state: "failed", reason: "its Job was deleted" } as const;
  assertEquals((await submission.poll()).tasks, [gone, gone, gone]);
});

Deno.test("a log that Kubernetes does not have is a line that says why, and no error", async () => {
  using kubectl = installProgram("kubectl");
  show(kubectl, makePod(0, 1, 1));
  const submission = await openKubernetes().submit(JOB);
  assertStringIncludes(await submission.log(1), `kubectl describe job/${JOB.name}`);
  kubectl.fail("logs", "the node is gone");
  assertStringIncludes(await submission.log(0), "the node is gone");
});

Deno.test("cancelling on Kubernetes deletes the Jobs and their pods", async () => {
  using kubectl = installProgram("kubectl");
  await (await openKubernetes().submit(JOB)).cancel();
  assertEquals(kubectl.readCalls().at(-1)!.args, [
    "delete",
    "jobs",
    "--selector",
    SELECTOR,
    "--ignore-not-found",
    "--wait=false",
  ]);
});

Deno.test("the error has what kubectl says against a job, without values of variables", async () => {
  using kubectl = installProgram("kubectl");
  kubectl.fail("create", 'Invalid value: "secret-value": jobs is forbidden');
  const error = await assertRejects(() => openKubernetes().submit(JOB), EngineError);
  assertEquals(
    error.message,
    'Cannot run kubectl create --filename -: it ended with 1, Invalid value: "…": jobs is forbidden',
  );
});

Deno.test("a program that is not on the path is one error that says so", async () => {
  const path = Deno.env.get("PATH")!;
  try {
    Deno.env.set("PATH", "/nowhere");
    assertEquals(await hasProgram("kubectl"), false);
    const error = await assertRejects(() => openKubernetes().submit(JOB), EngineError);
    assertEquals(error.message, "Cannot run kubectl: it is not on the path; install it");
  } finally {
    Deno.env.set("PATH", path);
  }
});
