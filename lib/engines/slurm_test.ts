import { assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import {
  findObstacle,
  type SlurmCluster,
  startSlurmCluster,
} from "../../fixtures/slurm_cluster.ts";
import { waitUntil } from "../../fixtures/wait_until.ts";
import { type ArrayJob, type Engine, MERGE } from "./array_engine.ts";
import { openSlurm } from "./slurm.ts";

const obstacle = await findObstacle();

/** Stands for `stream`: task 1 lacks data. It counts its attempts in files beside itself. */
const SCRIPT = `
const task = Deno.env.get("SLURM_ARRAY_TASK_ID") ?? "merge";
const marks = import.meta.dirname + "/attempts_" + task;
Deno.writeTextFileSync(marks, "x", { append: true });
const attempt = Deno.readTextFileSync(marks).length;
console.log("attempt " + attempt + ":", Deno.args.join(" "), Deno.env.get("GREETING"));
Deno.exit(task === "1" ? 5 : 0);
`;
/** Arguments of the command, as its script prints them. */
const ARGUMENTS = "--date=20260206 it's a word";

interface Workplace {
  cluster: SlurmCluster;
  engine: Engine;
  job: ArrayJob;
  folder: string;
}

/** A test on a cluster that the Slurm programs of this process find. */
function testOnCluster(name: string, test: (place: Workplace) => Promise<void>): void {
  Deno.test({
    name: obstacle ? `${name} (ignored: ${obstacle})` : name,
    ignore: obstacle !== undefined,
    fn: async () => {
      await using cluster = await startSlurmCluster();
      const { SLURM_CONF } = cluster.environment;
      const folder = await Deno.makeTempDir();
      Deno.env.set("SLURM_CONF", SLURM_CONF!);
      try {
        const script = `${folder}/stand_in.ts`;
        await Deno.writeTextFile(script, SCRIPT);
        const job: ArrayJob = {
          name: "gik-test",
          tasks: 2,
          script,
          streamArguments: ["--date=20260206", "it's a word"],
          permissions: ["--no-prompt", "--allow-env", "--allow-read", "--allow-write"],
          environment: { GREETING: "hello" },
          image: "",
          cpus: 1,
          memoryBytes: 5e8,
        };
        const engine = openSlurm({ deno: Deno.execPath(), logFolder: `${folder}/logs` });
        await test({ cluster, engine, job, folder });
      } finally {
        Deno.env.delete("SLURM_CONF");
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** Waits until Slurm has nothing left to do. */
function waitForEnd(cluster: SlurmCluster): Promise<void> {
  return waitUntil(async () => await cluster.run("squeue", "--noheader") === "");
}

testOnCluster(
  "without the process that submitted it a job whose tasks fail retries them and ends with its merge",
  async ({ cluster, engine, job }) => {
    const submission = await engine.submit(job);
    await waitForEnd(cluster);
    const { tasks, merge } = await submission.poll();
    assertEquals(tasks, [
      { state: "done", exitCode: 0 },
      { state: "failed", exitCode: 5, reason: "FAILED" },
    ]);
    assertEquals(merge, { state: "done", exitCode: 0 });
    assertEquals(await submission.log(1), `attempt 2: ${ARGUMENTS} --task auto/2 hello`);
    assertEquals(await submission.log(MERGE), `attempt 1: ${ARGUMENTS} --merge hello`);
  },
);

testOnCluster(
  "openSlurm() finds the ends and logs of tasks that Slurm no longer knows",
  async ({ cluster, engine, job, folder }) => {
    const submission = await engine.submit(job);
    await waitForEnd(cluster);
    await cluster.loseQueue();
    // As if the node of the merge had been lost.
    for (const name of ["2.exit", "2.log"]) {
      await Deno.remove(`${folder}/logs/${submission.id}/${name}`);
    }
    const { tasks, merge } = await submission.poll();
    assertEquals(tasks, [{ state: "done", exitCode: 0 }, { state: "failed", exitCode: 5 }]);
    assertEquals(merge, { state: "failed", reason: "Slurm no longer knows it" });
    assertEquals(await submission.log(0), `attempt 1: ${ARGUMENTS} --task auto/2 hello`);
    assertMatch(await submission.log(MERGE), /^There is no \/.*\.log$/);
  },
);

testOnCluster(
  "submit.sh in the plan of openSlurm() submits the job by hand",
  async ({ cluster, engine, job, folder }) => {
    for (const { name, text } of engine.plan({ ...job, tasks: 1 })) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const { success, stderr } = await new Deno.Command("sh", {
      args: ["submit.sh"],
      cwd: folder,
      env: { GREETING: "hi" },
    }).output();
    assertEquals([new TextDecoder().decode(stderr), success], ["", true]);
    await waitForEnd(cluster);
    const logs = new Map<string, string>();
    for (const { name } of Deno.readDirSync(`${folder}/logs`)) {
      logs.set(name, (await Deno.readTextFile(`${folder}/logs/${name}`)).trim());
    }
    assertEquals([...logs.keys()].sort(), ["1_0.exit", "1_0.log", "2.exit", "2.log"]);
    assertStringIncludes(logs.get("1_0.log")!, " --task auto/1 hi");
    assertEquals(logs.get("2.log"), `attempt 1: ${ARGUMENTS} --merge hi`);
    assertEquals(logs.get("2.exit"), "0");
  },
);
