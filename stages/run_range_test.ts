import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, EMBEDDED_FOLDER } from "../fixtures/embedded_run.ts";
import { readBase, writeMessages } from "../fixtures/full_run.ts";
import { type S3Request, type S3Server, startS3Server } from "../fixtures/s3_server.ts";
import { workFolderOf } from "../lib/checkpoint/work_folder.ts";
import { BUCKET } from "../lib/ecmwf/files.ts";
import { formatDate, parseRun, type Run, runLabel } from "../lib/ecmwf/run.ts";
import { findVariables } from "../lib/ecmwf/variables.ts";
import { GIK } from "../lib/output/profile.ts";
import type { LedgerEntry } from "../lib/runs/ledger.ts";

const STEPS = GIK.steps;
const MEMBERS = 3;
/** Days before today; tomorrow is in the future, two days ago is absent, today is half published. */
const [TOMORROW, TODAY, ABSENT] = [-1, 0, 2];
const RUNS = [5, 4, 3, 2, 1, 0, -1].map(runBefore);
const COMPLETE = [5, 4, 3, 1].map(runBefore);
const RANGE = `${RUNS[0]!.date}..${RUNS.at(-1)!.date}`;
const PUBLISHED_STEPS = STEPS.slice(0, 3);

function runBefore(days: number): Run {
  return parseRun(formatDate(new Date(Date.now() - days * 86_400_000)), "00");
}

interface Workplace extends AsyncDisposable {
  server: S3Server;
  /** The working folder of the commands. */
  folder: string;
  /** Publishes steps of a run. */
  publish(run: Run, steps: readonly number[]): Promise<void>;
}

async function openWorkplace(): Promise<Workplace> {
  const root = await Deno.makeTempDir();
  const base = await readBase(EMBEDDED_FOLDER, BEFORE_50R1.run, 36, findVariables(["t2m"]));
  const publish = async (run: Run, steps: readonly number[]) => {
    await writeMessages(`${root}/bucket`, run, steps, base);
  };
  for (const run of COMPLETE) await publish(run, STEPS);
  await publish(runBefore(TODAY), PUBLISHED_STEPS);
  const folder = `${root}/here`;
  await Deno.mkdir(folder);
  const server = startS3Server({ buckets: { [BUCKET]: `${root}/bucket` } });
  return {
    server,
    folder,
    publish,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(root, { recursive: true });
    },
  };
}

/** Starts a command on the range. */
function start({ server, folder }: Workplace, name: "pipeline" | "stream", more: string[]) {
  const common = ["--date", RANGE, "--steps", STEPS.join(","), "--max-members", `${MEMBERS}`];
  const own = {
    pipeline: ["--no-template"],
    stream: ["--variables", "t2m", "--parallel-fetches", "2", "--output-dir", "out"],
  };
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--quiet", "-A", new URL(`./${name}.ts`, import.meta.url).href],
      ...["--endpoint", server.url, ...common, ...own[name], ...more],
    ],
    cwd: folder,
    env: { SOURCE_DATE_EPOCH: "1770365700", NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs a command to its end, and lists the keys that it asks for. */
async function run(workplace: Workplace, name: "pipeline" | "stream", ...more: string[]) {
  const { server } = workplace;
  server.setFaults(undefined);
  const before = server.requests.length;
  await using child = start(workplace, name, more);
  const { code, stdout, stderr } = await child.output();
  const [printed, reported] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, printed: printed!, reported: reported!, asked: server.requests.slice(before) };
}

/** Runs stream and kills it at a request for a step of a run. */
async function killStream(workplace: Workplace, at: Run, stepHours: number): Promise<S3Request[]> {
  const asked: S3Request[] = [];
  await using child = start(workplace, "stream", []);
  workplace.server.setFaults((request) => {
    asked.push(request);
    if (stepOf(request) === `${runLabel(at)} ${stepHours}`) child.kill("SIGKILL");
    return { kind: "delay", ms: 10 };
  });
  const { signal } = await child.output();
  assertEquals(signal, "SIGKILL");
  return asked;
}

/** Run and step that a request is for: `20260206_00z 36`. */
function stepOf({ key }: S3Request): string {
  const [, date, hour, step] = /(\d{8})(\d\d)0000-(\d+)h-/.exec(key) ?? [];
  return `${date}_${hour}z ${step}`;
}

const outputOf = (run: Run) => `out/${GIK.fileName(run)}`;

/** The steps whose values need not be fetched any more: in a whole output, or saved. */
async function listFinished({ folder }: Workplace): Promise<string[]> {
  const finished: string[] = [];
  for (const run of RUNS) {
    const output = `${folder}/${outputOf(run)}`;
    const saved = await Array.fromAsync(Deno.readDir(workFolderOf(output))).catch(() => []);
    const isWhole = await Deno.stat(output).then(() => true, () => false);
    const steps = isWhole
      ? STEPS.map(String)
      : saved.flatMap(({ name }) => /^t2m_(\d+)h_\w+\.field$/.exec(name)?.[1] ?? []);
    finished.push(...steps.map((step) => `${runLabel(run)} ${step}`));
  }
  return finished;
}

async function readLedger({ folder }: Workplace, path: string) {
  const { version, runs } = JSON.parse(await Deno.readTextFile(`${folder}/${path}`));
  assertEquals(version, 1);
  return runs as LedgerEntry[];
}

const REASONS = {
  [runLabel(runBefore(ABSENT))]: ["not published", /^the server has nothing of it$/],
  [runLabel(runBefore(TODAY))]: [
    "incomplete",
    /^6 of 9 steps are not there(?: yet)?: 45-60$/,
  ],
  [runLabel(runBefore(TOMORROW))]: ["not published", /^not published yet$/],
} as const;

function checkLedger(ledger: LedgerEntry[], outputOf: (run: Run) => string) {
  assertEquals(ledger.map(({ run }) => run), RUNS.map(runLabel));
  for (const [i, { run, state, reason, output, sha256 }] of ledger.entries()) {
    const [wanted, why] = REASONS[run] ?? ["complete", undefined];
    assertEquals([run, state, output], [run, wanted, outputOf(RUNS[i]!)]);
    if (why) assertMatch(reason!, why);
    else assertEquals(reason, undefined);
    assertEquals(sha256 === undefined, state === "not published", run);
  }
}

Deno.test("a range of seven days, one absent, one half published, one in the future, killed twice, ends with a right ledger and fetches nothing twice", async () => {
  await using workplace = await openWorkplace();

  const first = await run(workplace, "pipeline");
  assertEquals(first.code, 3, first.reported);
  checkLedger(
    await readLedger(workplace, "runs.json"),
    (run) => `ecmwf_three_stage_${runLabel(run)}`,
  );
  assertStringIncludes(first.reported, "7 runs: 4 complete, 1 incomplete, 2 not published");
  assertStringIncludes(
    first.reported,
    "pipeline: Cannot complete 3 of 7 runs: 1 incomplete, 2 not",
  );
  const again = await run(workplace, "pipeline");
  assertEquals(again.code, 3);
  const others = new Set(again.asked.map((request) => stepOf(request).split(" ")[0]!));
  assertEquals([...others].toSorted(), [ABSENT, TODAY].map((it) => runLabel(runBefore(it))));

  const asked: string[] = [];
  for (const [at, step] of [[4, 48], [1, 42]] as const) {
    const finished = await listFinished(workplace);
    const requests = (await killStream(workplace, runBefore(at), step)).map(stepOf);
    assertEquals(requests.filter((it) => finished.includes(it)), []);
    asked.push(...requests);
  }
  assert((await readLedger(workplace, "out/runs.json")).length >= 3);
  const finished = await listFinished(workplace);
  assert(finished.length > 3 * STEPS.length, finished.join());
  const last = await run(workplace, "stream", "--json");
  assertEquals(last.code, 3, last.printed);
  const lastAsked = last.asked.filter(({ key }) => !/-0h-/.test(key)).map(stepOf);
  assertEquals(lastAsked.filter((it) => finished.includes(it)), []);
  const ledger = await readLedger(workplace, "out/runs.json");
  checkLedger(ledger, GIK.fileName);
  assertEquals(ledger.map(({ messages }) => messages?.used), [
    27,
    27,
    27,
    undefined,
    27,
    9,
    undefined,
  ]);
  const events = last.printed.trim().split("\n").map((line) => JSON.parse(line));
  const table = events.findLast(({ type }) => type === "result");
  assertEquals(table.runs.map(({ state }: LedgerEntry) => state), ledger.map(({ state }) => state));
  assertEquals(
    table.runs.map(({ skipped }: { skipped: boolean }) => skipped).filter(Boolean).length,
    3,
  );
  assertEquals(events.at(-1), { ...events.at(-1), type: "end", exitCode: 3 });

  // The half of a run that was read is not read again when the other half is there.
  await workplace.publish(runBefore(TODAY), STEPS.slice(3));
  await run(workplace, "pipeline");
  const more = await run(workplace, "stream");
  const half = STEPS.slice(3).map((step) => `${runLabel(runBefore(TODAY))} ${step}`);
  const fetched = more.asked.filter(({ range }) => range !== undefined).map(stepOf);
  assertEquals([...new Set(fetched)].toSorted(), half);
  assertEquals((await readLedger(workplace, "out/runs.json"))[5]!.state, "complete");
  const parts = await Array.fromAsync(Deno.readDir(`${workplace.folder}/out`));
  assertEquals(parts.filter(({ name }) => /\.work$|\.part$/.test(name)), []);
});
