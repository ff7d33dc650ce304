import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import {
  checkSteps,
  chooseSteps,
  describeRun,
  formatDate,
  formatSteps,
  isSameRun,
  parseRun,
  parseRunLabel,
  referenceTime,
  RunError,
  runLabel,
  runSteps,
} from "./run.ts";

Deno.test("parseRun() accepts days of the calendar and the four run hours, with or without zero", () => {
  for (const hour of ["00", "06", "12", "18"] as const) {
    assertEquals(parseRun("20240229", hour), { date: "20240229", hour });
  }
  assertEquals(parseRun("20260206", "0").hour, "00");
  assertEquals(parseRun("20260206", "6").hour, "06");
});

Deno.test("parseRun() throws RunError for days that are not in the calendar", () => {
  const dates = ["20260230", "20250229", "20261301", "20260100", "2026-02-06", "260206", "", "x"];
  for (const date of [...dates, "202602061", "00000101", "latest"]) {
    assertThrows(() => parseRun(date, "00"), RunError, `Cannot use date "${date}"`);
  }
});

Deno.test("parseRun() throws RunError for hours at which no run starts", () => {
  for (const hour of ["03", "24", "1", "", "000", "12z", "-6", "6.0"]) {
    assertThrows(
      () => parseRun("20260206", hour),
      RunError,
      `Cannot use run hour "${hour}": ECMWF runs at 00, 06, 12 and 18 UTC`,
    );
  }
});

Deno.test("referenceTime() is the start of the run in UTC", () => {
  const time = referenceTime(parseRun("20260206", "18"));
  assertEquals(time.toISOString(), "2026-02-06T18:00:00.000Z");
});

Deno.test("describeRun(), runLabel() and formatDate() write a run for people, file names and dates", () => {
  const run = parseRun("20260206", "06");
  assertEquals(describeRun(run), "20260206 06 UTC");
  assertEquals(runLabel(run), "20260206_06z");
  assertEquals(formatDate(new Date("2026-12-31T23:59:59Z")), "20261231");
});

Deno.test("runSteps() has 85 steps at 00 and 12 UTC and 49 at 06 and 18 UTC", () => {
  for (const hour of ["00", "12"]) {
    const steps = runSteps(parseRun("20260206", hour));
    assertEquals(steps.length, 85);
    assertEquals(steps.slice(0, 3), [0, 3, 6]);
    assertEquals(steps.slice(47, 51), [141, 144, 150, 156]);
    assertEquals(steps.at(-1), 360);
  }
  for (const hour of ["06", "18"]) {
    const steps = runSteps(parseRun("20260206", hour));
    assertEquals([steps.length, steps.at(-1)], [49, 144]);
  }
});

Deno.test("checkSteps() sorts the steps and drops repetitions", () => {
  assertEquals(checkSteps(parseRun("20260206", "00"), [150, 36, 0, 36]), [0, 36, 150]);
});

Deno.test("checkSteps() names the step that a run does not have, and the steps that it has", () => {
  const check = (hour: string, steps: number[]) => () =>
    checkSteps(parseRun("20260206", hour), steps);
  const long = "the 12 UTC run has steps 0–144 by 3 and 150–360 by 6 hours";
  for (const step of [1, 147, 153, 363, -3, 36.5, NaN]) {
    assertThrows(check("12", [36, step]), RunError, `Cannot use step ${step}: ${long}`);
  }
  const short = "the 18 UTC run has steps 0–144 by 3 hours";
  assertThrows(check("18", [150]), RunError, `Cannot use step 150: ${short}`);
});

Deno.test("formatSteps() joins neighbours among the steps of the run", () => {
  const run = parseRun("20260206", "00");
  assertEquals(formatSteps(run, [150, 144, 0, 3, 6, 12, 156, 360]), "0-6, 12, 144-156, 360");
  assertEquals(formatSteps(run, runSteps(run)), "0-360");
  assertEquals(formatSteps(run, []), "");
});

const AIFS = parseRun("20260206", "6", "aifs-ens");

Deno.test("a run of the IFS names no model, one of another names it everywhere", () => {
  assertEquals(parseRun("20260206", "06", "ifs"), { date: "20260206", hour: "06" });
  assertEquals(AIFS, { date: "20260206", hour: "06", model: "aifs-ens" });
  assertEquals([describeRun(AIFS), runLabel(AIFS)], [
    "AIFS-ENS 20260206 06 UTC",
    "aifs-ens_20260206_06z",
  ]);
  assertEquals(isSameRun(AIFS, parseRun("20260206", "06")), false);
  for (const run of [AIFS, parseRun("20260206", "06")]) {
    assertEquals(parseRunLabel(`ecmwf_three_stage_${runLabel(run)}`), run);
    assertEquals(parseRunLabel(runLabel(run)), run);
  }
  assertEquals(parseRunLabel("20260206"), undefined);
});

Deno.test("an AIFS-ENS run has steps 0–360 by 6 at every hour", () => {
  for (const hour of ["00", "06", "12", "18"]) {
    const steps = runSteps(parseRun("20260206", hour, "aifs-ens"));
    assertEquals([steps.length, ...steps.slice(0, 3), steps.at(-1)], [61, 0, 6, 12, 360]);
  }
  assertThrows(
    () => checkSteps(AIFS, [36, 39]),
    RunError,
    "Cannot use step 39: the 06 UTC AIFS-ENS run has steps 0–360 by 6 hours",
  );
});

Deno.test("chooseSteps() drops default steps that a run does not have, and no others", () => {
  const defaults = [36, 39, 42];
  assertEquals(chooseSteps(AIFS, undefined, defaults), [36, 42]);
  assertEquals(chooseSteps(parseRun("20260206", "06"), undefined, defaults), defaults);
  assertEquals(chooseSteps(AIFS, [48, 0], defaults), [0, 48]);
  assertEquals(chooseSteps(AIFS, undefined), runSteps(AIFS));
  assertThrows(() => chooseSteps(AIFS, [39], defaults), RunError);
});
