import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, bucketKey, EMBEDDED_FOLDER } from "../fixtures/embedded_run.ts";
import { readBase, writeMessages } from "../fixtures/full_run.ts";
import { type S3Server, startS3Server } from "../fixtures/s3_server.ts";
import {
  findObstacle,
  NODES,
  type SlurmCluster,
  startSlurmCluster,
} from "../fixtures/slurm_cluster.ts";
import { waitUntil } from "../fixtures/wait_until.ts";
import { RETRY_LINE } from "../lib/engines/slurm_script.ts";
import { silentReporter } from "../lib/util/reporter.ts";
import { BUCKET, stepFiles } from "../lib/ecmwf/files.ts";
import { findVariables } from "../lib/ecmwf/variables.ts";
import { GIK } from "../lib/output/profile.ts";
import { openStorage } from "../lib/storage/mod.ts";
import { runStage2 } from "../lib/pipeline/run_stage2.ts";
import { runStage3 } from "../lib/pipeline/run_stage3.ts";
import { stageFolder } from "../lib/references/stage_folders.ts";
import type { LedgerEntry } from "../lib/runs/ledger.ts";

const { run } = BEFORE_50R1;
const TASKS = 9;
/** Two for each task. */
const STEPS = Array.from({ length: 2 * TASKS }, (_, i) => 36 + 3 * i);
const MEMBERS = 4;

const obstacle = await findObstacle();

/** A test on a cluster, with a run, its stores, and a server of its files. */
function testOnCluster(name: string, test: (workplace: Workplace) => Promise<void>): void {
  Deno.test({
    name: obstacle ? `${name} (ignored: ${obstacle})` : name,
    ignore: obstacle !== undefined,
    fn: async () => {
      await using workplace = await openWorkplace();
      await test(workplace);
    },
  });
}

interface Workplace extends AsyncDisposable {
  cluster: SlurmCluster;
  server: S3Server;
  /** Of the bucket. */
  bucket: string;
  /** Working folder of all commands. */
  folder: string;
  /** Path of the NetCDF. */
  output: string;
}

async function openWorkplace(): Promise<Workplace> {
  const folder = await Deno.makeTempDir();
  const bucket = `${folder}/bucket`;
  const base = await readBase(EMBEDDED_FOLDER, run, 36, findVariables(["t2m"]));
  await writeMessages(bucket, run, STEPS, base);
  const server = startS3Server({ buckets: { [BUCKET]: bucket } });
  const context = { storage: openStorage({ endpoint: server.url }), reporter: silentReporter };
  const common = { run, steps: STEPS, maxMembers: MEMBERS, outputDir: `${folder}/stores` };
  await runStage2({ ...common, parallelWorkers: 4, allowMissing: false }, context);
  await runStage3({ ...common, zip: false }, context);
  const cluster = await startSlurmCluster();
  return {
    cluster,
    server,
    bucket,
    folder,
    output: `${folder}/out/${GIK.fileName(run)}`,
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Starts a stage in the folder, always on the same part of the run. */
function startStage(
  { cluster, server, folder }: Workplace,
  stage: "stream" | "distribute",
  ...more: string[]
): Deno.ChildProcess {
  // Several runs have folders of their own, and are looked up on the server.
  const isRange = more.includes("--date");
  const stores = isRange ? [] : ["--parquet-dir", "stores"];
  const hosts = isRange ? [`--allow-net=${new URL(server.url).host}`] : [];
  const path = decodeURIComponent(new URL(`./${stage}.ts`, import.meta.url).pathname);
  // In a permission set, `.` is the folder of deno.json.
  const here = ["read", "write"].map((kind) => `--allow-${kind}=${folder}`);
  const flags = stage === "distribute" ? ["-P=distribute-slurm", ...hosts, ...here] : ["-A"];
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--quiet", ...flags, path, ...more],
      ...["--endpoint", server.url, ...stores, "--output-dir", "out"],
      ...["--variables", "t2m", "--steps", STEPS.join(","), "--max-members", `${MEMBERS}`],
    ],
    cwd: folder,
    env: { ...cluster.environment, SOURCE_DATE_EPOCH: "1770365700", NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
    // A request without an answer fails in the end.
    signal: AbortSignal.timeout(120_000),
  }).spawn();
}

/** Starts `distribute` on the cluster: three tasks at a time, one a node. */
function startDistribute(workplace: Workplace, ...more: string[]): Deno.ChildProcess {
  const job = ["--engine", "slurm", "--n-workers", `${TASKS}`, "--cpus", "2", "--memory", "1"];
  return startStage(workplace, "distribute", ...job, "--poll-seconds", "1", ...more);
}

async function finish(process: Deno.ChildProcess): Promise<{ code: number; reported: string }> {
  await using _ = process;
  const { code, stderr } = await process.output();
  return { code, reported: new TextDecoder().decode(stderr) };
}

/** The file that one machine writes, and its number of requests; removes the file. */
async function streamAlone(
  workplace: Workplace,
  code = 0,
): Promise<{ file: Uint8Array; requests: number }> {
  const before = workplace.server.requests.length;
  const alone = await finish(startStage(workplace, "stream"));
  assertEquals(alone.code, code, alone.reported);
  const file = await Deno.readFile(workplace.output);
  await Deno.remove(workplace.output);
  return { file, requests: workplace.server.requests.length - before };
}

/** Holds all answers until `release`. */
function holdAnswers(server: S3Server) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const held = new Set<string>();
  server.setFaults(({ key }) => {
    held.add(key);
    return { kind: "hold", until: promise };
  });
  return { held, release: resolve };
}

/** Waits until `count` tasks wait for answers. @returns their nodes. */
async function waitForTasks({ cluster, server }: Workplace, count: number) {
  const answers = holdAnswers(server);
  // Each task starts with another file.
  await waitUntil(() => answers.held.size >= count);
  const tasks = [];
  for (let task = 0; task < count; task++) {
    const stream = (await cluster.findTask(task)).find(({ program }) => program === "deno");
    tasks.push(stream!);
  }
  return { ...answers, tasks };
}

/** Nodes and restarts of the tasks, by index. */
async function readHistory({ cluster }: Workplace): Promise<{ node: string; restarts: number }[]> {
  const format = "--Format=ArrayTaskID:|,NodeList:|,RestartCnt:|";
  const text = await cluster.run("squeue", "--noheader", "--array", "--states=all", format);
  const history: { node: string; restarts: number }[] = [];
  for (const [, task, node, restarts] of text.matchAll(/^(\d+)\|(\w*)\|(\d+)\|$/gm)) {
    history[Number(task)] = { node: node!, restarts: Number(restarts) };
  }
  return history;
}

/** Indexes of the tasks that had a second attempt after a failure, as their logs say. */
async function findRetried({ folder }: Workplace): Promise<string[]> {
  const retried: string[] = [];
  for await (const { url } of openStorage().list(`${folder}/out/`)) {
    const task = /\/\d+_(\d+)\.log$/.exec(url)?.[1];
    const text = task === undefined ? "" : await Deno.readTextFile(url);
    if (text.includes(RETRY_LINE)) retried.push(task!);
  }
  return retried;
}

testOnCluster(
  "9 tasks on three nodes, and their merge, write the file of one machine byte for byte",
  async (workplace) => {
    const alone = await streamAlone(workplace);
    const before = workplace.server.requests.length;
    const { code, reported } = await finish(startDistribute(workplace));
    assertEquals(code, 0, reported);
    assertEquals(await Deno.readFile(workplace.output), alone.file);
    assertEquals(workplace.server.requests.length - before, alone.requests);
    const history = await readHistory(workplace);
    assertEquals(history.length, TASKS);
    assertEquals(new Set(history.map(({ node }) => node)), new Set(NODES));
    assertMatch(reported, /submitted to slurm as gik-stores-[0-9a-f]{8}: 9 tasks and a merge\n/);
    assertStringIncludes(reported, "written          out/IFS_20260206_00Z_cgan.nc");
  },
);

testOnCluster(
  "neither a killed task nor a node that is switched off changes the file",
  async (workplace) => {
    const alone = await streamAlone(workplace);
    const job = startDistribute(workplace);
    const { tasks: [first, second], release } = await waitForTasks(workplace, 3);
    Deno.kill(first!.id, "SIGKILL");
    await workplace.cluster.failNode(second!.node);
    release();
    const { code, reported } = await finish(job);
    assertEquals(code, 0, reported);
    assertEquals(await Deno.readFile(workplace.output), alone.file);
    assertEquals(reported.match(/^warning: .*/gm), null);
    assertEquals(await findRetried(workplace), ["0"]);
    const history = await readHistory(workplace);
    assertEquals(history.map(({ restarts }) => restarts), [0, 1, 0, 0, 0, 0, 0, 0, 0]);
    assert(history[1]!.node !== second!.node);
  },
);

testOnCluster(
  "a task that lacks data is reported, and the job ends with 5 and the file of one machine",
  async (workplace) => {
    const [file] = stepFiles(run, STEPS[9]!);
    await Deno.remove(`${workplace.bucket}/${bucketKey(file!.url)}`);
    const alone = await streamAlone(workplace, 5);
    const { code, reported } = await finish(startDistribute(workplace));
    assertEquals(code, 5, reported);
    assertEquals(await Deno.readFile(workplace.output), alone.file);
    const failures = [...reported.matchAll(/^warning: (.*task .* failed: .*);/gm)].map(([, it]) =>
      it
    );
    assertEquals(failures, ["task 4/9 failed: exit code 5"]);
    assertEquals(await findRetried(workplace), ["4"]);
    const lack = `t2m \\(${STEPS[9]} h\\), members control, 1-3: Cannot read "${file!.url}"`;
    assertMatch(
      reported,
      new RegExp(`\nwarning: INCOMPLETE: task 4/9 lacks data:\n  ${lack}.*\n$`),
    );
    assertEquals(reported.match(/^ {2}written /gm)?.length, 1);
  },
);

testOnCluster(
  "when the command is killed and a task lacks data, the cluster still writes the file of one machine",
  async (workplace) => {
    const [file] = stepFiles(run, STEPS[9]!);
    await Deno.remove(`${workplace.bucket}/${bucketKey(file!.url)}`);
    const alone = await streamAlone(workplace, 5);
    const job = startDistribute(workplace);
    const { release } = await waitForTasks(workplace, 3);
    job.kill("SIGKILL");
    await finish(job);
    release();
    await waitUntil(async () => await workplace.cluster.run("squeue", "--noheader") === "");
    assertEquals(await Deno.readFile(workplace.output), alone.file);
  },
);

testOnCluster(
  "SIGTERM and SIGINT leave nothing running, and the same command resumes",
  async (workplace) => {
    const { cluster, server, output } = workplace;
    const alone = await streamAlone(workplace);
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const job = startDistribute(workplace);
      const { release } = await waitForTasks(workplace, 3);
      job.kill(signal);
      const { code, reported } = await finish(job);
      assertEquals(code, 130, reported);
      await waitUntil(async () => await cluster.run("squeue", "--noheader") === "");
      for (let task = 0; task < TASKS; task++) assertEquals(await cluster.findTask(task), []);
      release();
    }
    server.setFaults(undefined);
    const { code, reported } = await finish(startDistribute(workplace));
    assertEquals(code, 0, reported);
    assertEquals(await Deno.readFile(output), alone.file);
  },
);

testOnCluster(
  "a range gets one job a run, the ledger says how each ended, and complete runs get none again",
  async (workplace) => {
    const { folder, output } = workplace;
    const { file } = await streamAlone(workplace);
    await Deno.rename(`${folder}/stores`, `${folder}/${stageFolder(run)}`);
    const range = ["--date", "20260206..20260207", "--n-workers", "2"];
    const first = await finish(startDistribute(workplace, ...range));
    assertEquals(first.code, 3, first.reported);
    assertEquals(await Deno.readFile(output), file);
    assertStringIncludes(first.reported, "2 runs: 1 complete, 1 not published");
    const { runs } = JSON.parse(await Deno.readTextFile(`${folder}/out/runs.json`));
    assertEquals(
      runs.map(({ run, state, reason }: LedgerEntry) => [run, state, reason]),
      [
        ["20260206_00z", "complete", undefined],
        ["20260207_00z", "not published", "the server has nothing of it"],
      ],
    );
    const again = await finish(startDistribute(workplace, ...range));
    assertEquals(again.code, 3, again.reported);
    assertEquals(again.reported.match(/submitted to slurm/g)?.length, 1);
    // One machine accepts the output of many, as it has the same options.
    const alone = await finish(startStage(workplace, "stream", ...range.slice(0, 2)));
    assertStringIncludes(alone.reported, "20260206 00 UTC: already complete");
  },
);
