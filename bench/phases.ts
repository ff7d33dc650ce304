/**
 * What streaming of 51 members × 9 steps × 12 variables at 0.25° spends its processor time on, phase by
 * phase, and the ratio of all of it to the time that the blocks of the windows alone need, from memory.
 * Prints a table in Markdown, in two to four minutes: `deno run -A bench/phases.ts`.
 *
 * The engine samples what each of its threads does (`--cpu-prof`), the kernel counts the processor time of
 * each thread (`/proc/<pid>/task`), and a thread's time is divided in proportion to its samples. The times
 * are those of a run that is not sampled, as sampling makes it slower by a tenth.
 *
 * @module
 */
import { readBase } from "../fixtures/full_run.ts";
import { GIK } from "../lib/output/profile.ts";
import { RUN, VARIABLES, writeRun } from "./base_run.ts";
import { describeMachine, ROOT, ServerProcess } from "./measure.ts";
import { findPhase, type Phase, PHASES } from "./phase_table.ts";
import { timeWindowBlocks } from "./window_blocks.ts";

const TICKS_PER_SECOND = 100;
const POLL_MS = 50;
/** Runs without sampling: the one that takes least is the least disturbed. */
const PLAIN_RUNS = 3;

/** A node of the tree of calls in a profile: a function as called by one caller. */
interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string };
  children?: number[];
}

/** What the engine writes for one isolate. */
interface CpuProfile {
  nodes: ProfileNode[];
  samples: number[];
  /** Microseconds since the sample before. */
  timeDeltas: number[];
}

/** A run of `stream`, its time, and the processor time of its threads in seconds, by their names. */
interface StreamRun {
  wallSeconds: number;
  threads: Map<string, number>;
}

/** Runs `stream` and adds up what its threads take. */
async function runStream(args: readonly string[], flags: readonly string[]): Promise<StreamRun> {
  const start = performance.now();
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--frozen", ...flags, `${ROOT}stages/stream.ts`, ...args],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const threads = new Map<string, { name: string; seconds: number }>();
  const timer = setInterval(() => readThreads(process.pid, threads), POLL_MS);
  const { code } = await process.status;
  clearInterval(timer);
  if (code !== 0) throw new Error(`stream ${args.join(" ")} ended with exit code ${code}`);
  const byName = Map.groupBy(threads.values(), ({ name }) => name);
  return {
    wallSeconds: (performance.now() - start) / 1000,
    threads: new Map([...byName].map(([name, own]) => [name, sum(own.map((it) => it.seconds))])),
  };
}

/** Notes the processor time of each thread of a process so far. */
function readThreads(pid: number, threads: Map<string, { name: string; seconds: number }>): void {
  try {
    for (const { name: id } of Deno.readDirSync(`/proc/${pid}/task`)) {
      const text = Deno.readTextFileSync(`/proc/${pid}/task/${id}/stat`);
      const [, name, rest] = /\((.*)\) (.*)/.exec(text)!;
      const fields = rest!.split(" ");
      const seconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
      threads.set(id, { name: name!, seconds });
    }
  } catch (error) {
    // The process or a thread of it has ended.
    if (!(error instanceof Deno.errors.NotFound) && !/os error 3/.test(String(error))) throw error;
  }
}

/** The shares of phases in what a thread does while it is not idle. */
function shareOut({ nodes, samples, timeDeltas }: CpuProfile): Map<Phase, number> {
  const micros = new Map<number, number>();
  for (const [i, id] of samples.entries()) {
    micros.set(id, (micros.get(id) ?? 0) + timeDeltas[i]!);
  }
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const times = new Map<Phase, number>();
  const visit = ({ id, callFrame, children = [] }: ProfileNode, inherited: Phase): void => {
    if (callFrame.functionName === "(idle)") return;
    const phase = findPhase(callFrame.functionName, callFrame.url) ?? inherited;
    times.set(phase, (times.get(phase) ?? 0) + (micros.get(id) ?? 0));
    for (const child of children) visit(byId.get(child)!, phase);
  };
  visit(nodes[0]!, PHASES[0]);
  const total = sum(times.values());
  return new Map([...times].map(([phase, time]) => [phase, time / total]));
}

/** Processor seconds of each phase: threads with a profile by its shares, the others as a whole. */
function divideThreads(
  threads: ReadonlyMap<string, number>,
  profiles: ReadonlyMap<string, CpuProfile>,
): Map<Phase, number> {
  const seconds = new Map<Phase, number>();
  for (const [thread, time] of threads) {
    const profile = profiles.get(thread);
    const helper: Phase = thread.startsWith("tokio")
      ? "write"
      : "compile, collect (helper threads)";
    const shares = profile ? shareOut(profile) : new Map([[helper, 1]]);
    for (const [phase, share] of shares) {
      seconds.set(phase, (seconds.get(phase) ?? 0) + share * time);
    }
  }
  return seconds;
}

/** The profiles in a folder, by the name of their thread. */
function readProfiles(folder: string): Map<string, CpuProfile> {
  return new Map(
    [...Deno.readDirSync(folder)].map(({ name }) => [
      /\.(worker-\d+)\./.exec(name)?.[1] ?? "deno",
      JSON.parse(Deno.readTextFileSync(`${folder}/${name}`)),
    ]),
  );
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, number) => total + number, 0);
}

/** The run without sampling that takes least processor time. */
async function runPlain(args: readonly string[]): Promise<StreamRun> {
  const runs: StreamRun[] = [];
  for (let i = 0; i < PLAIN_RUNS; i++) runs.push(await runStream(args, []));
  const cost = ({ threads }: StreamRun) => sum(threads.values());
  return runs.reduce((best, run) => cost(run) < cost(best) ? run : best);
}

function printPhases(seconds: ReadonlyMap<Phase, number>): void {
  const total = sum(seconds.values());
  const rows = PHASES.map((phase) => {
    const own = seconds.get(phase) ?? 0;
    return [phase, `${own.toFixed(2)} s`, `${(100 * own / total).toFixed(1)} %`];
  });
  const table = [["phase", "processor time", "share"], ["---", "---", "---"], ...rows];
  for (const cells of table) console.log(`| ${cells.join(" | ")} |`);
}

/** Where the folder of an earlier run is given, its messages are used again. */
const [given] = Deno.args;
const work = await Deno.makeTempDir();
try {
  const folder = given ?? work;
  if (given === undefined) await writeRun(work, GIK.steps);
  await using server = await ServerProcess.start(`${folder}/bucket`);
  const stores = ["--parquet-dir", `${folder}/stores`, "--endpoint", server.url];
  const args = [...stores, "--output-dir", work, "--fresh", "--overwrite"];
  const plain = await runPlain(args);
  await runStream(args, ["--cpu-prof", `--cpu-prof-dir=${work}/profiles`]);
  const base = await readBase(`${folder}/base`, RUN, GIK.steps[0]!, VARIABLES);

  console.log(`${describeMachine()}\n`);
  printPhases(divideThreads(plain.threads, readProfiles(`${work}/profiles`)));

  const total = sum(plain.threads.values());
  const perMessage = timeWindowBlocks(base.flatMap(({ messages }) => messages), GIK.region);
  const messages = 51 * GIK.steps.length * VARIABLES.length;
  const least = perMessage * messages;
  const workers = navigator.hardwareConcurrency;
  console.log(`
Whole: ${total.toFixed(2)} s of processor time, ${plain.wallSeconds.toFixed(1)} s by the clock.
Blocks of the windows alone: ${(1000 * perMessage).toFixed(2)} ms a message, ${
    least.toFixed(2)
  } s of \
processor time, ${(least / workers).toFixed(1)} s by the clock of ${workers} workers.
Ratio: ${(total / least).toFixed(2)} of processor time, \
${(plain.wallSeconds * workers / least).toFixed(2)} by the clock.`);
} finally {
  await Deno.remove(work, { recursive: true });
}
