/**
 * Small jobs, start of the process included, against an S3 server on the same machine: `extract` of one
 * field (one step, 51 members, East Africa), one step of one variable with `stream`, and `--help`; beside
 * them the same statistics by Python and ecCodes from whole messages. Prints Markdown rows, medians:
 * `deno run -A bench/small_jobs.ts`, in two minutes.
 *
 * The messages are made on the spot (`base_run.ts`), or `--run <folder>` has them, as `writeRun()` left
 * them. With `--short` counts alone, on the embedded run, in 10 seconds: modules, packages, workers,
 * requests and rounds, each of which waits for the answers of the one before it.
 *
 * @module
 */
import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { EMBEDDED_FOLDER } from "../fixtures/embedded_run.ts";
import { type FaultRule, startS3Server } from "../fixtures/s3_server.ts";
import { BUCKET } from "../lib/ecmwf/files.ts";
import { parseRun } from "../lib/ecmwf/run.ts";
import { GIK } from "../lib/output/profile.ts";
import { formatMegabytes } from "../lib/util/numbers.ts";
import { readChildrenSeconds } from "./beside/process_cost.ts";
import { denoRun, describeMachine, IS_SHORT, ROOT, ServerProcess } from "./measure.ts";

const RUN = parseRun("20260206", "00");
const RUN_ARGS = ["--date", RUN.date, "--run", RUN.hour];
const PYTHON = "Python, ecCodes, whole messages";
const REPEATS = 9;
/** Far longer than requests that are sent together take to arrive. */
const ROUND_MS = 60;

/** A command line, and what its row is called. */
interface Job {
  name: string;
  argv: string[];
}

/** What one run of a job took. */
interface JobCost {
  wallMs: number;
  cpuMs: number;
  peakBytes: number;
}

/** What a job loads and asks for. */
interface JobCounts {
  /** Modules of ours. */
  modules: number;
  /** Modules of packages. */
  packageModules: string[];
  workers: number;
  requests: number;
  bytes: number;
  rounds: number;
}

function extract(folder: string, endpoint: string, output: string): string[] {
  return [
    ...[`${folder}stages/extract.ts`, ...RUN_ARGS, "--fields", "2t", "--steps", "36"],
    ...["--endpoint", endpoint, "--output-dir", output, "--fresh", "--overwrite", "--quiet"],
  ];
}

function stream(folder: string, stores: string, endpoint: string, output: string): string[] {
  return [
    ...[`${folder}stages/stream.ts`, "--parquet-dir", stores, "--variables", "t2m"],
    ...["--steps", "36", "--endpoint", endpoint, "--output-dir", output],
    ...["--fresh", "--overwrite", "--quiet"],
  ];
}

const asTask = ([module = "", ...args]: string[]) => [
  Deno.execPath(),
  ...denoRun(module.slice(ROOT.length)),
  ...args,
];

/** Runs a command to its end. @throws {Error} with its output unless it exits with 0. */
async function runJob(argv: readonly string[]): Promise<JobCost & { stderr: string }> {
  const cpuBefore = readChildrenSeconds();
  const start = performance.now();
  const [program, ...args] = argv;
  const process = new Deno.Command(program!, { args, stdout: "null", stderr: "piped" }).spawn();
  let peakBytes = 0;
  const timer = setInterval(() => peakBytes = Math.max(peakBytes, readPeakBytes(process.pid)), 5);
  const { code, stderr } = await process.output();
  const wallMs = performance.now() - start;
  clearInterval(timer);
  const text = new TextDecoder().decode(stderr);
  if (code !== 0) {
    throw new Error(`${argv.join(" ")} ended with exit code ${code}:\n${text.slice(-2000)}`);
  }
  return { wallMs, cpuMs: 1000 * (readChildrenSeconds() - cpuBefore), peakBytes, stderr: text };
}

/** High-water mark of a process; 0 after its end. */
function readPeakBytes(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/**
 * Counts what a job loads, by Deno's own log, and what it asks for, by a server that answers after
 * {@linkcode ROUND_MS}. Runs it twice: the log has modules alone that were compiled before.
 */
async function countJob(
  bucket: string,
  makeArgs: (endpoint: string) => string[],
): Promise<JobCounts> {
  await using server = startS3Server({ buckets: { [BUCKET]: bucket } });
  const argv = [
    ...[Deno.execPath(), "run", "-A", "--frozen", "--log-level=debug"],
    ...makeArgs(server.url),
  ];
  await runJob(argv);
  server.requests.length = 0;
  const rounds = countRounds();
  server.setFaults(rounds.rule);
  const { stderr } = await runJob(argv);
  const loaded = stderr.matchAll(/code cache (?:hit|miss) for [\w ]+: (file:[^\s,]+)/g);
  const urls = [...new Set(Array.from(loaded, ([, url]) => url!))];
  const isPackage = (url: string) => url.includes("/npm/");
  const workers = new Set(Array.from(stderr.matchAll(/to worker (worker-\d+)/g), ([, it]) => it));
  const { counters: { requests, bytesSent: bytes } } = server;
  return {
    modules: urls.filter((url) => !isPackage(url)).length,
    packageModules: urls.filter(isPackage).map((url) =>
      url.replace(/^.*registry\.npmjs\.org\//, "")
    ),
    ...{ workers: workers.size, requests, bytes, rounds: rounds.count },
  };
}

/** Delays answers, and counts how many of them follow each other at least. */
function countRounds(): { rule: FaultRule; readonly count: number } {
  let ended = 0;
  return {
    rule: () => {
      const round = ended + 1;
      return { kind: "delay", ms: ROUND_MS, onEnd: () => ended = Math.max(ended, round) };
    },
    get count() {
      return ended;
    },
  };
}

/** The median of runs of several jobs, which take turns. */
async function measureJobs(jobs: readonly Job[]): Promise<Map<string, JobCost>> {
  const costs = new Map(jobs.map(({ name }): [string, JobCost[]] => [name, []]));
  // The first turn compiles, and fills the caches.
  for (let turn = 0; turn <= REPEATS; turn++) {
    for (const { name, argv } of jobs) {
      const cost = await runJob(argv);
      if (turn > 0) costs.get(name)!.push(cost);
    }
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
  return new Map(
    Array.from(costs, ([name, own]) => [name, {
      wallMs: median(own.map(({ wallMs }) => wallMs)),
      cpuMs: median(own.map(({ cpuMs }) => cpuMs)),
      peakBytes: median(own.map(({ peakBytes }) => peakBytes)),
    }]),
  );
}

/** The cells of what a row counts. */
type Cells = [requests: string, bytes: string, rounds: string, modules: string];

function formatCounts({ requests, bytes, rounds, modules, packageModules }: JobCounts): Cells {
  const loaded = `${modules} + ${packageModules.length}`;
  return [`${requests}`, `${formatMegabytes(bytes)} MB`, `${rounds}`, loaded];
}

function printRows(costs: ReadonlyMap<string, JobCost>, counts: ReadonlyMap<string, Cells>) {
  console.log(`${describeMachine()}\n`);
  console.log("| job | wall | processor | requests | bytes | rounds | modules | peak memory |");
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const [name, { wallMs, cpuMs, peakBytes }] of costs) {
    const times = [wallMs, cpuMs].map((ms) => `${(ms / 1000).toFixed(2)} s`);
    const cells = [name, ...times, ...counts.get(name)!, `${formatMegabytes(peakBytes)} MB`];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

/** What Python asks for; its results must be those of `stream`. */
async function countPython(argv: readonly string[], output: string): Promise<Cells> {
  const [program, ...args] = argv;
  const netcdf = `${output}/${GIK.fileName(RUN)}`;
  const { success, stdout, stderr } = await new Deno.Command(program!, {
    args: [...args, "--nc", netcdf],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const { requests, bytes } = JSON.parse(new TextDecoder().decode(stdout));
  return [`${requests}`, `${formatMegabytes(bytes)} MB`, "", ""];
}

/** Packages that no reader of public data loads. */
const STRANGERS = /^(?:@aws|@smithy|@google-cloud|google-|hyparquet-writer|h5wasm|fflate|d3-)/;

async function assertCounts(output: string): Promise<void> {
  const jobs = {
    extract: await countJob(EMBEDDED_FOLDER, (endpoint) => [
      ...extract(ROOT, endpoint, output),
      ...["--members", "0-3"],
    ]),
    help: await countJob(EMBEDDED_FOLDER, () => [`${ROOT}stages/extract.ts`, "--help"]),
  };
  for (const [name, { packageModules, ...counts }] of Object.entries(jobs)) {
    console.log(name, { ...counts, packages: packageModules.length });
    assertEquals(packageModules.filter((path) => STRANGERS.test(path)), [], name);
  }
  const { extract: job, help } = jobs;
  assert(job.modules > 100 && job.modules <= MOST.modules, `${job.modules} modules`);
  assert(job.packageModules.length <= MOST.packageModules, job.packageModules.join());
  assert(help.modules > 50 && help.modules <= MOST.helpModules, `${help.modules} modules for help`);
  assertEquals([job.workers, help.workers, help.requests], [1, 0, 0]);
  assert(job.rounds <= MOST.rounds, `${job.rounds} rounds`);
}

/** Of `extract` of one field of the embedded run. */
const MOST = { modules: 168, packageModules: 4, helpModules: 78, rounds: 2 };

const work = await Deno.makeTempDir();
try {
  if (IS_SHORT) await assertCounts(work);
  else await measureAll(work);
} finally {
  await Deno.remove(work, { recursive: true });
}

async function measureAll(folder: string): Promise<void> {
  const given = Deno.args[Deno.args.indexOf("--run") + 1];
  const { bucket, stores } = Deno.args.includes("--run")
    ? { bucket: `${given}/bucket`, stores: `${given}/stores` }
    : await (await import("./base_run.ts")).writeRun(folder, [36]);
  const output = `${folder}/output`;
  const ours = (endpoint: string) => [
    { name: "`extract`, one field of 51 members", args: extract(ROOT, endpoint, output) },
    { name: "`stream`, the same from stores", args: stream(ROOT, stores, endpoint, output) },
    { name: "`extract --help`", args: [`${ROOT}stages/extract.ts`, "--help"] },
  ];
  const counts = new Map<string, Cells>();
  for (const [i, { name }] of ours("").entries()) {
    counts.set(name, formatCounts(await countJob(bucket, (endpoint) => ours(endpoint)[i]!.args)));
  }
  await using server = await ServerProcess.start(bucket);
  const python = [
    ...["/usr/bin/python3", `${ROOT}fixtures/eccodes_field.py`, "t2m", server.url],
    ...[...RUN_ARGS, "--steps", "36"],
  ];
  counts.set(PYTHON, await countPython(python, output));
  const costs = await measureJobs([
    ...ours(server.url).map(({ name, args }) => ({ name, argv: asTask(args) })),
    { name: PYTHON, argv: python },
  ]);
  printRows(costs, counts);
}
