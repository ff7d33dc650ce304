import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, EMBEDDED_FOLDER } from "../fixtures/embedded_run.ts";
import { readBase, writeMessages } from "../fixtures/full_run.ts";
import { type S3Request, type S3Server, startS3Server } from "../fixtures/s3_server.ts";
import { sendSignal } from "../fixtures/send_signal.ts";
import { waitUntil } from "../fixtures/wait_until.ts";
import { workFolderOf } from "../lib/checkpoint/work_folder.ts";
import { BUCKET } from "../lib/ecmwf/files.ts";
import { parseRun, type Run, runLabel } from "../lib/ecmwf/run.ts";
import { findVariables, GIK_VARIABLES } from "../lib/ecmwf/variables.ts";
import { GIK } from "../lib/output/profile.ts";
import type { LedgerEntry } from "../lib/runs/ledger.ts";

const STEPS = GIK.steps;
const MEMBERS = 3;
/** Seven days over the beginning of cycle 50r1 on 12 May, the last of them in the future. */
const RANGE = "20260509..20260514,20990101";
const RUNS = ["20260509", "20260510", "20260511", "20260512", "20260513", "20260514", "20990101"]
  .map((date) => parseRun(date, "00"));
const [FIRST, SECOND, ABSENT, , LAST_COMPLETE, HALF, FUTURE] = RUNS as RunsOfTheWeek;
type RunsOfTheWeek = [Run, Run, Run, Run, Run, Run, Run];
const COMPLETE = RUNS.filter((run) => ![ABSENT, HALF, FUTURE].includes(run));
const PUBLISHED_STEPS = STEPS.slice(0, 3);

type Name = "pipeline" | "stage2" | "stream";

interface Workplace extends AsyncDisposable {
  server: S3Server;
  /** The working folder of the commands. */
  folder: string;
  /** Publishes steps of a run. */
  publish(run: Run, steps: readonly number[]): Promise<void>;
}

async function openWorkplace(): Promise<Workplace> {
  const root = await Deno.makeTempDir();
  const base = await readBase(EMBEDDED_FOLDER, BEFORE_50R1.run, 36, findVariables(GIK_VARIABLES));
  const publish = async (run: Run, steps: readonly number[]) => {
    await writeMessages(`${root}/bucket`, run, steps, base);
  };
  for (const run of COMPLETE) await publish(run, STEPS);
  await publish(HALF, PUBLISHED_STEPS);
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
function start({ server, folder }: Workplace, name: Name, more: string[]) {
  const common = ["--date", RANGE, "--steps", STEPS.join(","), "--max-members", `${MEMBERS}`];
  const own = {
    pipeline: ["--no-template"],
    stage2: [],
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
async function run(workplace: Workplace, name: Name, ...more: string[]) {
  const { server } = workplace;
  server.setFaults(undefined);
  const before = server.requests.length;
  await using child = start(workplace, name, more);
  const { code, stdout, stderr } = await child.output();
  const [printed, reported] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, printed: printed!, reported: reported!, asked: server.requests.slice(before) };
}

/** Runs stream and kills it at a request for a step of a run, once a field of that run is saved. */
async function killStream(workplace: Workplace, at: Run, stepHours: number): Promise<S3Request[]> {
  const asked: S3Request[] = [];
  await using child = start(workplace, "stream", []);
  const over = Promise.withResolvers<void>();
  const isSaved = async () =>
    (await listFinished(workplace)).some((it) => it.startsWith(runLabel(at)));
  const kill = async () => {
    await waitUntil(isSaved);
    sendSignal(child, "SIGKILL");
  };
  let killing: Promise<void> | undefined;
  workplace.server.setFaults((request) => {
    asked.push(request);
    if (stepOf(request) !== `${runLabel(at)} ${stepHours}`) return { kind: "delay", ms: 10 };
    killing ??= kill();
    return { kind: "hold", until: over.promise };
  });
  const { signal } = await child.output();
  over.resolve();
  await killing;
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
  [runLabel(ABSENT)]: ["not published", /^the server has nothing of it$/],
  [runLabel(HALF)]: [
    "incomplete",
    /^6 of 9 steps are not there: 45-60$/,
  ],
  [runLabel(FUTURE)]: ["not published", /^not published yet: the run has not begun$/],
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

Deno.test("a range of seven days over an era boundary, one absent, one half published, one in the future, killed twice, ends with a right ledger and fetches nothing twice", async () => {
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
  assertEquals([...others].toSorted(), [ABSENT, HALF].map(runLabel));

  const asked: string[] = [];
  for (const [at, step] of [[SECOND, 48], [LAST_COMPLETE, 42]] as const) {
    const finished = await listFinished(workplace);
    const requests = (await killStream(workplace, at, step)).map(stepOf);
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
    undefined,
    27,
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
  await workplace.publish(HALF, STEPS.slice(3));
  await run(workplace, "pipeline");
  const more = await run(workplace, "stream");
  const half = STEPS.slice(3).map((step) => `${runLabel(HALF)} ${step}`);
  const fetched = more.asked.filter(({ range }) => range !== undefined).map(stepOf);
  assertEquals([...new Set(fetched)].toSorted(), half);
  assertEquals((await readLedger(workplace, "out/runs.json"))[5]!.state, "complete");
  const parts = await Array.fromAsync(Deno.readDir(`${workplace.folder}/out`));
  assertEquals(parts.filter(({ name }) => /\.work$|\.part$/.test(name)), []);
});

Deno.test("a pipeline killed in a range reads no index again of the runs that it had completed", async () => {
  await using workplace = await openWorkplace();
  await using child = start(workplace, "pipeline", []);
  workplace.server.setFaults((request) => {
    if (stepOf(request) === `${runLabel(LAST_COMPLETE)} 48`) sendSignal(child, "SIGKILL");
    return { kind: "delay", ms: 10 };
  });
  assertEquals((await child.output()).signal, "SIGKILL");
  const done = (await readLedger(workplace, "runs.json"))
    .flatMap(({ run, state }) => state === "complete" ? [run] : []);
  assertEquals(done.slice(0, 2), [FIRST, SECOND].map(runLabel));
  const resumed = await run(workplace, "pipeline");
  const asked = new Set(resumed.asked.map((request) => stepOf(request).split(" ")[0]!));
  assertEquals(done.filter((run) => asked.has(run)), []);
  checkLedger(
    await readLedger(workplace, "runs.json"),
    (run) => `ecmwf_three_stage_${runLabel(run)}`,
  );
});

Deno.test("on SIGINT a range ends with 130 and says how to resume; the ledger has the runs before", async () => {
  await using workplace = await openWorkplace();
  await run(workplace, "pipeline");
  await using child = start(workplace, "stream", []);
  workplace.server.setFaults((request) => {
    if (stepOf(request) === `${runLabel(SECOND)} 48`) sendSignal(child, "SIGINT");
    return { kind: "delay", ms: 10 };
  });
  const { code, stderr } = await child.output();
  const reported = new TextDecoder().decode(stderr);
  assertEquals(code, 130, reported);
  assertMatch(reported, /warning: \d of 9 fields are saved in .*: run the same command to resume/);
  assertStringIncludes(reported, "stream: stopped by SIGINT, run the same command to resume\n");
  const ledger = await readLedger(workplace, "out/runs.json");
  assertEquals(ledger.map(({ run, state }) => [run, state]), [[runLabel(FIRST), "complete"]]);
  const finished = await listFinished(workplace);
  const resumed = await run(workplace, "stream");
  assertEquals(resumed.asked.map(stepOf).filter((it) => finished.includes(it)), []);
});

Deno.test("one run, also as a range, is in the ledger of its folder, and a range skips it", async () => {
  await using workplace = await openWorkplace();
  const { date } = FIRST;
  const output = `${workplace.folder}/${outputOf(FIRST)}`;
  for (const dates of [date, `${date}..${date}`, `${date},${date}`]) {
    const made = await run(workplace, "pipeline", "--date", dates);
    const streamed = await run(workplace, "stream", "--date", dates);
    assertEquals([made.code, streamed.code], [0, 0], made.reported + streamed.reported);
    assert(!/run 1 of|ledger/.test(made.reported + streamed.reported));
    assertEquals(streamed.reported.includes("already done"), dates !== date);
  }
  const names = async (folder: string) =>
    (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).toSorted();
  assertEquals(await names(workplace.folder), [`ecmwf_three_stage_${runLabel(FIRST)}`, "out"]);
  assertEquals(await names(`${workplace.folder}/out`), [GIK.fileName(FIRST), "runs.json"]);
  const alone = await Deno.readFile(output);
  const several = await run(workplace, "stream", "--date", `${date},${SECOND.date}`);
  assertEquals(several.code, 3, several.reported);
  assertStringIncludes(several.reported, `${describeDay(FIRST)}: already complete`);
  assertStringIncludes(several.reported, "Cannot find stage3_<member>_final.parquet");
  assertEquals(await Deno.readFile(output), alone);
});

Deno.test("a range keeps the outputs of commands with other options, and replaces them with --overwrite", async () => {
  await using workplace = await openWorkplace();
  await run(workplace, "pipeline");
  const dates = ["--date", `${FIRST.date}..${SECOND.date}`];
  await run(workplace, "stream", "--date", FIRST.date, "--steps", "36");
  const kept = await run(workplace, "stream", ...dates);
  assertEquals(kept.code, 2, kept.reported);
  assertStringIncludes(kept.reported, `Cannot write "${outputOf(FIRST)}": other options made it`);
  assertStringIncludes(kept.reported, "2 runs: 1 complete, 1 failed");
  const replaced = await run(workplace, "stream", ...dates, "--overwrite");
  assertEquals(replaced.code, 0, replaced.reported);
  assertStringIncludes(replaced.reported, "other options made it (steps), making it again");
  assertStringIncludes(replaced.reported, `${describeDay(SECOND)}  already complete`);
  const other = await run(workplace, "stream", ...dates, "--parallel-fetches", "3");
  assertEquals([other.code, other.asked], [0, []], other.reported);
  const fresh = await run(workplace, "stream", ...dates, "--fresh");
  assertEquals(fresh.code, 0, fresh.reported);
  assert(!fresh.reported.includes("already complete"));
});

const describeDay = ({ date, hour }: Run) => `${date} ${hour} UTC`;

Deno.test("a latest run that cannot be found does not stop the others", async () => {
  await using workplace = await openWorkplace();
  const { code, reported } = await run(workplace, "pipeline", "--date", `latest,${FIRST.date}`);
  assertEquals(code, 3, reported);
  assertStringIncludes(reported, "2 runs: 1 complete, 1 not published");
  assertMatch(
    reported,
    /^ {2}latest 00 UTC +not published +– {2}Cannot find the latest 00 UTC run/m,
  );
});

const SEVERAL = ["--date", "20260206..20260207"];
const REFUSALS: { name: Name; args: string[]; says: string }[] = [
  {
    name: "pipeline",
    args: ["--date", "20260207..20260206"],
    says: "the range ends before it begins",
  },
  { name: "stream", args: ["--date", "20260206..20260207/0"], says: 'the step is "0"' },
  { name: "stream", args: ["--date", "20260231..20260301"], says: "give a day of the calendar" },
  { name: "pipeline", args: ["--date", "20260206", "--run", "00,13"], says: 'run hour "13"' },
  { name: "pipeline", args: [...SEVERAL, "--output-dir", "x"], says: "into one --output-dir" },
  {
    name: "pipeline",
    args: ["--date", "20260206", "--run", "00,06", "--steps", "150"],
    says: "Cannot use step 150: the 06 UTC run has steps 0–144 by 3 hours",
  },
  {
    name: "stream",
    args: ["--date", "20260206", "--run", "00,06", "--steps", "150"],
    says: "Cannot use step 150: the 06 UTC run has steps 0–144 by 3 hours",
  },
  {
    name: "stage2",
    args: ["--date", "20260206", "--run", "00,12"],
    says: "Cannot use several runs: give one --date and one --run, or run the pipeline",
  },
  ...[
    ["--parquet-dir", "x"],
    ["--gcs-parquet-path", "gs://bucket/x"],
    ["--summary", "x.json"],
    ["--task", "0/2"],
    ["--merge"],
    ["--output", "x.nc"],
  ].map((args) => ({
    name: "stream" as const,
    args: [...SEVERAL, ...args],
    says: `stream: Cannot use ${args[0]} with `,
  })),
];

for (const { name, args, says } of REFUSALS) {
  Deno.test(`${name} ${args.join(" ")} exits 2 before it asks for anything`, async () => {
    await using workplace = await openWorkplace();
    const { code, reported, asked } = await run(workplace, name, ...args);
    assertEquals([code, asked], [2, []], reported);
    assertStringIncludes(reported, says);
    assertEquals(await Array.fromAsync(Deno.readDir(workplace.folder)), []);
  });
}
