import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { expectStep } from "../ecmwf/published.ts";
import { chooseSteps, formatDate, parseRun, runLabel } from "../ecmwf/run.ts";
import type { LedgerEntry, StepsSeen } from "../runs/ledger.ts";
import { findNewestOutput, judgeHealth } from "./health.ts";
import {
  findDue,
  findNextRun,
  listDueRuns,
  RunRetries,
  type WatchedRuns,
} from "./watch_schedule.ts";

const WATCHED: WatchedRuns = {
  hours: ["00", "12"],
  catchUpDays: 1,
  steps: (run) => chooseSteps(run, [36, 60]),
};
const TODAY = parseRun("20260206", "00");
const NOW_MS = Date.parse("2026-02-06T12:00:00Z");
const MINUTE_MS = 60_000;

function makeEntry(label: string, change: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    ...{ run: label, output: `${label}.nc`, state: "complete", options: {}, command: "watch" },
    time: "2026-02-06T07:00:00.000Z",
    ...change,
  };
}

/** The last step of earlier runs, so many minutes after its time. */
function makeHistory(minutes: number, count: number): StepsSeen {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => {
    const run = parseRun(formatDate(new Date(Date.UTC(2026, 1, 5 - i))), "00");
    const time = new Date(expectStep(run, 60) + minutes * MINUTE_MS).toISOString();
    return [runLabel(run), { "60": time }];
  }));
}

const BEFORE = [makeEntry("20260205_12z")];

for (
  const { what, entries, seen = {}, minutes, healthy } of [
    {
      what: "the run of today is there",
      entries: [makeEntry("20260206_00z")],
      minutes: 600,
      healthy: true,
    },
    {
      what: "a newer run is there",
      entries: [makeEntry("20260206_12z")],
      minutes: 150,
      healthy: true,
    },
    {
      what: "it lacks messages",
      entries: [makeEntry("20260206_00z", { state: "incomplete" })],
      minutes: 600,
      healthy: true,
    },
    {
      what: "nothing is known, and two and a half hours are over",
      entries: BEFORE,
      minutes: 150,
      healthy: false,
    },
    { what: "nothing is known, and they are not", entries: BEFORE, minutes: 149, healthy: true },
    {
      what: "it is later than usual",
      entries: BEFORE,
      seen: makeHistory(10, 60),
      minutes: 40,
      healthy: false,
    },
    {
      what: "it is as late as usual",
      entries: BEFORE,
      seen: makeHistory(10, 60),
      minutes: 39,
      healthy: true,
    },
    {
      what: "too few runs are known",
      entries: BEFORE,
      seen: makeHistory(10, 19),
      minutes: 40,
      healthy: true,
    },
    {
      what: "its output was removed",
      entries: [makeEntry("20260206_00z", { removed: "x" })],
      minutes: 150,
      healthy: false,
    },
    { what: "that before is not there either", entries: [], minutes: 0, healthy: false },
  ]
) {
  Deno.test(`a watch is ${healthy ? "well" : "not well"} when ${what}`, () => {
    const nowMs = expectStep(TODAY, 60) + minutes * MINUTE_MS;
    assertEquals(judgeHealth({ entries, stepsSeen: seen }, WATCHED, nowMs).healthy, healthy);
  });
}

Deno.test("the newest output is a NetCDF of the model that is watched", () => {
  const others = ["20260206_12z", "aifs-ens_20260206_18z"].map((label) => makeEntry(label));
  others[0] = { ...others[0]!, output: "ecmwf_three_stage_20260206_12z" };
  const known = { entries: [...BEFORE, ...others], stepsSeen: {} };
  assertEquals(findNewestOutput(known, WATCHED)?.run, "20260205_12z");
  assertEquals(findNewestOutput(known, { model: "ifs" })?.run, "20260205_12z");
  assertEquals(findNewestOutput(known, { model: "aifs-ens" })?.run, "aifs-ens_20260206_18z");
});

Deno.test("what is late is named, since when, and why as far as the ledger says", () => {
  const reason = "1 of 2 steps are not there yet: 60";
  const entries = [makeEntry("20260206_00z", { state: "not published", reason })];
  const { problem } = judgeHealth({ entries, stepsSeen: {} }, WATCHED, NOW_MS);
  assertEquals(
    problem,
    "20260206 00 UTC is later than usual since 2026-02-06 09:12 UTC: 1 of 2 steps are not there yet: 60",
  );
});

Deno.test("runs are due from the time of their first step on, the newest first", () => {
  const names = (nowMs: number) => listDueRuns(WATCHED, nowMs).map(runLabel);
  assertEquals(names(NOW_MS), ["20260206_00z", "20260205_12z", "20260205_00z"]);
  const dueMs = findDue(TODAY, WATCHED);
  assertEquals(names(dueMs - 1), ["20260205_12z", "20260205_00z"]);
  assertEquals(names(dueMs)[0], "20260206_00z");
  assertEquals([NOW_MS, dueMs - 1].map((ms) => runLabel(findNextRun(WATCHED, ms))), [
    "20260206_12z",
    "20260206_00z",
  ]);
  const late = Date.parse("2026-02-06T23:59:00Z");
  assertEquals(runLabel(findNextRun(WATCHED, late)), "20260207_00z");
});

Deno.test("a run that failed is put off, longer each time and an hour at most; an old one that is complete is left", () => {
  const retries = new RunRetries();
  const other = parseRun("20260205", "12");
  const runs = [TODAY, other];
  const pauses = [0, 0, 0, 0, 0].map(() => {
    retries.putOff(TODAY, NOW_MS, 1);
    return (retries.findNext(runs)! - NOW_MS) / MINUTE_MS;
  });
  assertEquals(pauses, [10, 20, 40, 60, 60]);
  assertEquals(retries.select(runs, NOW_MS), [other]);
  assertEquals(retries.select(runs, NOW_MS + 60 * MINUTE_MS), runs);
  retries.complete(TODAY, NOW_MS - 24 * 60 * MINUTE_MS, NOW_MS);
  assertEquals(retries.select(runs, NOW_MS + 60 * MINUTE_MS), [other]);
  assertEquals(retries.findNext(runs), undefined);
});

Deno.test("a complete run of the last day is looked at again in an hour, when no other is to be made", () => {
  const retries = new RunRetries();
  const other = parseRun("20260205", "12");
  const runs = [TODAY, other];
  const laterMs = NOW_MS + 60 * MINUTE_MS;
  retries.complete(TODAY, NOW_MS - 60 * MINUTE_MS, NOW_MS);
  assertEquals(retries.findNext(runs), laterMs);
  assertEquals(retries.select(runs, laterMs), [other]);
  retries.complete(other, NOW_MS - 25 * 60 * MINUTE_MS, NOW_MS);
  assertEquals(retries.select(runs, laterMs - 1), []);
  assertEquals(retries.select(runs, laterMs), [TODAY]);
});

Deno.test("a run that was put off by a clock that was wrong is tried when the clock is set back", () => {
  const retries = new RunRetries();
  retries.putOff(TODAY, NOW_MS + 365 * 24 * 60 * MINUTE_MS, 1);
  assertEquals(retries.select([TODAY], NOW_MS), [TODAY]);
});
