import { assertEquals } from "jsr:@std/assert@^1.0.0";
import type { RunOutcome } from "../runs/make_runs.ts";
import { openStorage } from "../storage/mod.ts";
import { silentReporter } from "../util/reporter.ts";
import { countStates, summarizeRange } from "./range_summary.ts";
import { formatTable } from "./text_report.ts";

const OUTCOMES: readonly RunOutcome[] = [
  {
    run: "20230301_00z",
    name: "20230301 00 UTC",
    state: "complete",
    exitCode: 0,
    skipped: true,
    output: "out/a.nc",
    messages: { used: 918, wanted: 918 },
  },
  {
    run: "20230302_00z",
    name: "20230302 00 UTC",
    state: "incomplete",
    reason: "4 of 9 steps are not there: 51-60",
    exitCode: 5,
    skipped: false,
    output: "out/b.nc",
    messages: { used: 510, wanted: 918 },
  },
  {
    run: "20230303_00z",
    name: "20230303 00 UTC",
    state: "not published",
    reason: "the server has nothing of it",
    exitCode: 3,
    skipped: false,
  },
];

const context = { storage: openStorage(), reporter: silentReporter };

Deno.test("the table of several runs says how each one ended, where its output is and what it lacks", () => {
  const { title, table } = summarizeRange(OUTCOMES, "out/runs.json", context, Date.now());
  assertEquals(title, "3 runs: 1 complete, 1 incomplete, 1 not published");
  assertEquals(formatTable(table!).split("\n"), [
    "  run              state               messages  output, and what is missing",
    "  20230301 00 UTC  already complete  918 of 918  out/a.nc",
    "  20230302 00 UTC  incomplete        510 of 918  out/b.nc: 4 of 9 steps are not there: 51-60",
    "  20230303 00 UTC  not published              –  the server has nothing of it",
  ]);
});

Deno.test("programs get the same runs, and the ledger where there is one", () => {
  const { facts, lines } = summarizeRange(OUTCOMES, "out/runs.json", context, Date.now());
  const { seconds: _, ...rest } = facts;
  assertEquals(rest, {
    complete: false,
    runs: OUTCOMES.map(({ name: _, ...outcome }) => outcome),
    ledger: "out/runs.json",
    requests: 0,
    retries: 0,
    bytesReceived: 0,
  });
  assertEquals(lines.map(([label]) => label), ["ledger", "requests", "received", "time"]);
  const without = summarizeRange(OUTCOMES, undefined, context, Date.now());
  assertEquals(["ledger" in without.facts, without.lines[0]![0]], [false, "requests"]);
});

Deno.test("countStates() leaves out states that no run has", () => {
  assertEquals(
    countStates([{ state: "failed" }, { state: "complete" }, { state: "failed" }]),
    "1 complete, 2 failed",
  );
  assertEquals(countStates([]), "");
});
