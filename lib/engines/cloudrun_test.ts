import { assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { parse } from "npm:yaml@2.9.1";
import { installProgram } from "../../fixtures/fake_program.ts";
import { findFaults } from "../../fixtures/manifest_types.ts";
import { openCloudRun } from "./cloudrun.ts";
import { type ArrayJob, EngineError } from "./array_engine.ts";
import { hasProgram } from "./program.ts";

const JOB: ArrayJob = {
  name: "gik-20260206-00z",
  tasks: 3,
  script: "https://example.org/stages/stream.ts",
  streamArguments: ["--work=gs://bucket/work"],
  permissions: ["--no-prompt"],
  environment: { KEY: "secret-value" },
  image: "denoland/deno:2.9.6",
  cpus: 2,
  memoryBytes: 2e9,
};
const REGION = "--region=europe-west1";
const engine = openCloudRun({ region: "europe-west1", serviceAccount: "gik@p.example.com" });

/** A task as gcloud lists it. */
function makeTask(index: number, conditions: Record<string, string>, result?: object) {
  return {
    kind: "Task",
    status: {
      // JSON of Google leaves zeros out.
      ...(index > 0 ? { index } : {}),
      conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })),
      ...(result ? { lastAttemptResult: result } : {}),
    },
  };
}

/** gcloud with two executions, of the tasks and of the merge. */
function installGcloud() {
  const gcloud = installProgram("gcloud");
  const execution = (name: string) => JSON.stringify({ kind: "Execution", metadata: { name } });
  gcloud.answer(`run jobs execute ${JOB.name} `, execution("gik-run-abcde"));
  gcloud.answer(`run jobs execute ${JOB.name}-merge `, execution("gik-merge-fghij"));
  return gcloud;
}

function listOf(execution: string): string {
  return `run jobs executions tasks list --execution=${execution}`;
}

Deno.test("manifests of Cloud Run fit its published schema, and broken ones do not", async () => {
  const [tasks, merge] = engine.plan(JOB).map(({ text }) => text) as [string, string];
  assertEquals(await findFaults("cloudrun", tasks, merge), "");
  const renamed = tasks.replace("maxRetries", "maxRetry");
  const retyped = tasks.replace("taskCount: 3", 'taskCount: "3"');
  const faults = await findFaults("cloudrun", renamed, retyped);
  assertStringIncludes(faults, `'"maxRetry"' does not exist`);
  assertStringIncludes(faults, "Type 'string' is not assignable to type 'number'");
});

Deno.test("tasks of Cloud Run are one execution, each with its own retry", () => {
  const [tasks, merge] = engine.plan(JOB).map(({ text }) => parse(text));
  const { taskCount, parallelism, template } = tasks.spec.template.spec;
  assertEquals([taskCount, parallelism, template.spec.maxRetries], [3, 3, 1]);
  assertEquals(template.spec.serviceAccountName, "gik@p.example.com");
  const [container] = template.spec.containers;
  assertEquals(container.args.slice(-2), ["--task", "auto/3"]);
  assertEquals(container.env, [{ name: "KEY", value: "<KEY>" }]);
  const last = merge.spec.template.spec;
  assertEquals([merge.metadata.name, last.taskCount], [`${JOB.name}-merge`, 1]);
  assertEquals(last.template.spec.containers[0].args.at(-1), "--merge");
});

Deno.test("a job on Cloud Run is created, executed, followed and merged by gcloud", async () => {
  using gcloud = installGcloud();
  const submission = await engine.submit(JOB);
  assertEquals(submission.id, "gik-run-abcde");
  gcloud.answer(
    listOf("gik-run-abcde"),
    JSON.stringify([
      makeTask(2, { Started: "Unknown", Completed: "Unknown" }),
      makeTask(0, { Started: "True", Completed: "True" }),
      makeTask(1, { Started: "True", Completed: "Unknown" }),
    ]),
  );
  assertEquals(await submission.poll(), {
    tasks: [{ state: "done", exitCode: 0 }, { state: "running" }, { state: "queued" }],
    merge: { state: "queued" },
  });
  await submission.merge();
  gcloud.answer(
    listOf("gik-merge-fghij"),
    JSON.stringify([makeTask(0, { Started: "True", Completed: "True" })]),
  );
  assertEquals((await submission.poll()).merge, { state: "done", exitCode: 0 });
  const list = (execution: string) => [...listOf(execution).split(" "), "--format=json", REGION];
  const start = (name: string) => [
    ["run", "jobs", "replace", "-", REGION],
    ["run", "jobs", "execute", name, "--async", "--format=json", REGION],
  ];
  const calls = gcloud.readCalls();
  assertEquals(calls.map(({ args }) => args), [
    ...start(JOB.name),
    list("gik-run-abcde"),
    ...start(`${JOB.name}-merge`),
    list("gik-run-abcde"),
    list("gik-merge-fghij"),
  ]);
  assertEquals(parse(calls[0]!.input).spec.template.spec.taskCount, 3);
  assertStringIncludes(calls[0]!.input, "secret-value");
  assertEquals(submission.retry, undefined);
});

Deno.test("a task that failed twice on Cloud Run has the end of its last attempt", async () => {
  using gcloud = installGcloud();
  const submission = await engine.submit(JOB);
  const failed = { Started: "True", Completed: "False" };
  gcloud.answer(
    listOf("gik-run-abcde"),
    JSON.stringify([
      makeTask(0, failed, { exitCode: 5, status: { message: "exit" } }),
      makeTask(1, failed, { termSignal: 9 }),
      makeTask(2, failed, { status: { message: "The image was not found" } }),
    ]),
  );
  assertEquals((await submission.poll()).tasks, [
    { state: "failed", exitCode: 5 },
    { state: "failed", reason: "signal 9" },
    { state: "failed", reason: "The image was not found" },
  ]);
});

Deno.test("the log of a task of Cloud Run comes from Cloud Logging, oldest line first", async () => {
  using gcloud = installGcloud();
  const submission = await engine.submit(JOB);
  gcloud.answer("logging read", "third\nsecond\nfirst");
  assertEquals(await submission.log(2), "first\nsecond\nthird");
  assertEquals(gcloud.readCalls().at(-1)!.args, [
    "logging",
    "read",
    'resource.type="cloud_run_job" AND ' +
    'labels."run.googleapis.com/execution_name"="gik-run-abcde" AND ' +
    'labels."run.googleapis.com/task_index"="2"',
    "--limit=40",
    "--order=desc",
    "--format=value(textPayload)",
  ]);
  gcloud.fail("logging read", "PERMISSION_DENIED");
  assertStringIncludes(await submission.log(2), "PERMISSION_DENIED");
});

Deno.test("cancelling on Cloud Run ends what is under way, and nothing that is over", async () => {
  using gcloud = installGcloud();
  const submission = await engine.submit(JOB);
  await submission.merge();
  const describe = (execution: string, status: object) =>
    gcloud.answer(`run jobs executions describe ${execution}`, JSON.stringify({ status }));
  describe("gik-run-abcde", { completionTime: "2026-02-06T08:20:00Z" });
  describe("gik-merge-fghij", {});
  await submission.cancel();
  const cancelled = gcloud.readCalls().filter(({ args }) => args.includes("cancel"));
  assertEquals(cancelled.map(({ args }) => args), [
    ["run", "jobs", "executions", "cancel", "gik-merge-fghij", "--async", "--quiet", REGION],
  ]);
});

Deno.test("the error has what gcloud says against a job, without values of variables", async () => {
  using gcloud = installGcloud();
  gcloud.fail("run jobs replace", "secret-value: PERMISSION_DENIED");
  const error = await assertRejects(() => engine.submit(JOB), EngineError);
  assertEquals(
    error.message,
    `Cannot run gcloud run jobs replace - ${REGION}: it ended with 1, …: PERMISSION_DENIED`,
  );
});

const gcloudIsHere = await hasProgram("gcloud");

Deno.test({
  name: "the real gcloud takes the manifests, and refuses a broken one" +
    (gcloudIsHere ? "" : " (ignored: there is no gcloud)"),
  ignore: !gcloudIsHere,
  async fn() {
    const posted: { metadata: { name: string }; spec: unknown }[] = [];
    const ready = { observedGeneration: 1, conditions: [{ type: "Ready", status: "True" }] };
    const reply = ({ metadata, ...job }: { metadata: object }) =>
      Response.json({ ...job, metadata: { ...metadata, generation: 1 }, status: ready });
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (it) => {
        if (it.method === "POST") posted.push(await it.json());
        const job = posted.find(({ metadata }) => it.url.includes(`/jobs/${metadata.name}?`));
        if (it.method === "POST") return reply(posted.at(-1)!);
        return job ? reply(job) : Response.json({ error: { code: 404 } }, { status: 404 });
      },
    );
    const folder = await Deno.makeTempDir();
    const replace = async (manifest: string) => {
      const process = new Deno.Command("gcloud", {
        args: ["run", "jobs", "replace", "-", REGION],
        stdin: "piped",
        stdout: "null",
        stderr: "piped",
        signal: AbortSignal.timeout(60_000),
        env: {
          CLOUDSDK_CONFIG: folder,
          CLOUDSDK_CORE_PROJECT: "p",
          CLOUDSDK_AUTH_DISABLE_CREDENTIALS: "true",
          CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: "true",
          // It puts the region before the host, so that only a proxy can take the place of the server.
          CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN: "http://run.example/",
          CLOUDSDK_PROXY_TYPE: "http",
          CLOUDSDK_PROXY_ADDRESS: "127.0.0.1",
          CLOUDSDK_PROXY_PORT: String(server.addr.port),
        },
      }).spawn();
      await new Blob([manifest]).stream().pipeTo(process.stdin);
      const { success, stderr } = await process.output();
      return { success, said: new TextDecoder().decode(stderr) };
    };
    try {
      for (const { text } of engine.plan(JOB)) {
        const { success, said } = await replace(text);
        assertEquals(success, true, said);
        assertEquals(posted.at(-1)!.metadata.name, parse(text).metadata.name);
      }
      const broken = engine.plan(JOB)[0]!.text.replace("maxRetries", "maxRetry");
      const { success, said } = await replace(broken);
      assertEquals(success, false);
      assertStringIncludes(said, "maxRetry");
      assertEquals(posted.length, 2);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
