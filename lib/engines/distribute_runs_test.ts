import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { openWorkplace, type Workplace } from "../../fixtures/embedded_run.ts";
import { EXIT } from "../errors.ts";
import { parseRun, type Run, runLabel } from "../ecmwf/run.ts";
import { GIK } from "../output/profile.ts";
import { makeRuns } from "../runs/make_runs.ts";
import type { ArrayJob, Engine, Submission } from "./array_engine.ts";
import { distributeWork } from "./distribute_runs.ts";

const RUNS = ["20260206", "20260207"].map((date) => parseRun(date, "00"));

/** An engine whose merge writes a file and ends with this code. */
function fakeEngine(log: string[], write: () => Promise<void>, exitCode: number): Engine {
  const state = exitCode === 0 ? "done" : "failed";
  return {
    name: "fake",
    plan: () => [],
    async submit({ name }) {
      log.push(`submit ${name}`);
      await write();
      const submission: Submission = {
        id: name,
        poll: () =>
          Promise.resolve({
            tasks: [{ state: "done", exitCode: 0 }],
            merge: { state, exitCode },
          }),
        log: () => Promise.resolve("warning: u700 lacks"),
        retry: () => Promise.resolve(),
        merge: () => Promise.resolve(),
        cancel: () => Promise.resolve(),
      };
      return submission;
    },
  };
}

/** Distributes two runs; the merge of the first one ends with a code. */
async function distributeRuns({ folder, context }: Workplace, exitCode: number) {
  const log: string[] = [];
  const job = (run: Run): ArrayJob => ({
    name: runLabel(run),
    tasks: 1,
    script: "stream.ts",
    streamArguments: [],
    permissions: [],
    environment: {},
    image: "",
    cpus: 1,
    memoryBytes: 1e9,
  });
  const work = distributeWork(
    { profile: GIK, outputDir: folder },
    (run) => {
      const write = () => Deno.writeTextFile(`${folder}/${GIK.fileName(run)}`, run.date);
      const code = run === RUNS[0] ? exitCode : 0;
      return Promise.resolve({
        engine: fakeEngine(log, write, code),
        job: job(run),
        pollEveryMs: 1,
      });
    },
    new AbortController().signal,
  );
  const options = { command: "distribute", folder, options: {} };
  const outcomes = await makeRuns(RUNS, work, options, context);
  return { log, ends: outcomes.map(({ state, exitCode }) => [state, exitCode]) };
}

Deno.test("each run gets an array job of its own, and none is submitted again when it is complete", async () => {
  await using workplace = await openWorkplace(new Map());
  const first = await distributeRuns(workplace, 0);
  assertEquals(first.log, ["submit 20260206_00z", "submit 20260207_00z"]);
  assertEquals(first.ends, [["complete", 0], ["complete", 0]]);
  assertEquals((await distributeRuns(workplace, 0)).log, []);
});

Deno.test("a job that lacks data or fails does not stop the next one", async () => {
  for (
    const [code, state, exitCode] of [[EXIT.incomplete, "incomplete", 5], [1, "failed", 1]] as const
  ) {
    await using workplace = await openWorkplace(new Map());
    const { log, ends } = await distributeRuns(workplace, code);
    assertEquals(log.length, 2);
    assertEquals(ends, [[state, exitCode], ["complete", 0]]);
  }
});
