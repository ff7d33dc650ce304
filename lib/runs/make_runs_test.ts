import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { openWorkplace, type Workplace } from "../../fixtures/embedded_run.ts";
import { describeRun, parseRun, type Run, RunError, runLabel } from "../ecmwf/run.ts";
import { EXIT, InterruptedError, MissingDataError, UserError } from "../errors.ts";
import { StorageError } from "../storage/mod.ts";
import { Ledger, type LedgerEntry } from "./ledger.ts";
import {
  findWorst,
  type MadeRun,
  makeRuns,
  type MakeRunsOptions,
  type RunOutcome,
  type RunWork,
} from "./make_runs.ts";

const NOW = new Date("2026-02-09T12:00:00Z");
const RUNS = ["20260201", "20260202", "20260203"].map((date) => parseRun(date, "00"));
const OPTIONS = { command: "test", options: { variables: "t2m" }, now: () => NOW };

/** What happens to a run: it is made, or fails in its preparation or in its turn. */
type Fate = { made: MadeRun } | { prepareError: unknown } | { makeError: unknown };
const COMPLETE: Fate = { made: { complete: true } };

interface Trial {
  outcomes: RunOutcome[];
  /** What was done, in order. */
  log: string[];
  lines: string[];
}

/** Work that writes a file for each run, and logs what it does. */
function fakeWork(
  folder: string,
  fates: ReadonlyMap<Run, Fate>,
  log: string[],
): RunWork<string> {
  const fateOf = (run: Run) => fates.get(run) ?? COMPLETE;
  return {
    output: (run) => ({ folder, name: `${runLabel(run)}.nc` }),
    steps: () => [36, 39],
    prepare(run, { reporter }) {
      log.push(`prepare ${run.date}`);
      reporter.info(`preparing ${run.date}`);
      const fate = fateOf(run);
      return "prepareError" in fate ? Promise.reject(fate.prepareError) : Promise.resolve(run.date);
    },
    async make(run, { prepared, save }, { reporter }) {
      log.push(`make ${prepared}`);
      const fate = fateOf(run);
      if ("makeError" in fate) throw fate.makeError;
      if (!("made" in fate)) return;
      if (!fate.made.complete) reporter.warn(`${run.date} lacks\n  things`);
      await Deno.writeTextFile(`${folder}/${runLabel(run)}.nc`, `values of ${run.date}`);
      await save(fate.made);
      log.push(`saved ${prepared}`);
    },
    settle: (run) => Promise.resolve(void log.push(`clean ${run.date}`)),
  };
}

async function tryRuns(
  { context, folder }: Workplace,
  fates: [Run, Fate][] = [],
  options: Partial<MakeRunsOptions> = {},
  runs: readonly Run[] = RUNS,
): Promise<Trial> {
  const [log, lines]: string[][] = [[], []];
  const add = (line: string) => void lines!.push(line);
  const reporter = { ...context.reporter, info: add, warn: add };
  const work = fakeWork(folder, new Map(fates), log!);
  const given = { ...OPTIONS, folder, ...options };
  const outcomes = await makeRuns(runs, work, given, { ...context, reporter });
  return { outcomes, log: log!, lines: lines! };
}

const ends = ({ outcomes }: Trial) =>
  outcomes.map(({ state, skipped, exitCode }) => [skipped ? `already ${state}` : state, exitCode]);

async function readEntries({ folder, context }: Workplace) {
  const ledger = await Ledger.open(folder, context.storage);
  return RUNS.map((run) => ledger.find(`${runLabel(run)}.nc`));
}

Deno.test("makeRuns() prepares the next run while one is made, and holds back what is reported on it", async () => {
  await using workplace = await openWorkplace(new Map());
  const { context, folder } = workplace;
  const prepared = RUNS.map(() => Promise.withResolvers<void>());
  const [log, lines]: [string[], string[]] = [[], []];
  const work = fakeWork(folder, new Map(), log);
  const indexOf = (run: Run) => RUNS.findIndex(({ date }) => date === run.date);
  const add = (line: string) => void lines.push(line);
  const outcomes = await makeRuns(
    RUNS,
    {
      ...work,
      async prepare(run, context) {
        const result = await work.prepare(run, context);
        prepared[indexOf(run)]!.resolve();
        return result;
      },
      async make(run, turn, context) {
        const i = indexOf(run);
        await prepared[i + 1]?.promise;
        const preparations = log.filter((line) => line.startsWith("prepare"));
        assertEquals([preparations.length, lines.length], [Math.min(3, i + 2), 2 * (i + 1)]);
        await work.make(run, turn, context);
      },
    },
    { ...OPTIONS, folder },
    { ...context, reporter: { ...context.reporter, info: add } },
  );
  assertEquals(log.filter((line) => line.startsWith("saved")).length, 3);
  assertEquals(
    lines,
    RUNS.flatMap((run, i) => [
      `run ${i + 1} of 3: ${describeRun(run)}`,
      `preparing ${run.date}`,
    ]),
  );
  assertEquals(outcomes[0], {
    run: "20260201_00z",
    name: "20260201 00 UTC",
    state: "complete",
    output: `${workplace.folder}/20260201_00z.nc`,
    exitCode: 0,
    skipped: false,
  });
  assertEquals(workplace.server.counters.requests, 0);
});

Deno.test("makeRuns() skips runs that are complete, and tries the others again", async () => {
  await using workplace = await openWorkplace(new Map());
  const [first, second] = RUNS as [Run, Run, Run];
  const incomplete: Fate = { made: { complete: false, messages: { used: 1, wanted: 2 } } };
  const trial = await tryRuns(workplace, [[first, incomplete], [second, COMPLETE]]);
  assertEquals(ends(trial), [["incomplete", 5], ["complete", 0], ["complete", 0]]);
  assertEquals(trial.outcomes[0]!.reason, "20260201 lacks things");
  const entries = await readEntries(workplace);
  assertEquals(entries[0], {
    run: "20260201_00z",
    output: "20260201_00z.nc",
    state: "incomplete",
    reason: "20260201 lacks things",
    messages: { used: 1, wanted: 2 },
    sha256: entries[0]!.sha256!,
    options: OPTIONS.options,
    command: "test",
    time: NOW.toISOString(),
  });
  const again = await tryRuns(workplace);
  assertEquals(ends(again), [["complete", 0], ["already complete", 0], ["already complete", 0]]);
  assertEquals(again.log.filter((line) => !line.includes("20260201")), [
    "clean 20260202",
    "clean 20260203",
  ]);
  assertStringIncludes(again.lines.join("\n"), "20260202 00 UTC: already complete, ");
});

Deno.test("makeRuns() keeps an output that was made with other options or changed, unless it may overwrite", async () => {
  await using workplace = await openWorkplace(new Map());
  const { folder } = workplace;
  await tryRuns(workplace);
  const before = await Deno.readTextFile(`${folder}/runs.json`);
  const options = { variables: "tp", region: "1" };
  const other = await tryRuns(workplace, [], { options });
  assertEquals(ends(other), RUNS.map(() => ["failed", EXIT.usage]));
  assertStringIncludes(
    other.lines.join("\n"),
    `Cannot write "${folder}/20260201_00z.nc": other options made it; give --output-dir ` +
      "or --overwrite; --variables: t2m there, tp here; --region: none there, 1 here",
  );
  assertEquals([other.log, await Deno.readTextFile(`${folder}/runs.json`)], [[], before]);

  const allowed = await tryRuns(workplace, [], { options, overwrite: true });
  assertEquals(ends(allowed), RUNS.map(() => ["complete", 0]));
  assertStringIncludes(
    allowed.lines.join("\n"),
    "20260201_00z.nc: other options made it (variables, region), making it again",
  );
  // As another command leaves them that knows nothing of the ledger.
  await Deno.writeTextFile(`${folder}/20260201_00z.nc`, "values of 20260299");
  await Deno.remove(`${folder}/20260202_00z.nc`);
  const changed = await tryRuns(workplace, [], { options });
  assertEquals(ends(changed), [["failed", 2], ["complete", 0], ["already complete", 0]]);
  assertStringIncludes(changed.lines.join("\n"), '_00z.nc": it was changed since; give');
  assertStringIncludes(changed.lines.join("\n"), "20260202_00z.nc: it is gone, making it again");
  const fresh = await tryRuns(workplace, [], { options, remake: true, overwrite: true });
  assertEquals(fresh.outcomes.map(({ skipped }) => skipped), [false, false, false]);
  assertStringIncludes(fresh.lines.join("\n"), "20260201_00z.nc: it was changed since, making it");
});

const gone = new MissingDataError("Cannot find references");
const down = new StorageError({ kind: "unreachable", url: "s3://a/b", state: "it is down" });
const FAILURES: [what: string, fate: Fate, state: string, reason: string, exitCode: number][] = [
  ["a run that the server lacks", { prepareError: gone }, "not published", "not published yet", 3],
  [
    "a server that fails",
    { makeError: down },
    "failed",
    down.message,
    EXIT.unreachable,
  ],
  ["a damaged file", { makeError: new UserError("damaged", "Cannot x") }, "failed", "Cannot x", 1],
  ["a fault of the program", { prepareError: new TypeError("x is y") }, "failed", "x is y", 1],
  [
    "refused permissions",
    { makeError: new Deno.errors.NotCapable("Requires net") },
    "failed",
    "Requires net",
    EXIT.unreachable,
  ],
];

for (const [what, fate, state, reason, exitCode] of FAILURES) {
  Deno.test(`makeRuns() continues after ${what}`, async () => {
    await using workplace = await openWorkplace(new Map());
    const trial = await tryRuns(workplace, [[RUNS[1]!, fate]], {
      now: () => new Date("2026-02-02T06:00:00Z"),
    }, RUNS.slice(0, 2).concat(parseRun("20260131", "00")));
    assertEquals(ends(trial), [["complete", 0], [state, exitCode], ["complete", 0]]);
    const [, { reason: found, output }] = trial.outcomes as [RunOutcome, RunOutcome];
    assertEquals([found, output], [reason, undefined]);
    assertEquals((await readEntries(workplace))[1]!.reason, reason);
    const line = state === "failed" ? `failed: ${reason}` : reason;
    assertStringIncludes(trial.lines.join("\n"), `20260202 00 UTC: ${line}`);
  });
}

Deno.test("makeRuns() asks no server for a run of the future or of the time before the open data", async () => {
  await using workplace = await openWorkplace(new Map());
  const runs = [parseRun("20230117", "18"), parseRun("20260210", "00")];
  const trial = await tryRuns(workplace, [], {}, runs);
  assertEquals(trial.log, []);
  assertEquals(trial.outcomes.map(({ state, reason, exitCode }) => [state, reason, exitCode]), [
    ["not published", "no run of ECMWF's open data before 2023-01-18", 3],
    ["not published", "not published yet: the run has not begun", 3],
  ]);
  assertEquals(workplace.server.counters.requests, 0);
});

Deno.test("that a run is not published is a line where it is no news, and other failures are warnings", async () => {
  await using workplace = await openWorkplace(new Map());
  const { context, folder } = workplace;
  const [lines, warnings]: [string[], string[]] = [[], []];
  const reporter = {
    ...context.reporter,
    info: (line: string) => void lines.push(line),
    warn: (line: string) => void warnings.push(line),
  };
  const fates: [Run, Fate][] = [[RUNS[0]!, { makeError: gone }], [RUNS[1]!, { makeError: down }]];
  const work = fakeWork(folder, new Map(fates), []);
  const now = () => new Date("2026-02-02T06:00:00Z");
  const options = { ...OPTIONS, folder, now, isAbsenceExpected: true };
  await makeRuns(RUNS.slice(0, 2), work, options, { ...context, reporter });
  assertEquals(lines.at(2), "20260201 00 UTC: not published: the server has nothing of it");
  assertEquals(warnings, [`20260202 00 UTC: failed: ${down.message}`]);
});

Deno.test("an accepted incomplete output counts as done, and is tried again", async () => {
  await using workplace = await openWorkplace(new Map());
  const fate: Fate = { made: { complete: false, isAccepted: true, reason: "1 of 2 steps" } };
  const runs = RUNS.slice(0, 1);
  const accepted = await tryRuns(workplace, [[RUNS[0]!, fate]], {}, runs);
  assertEquals(ends(accepted), [["incomplete", 0]]);
  assertEquals(ends(await tryRuns(workplace, [], {}, runs)), [["complete", 0]]);
});

Deno.test("an interruption ends the runs, and the ledger has those that ended before", async () => {
  await using workplace = await openWorkplace(new Map());
  const stop = new InterruptedError("stopped by SIGINT");
  await assertRejects(
    () => tryRuns(workplace, [[RUNS[1]!, { makeError: stop }]]),
    InterruptedError,
    "stopped by SIGINT",
  );
  const states = (await readEntries(workplace)).map((entry?: LedgerEntry) => entry?.state);
  assertEquals(states, ["complete", undefined, undefined]);
});

Deno.test("without a folder there is no ledger, and every run is made", async () => {
  await using workplace = await openWorkplace(new Map());
  for (let i = 0; i < 2; i++) {
    const trial = await tryRuns(workplace, [], { folder: undefined });
    assertEquals(ends(trial), [["complete", 0], ["complete", 0], ["complete", 0]]);
  }
  const names = await Array.fromAsync(Deno.readDir(workplace.folder), ({ name }) => name);
  assert(!names.includes("runs.json"));
});

Deno.test("a run that cannot be tidied up stays complete, and shows in the exit code", async () => {
  await using workplace = await openWorkplace(new Map());
  const { context, folder } = workplace;
  const work = fakeWork(folder, new Map(), []);
  const make: typeof work.make = async (run, turn, context) => {
    await work.make(run, turn, context);
    throw new UserError("unreachable", "Cannot remove x");
  };
  const given = { ...OPTIONS, folder };
  const [outcome] = await makeRuns(RUNS.slice(0, 1), { ...work, make }, given, context);
  assertEquals([outcome!.state, outcome!.exitCode], ["complete", EXIT.unreachable]);
  assertEquals(workplace.warnings, ["20260201 00 UTC: Cannot remove x"]);
});

Deno.test("what each run costs adds up to what all cost", async () => {
  const bucket = new Map([["k", new Uint8Array(10)]]);
  await using workplace = await openWorkplace(bucket);
  const { context, folder } = workplace;
  const counts: number[][] = [];
  const work = fakeWork(folder, new Map(), []);
  const get = () => context.storage.get("s3://ecmwf-forecasts/k");
  await makeRuns(
    RUNS,
    {
      ...work,
      prepare: async (run, context) => (await get(), await work.prepare(run, context)),
      async make(run, turn, context) {
        await get();
        await work.make(run, turn, context);
        const { requests, bytesReceived, retries, requestsByHost } = context.storage.counters;
        counts.push([requests, bytesReceived, retries, ...Object.values(requestsByHost)]);
      },
    },
    { ...OPTIONS, folder },
    context,
  );
  const sums = counts.reduce((sum, own) => sum.map((value, i) => value + own[i]!));
  assertEquals(sums.slice(0, 3), [6, 60, 0]);
  assertEquals(sums[3], 6);
});

Deno.test("findWorst() ranks exit codes as the table of severity does", () => {
  const worst = (...codes: number[]) => findWorst(codes.map((exitCode) => ({ exitCode })));
  assertEquals(worst(), 0);
  assertEquals(worst(0, 0), 0);
  assertEquals(worst(0, 5, 0), 5);
  assertEquals(worst(5, 3), 3);
  assertEquals(worst(3, 4, 5), 4);
  assertEquals(worst(4, 1, 3), 1);
  assertEquals(worst(2, 1), 2);
});

Deno.test("an error of the command line has an exit code of its own", async () => {
  await using workplace = await openWorkplace(new Map());
  const fate: Fate = { makeError: new RunError("Cannot use step 1") };
  const trial = await tryRuns(workplace, [[RUNS[0]!, fate]], {}, RUNS.slice(0, 1));
  assertEquals(ends(trial), [["failed", EXIT.usage]]);
});
