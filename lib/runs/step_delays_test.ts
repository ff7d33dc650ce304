import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { expectStep } from "../ecmwf/published.ts";
import { formatDate, parseRun, runLabel } from "../ecmwf/run.ts";
import { openStorage } from "../storage/mod.ts";
import { Ledger, type StepsSeen } from "./ledger.ts";
import { describeDelay, findUsualDelay, listDelays, noteSteps } from "./step_delays.ts";

const MINUTE_MS = 60_000;
const RUN = parseRun("20260601", "00");

/** Runs of the days before, each with its delay in minutes, the newest first. */
function makeHistory(delays: readonly number[], hour = "00"): StepsSeen {
  return Object.fromEntries(delays.map((minutes, i) => {
    const date = formatDate(new Date(Date.UTC(2026, 4, 31 - i)));
    const run = parseRun(date, hour);
    const time = new Date(expectStep(run, 48) + minutes * MINUTE_MS).toISOString();
    return [runLabel(run), { "48": time }];
  }));
}

const SIXTY = Array.from({ length: 60 }, (_, i) => i + 1);
const at = (minutes: number) => expectStep(RUN, 48) + minutes * MINUTE_MS;

for (
  const [delays, minutes, text] of [
    [SIXTY, 60, "step 48 is later than in 59 of the last 60 runs of 00 UTC"],
    [[500, ...SIXTY, 1000, 1000], 60, "step 48 is later than in 59 of the last 60 runs of 00 UTC"],
    [[5, 6, 7], 10, "step 48 is later than in 3 of the 3 earlier runs of 00 UTC that are known"],
    [[5], 2, "step 48 is later than in 0 of the 1 earlier run of 00 UTC that is known"],
    [[], 10, undefined],
  ] as const
) {
  Deno.test(`with ${delays.length} earlier runs a step ${minutes} min after its time is: ${text}`, () => {
    assertEquals(describeDelay(makeHistory(delays), RUN, 48, at(minutes)), text);
  });
}

Deno.test("the usual delay is that of 95 % of the last runs, and unknown with fewer than twenty", () => {
  assertEquals(findUsualDelay(makeHistory(SIXTY), RUN, 48), 57 * MINUTE_MS);
  assertEquals(findUsualDelay(makeHistory(SIXTY.slice(0, 19)), RUN, 48), undefined);
  assertEquals(findUsualDelay(makeHistory(SIXTY.slice(0, 20)), RUN, 48), 19 * MINUTE_MS);
});

Deno.test("a run is compared with earlier ones of its hour and model", () => {
  const seen = makeHistory([9], "12");
  assertEquals(listDelays(seen, RUN, 48), []);
  assertEquals(listDelays(seen, parseRun("20260601", "12"), 48), [9 * MINUTE_MS]);
  assertEquals(listDelays(seen, parseRun("20260601", "12"), 51), []);
  assertEquals(listDelays(seen, parseRun("20260601", "12", "aifs-ens"), 48), []);
  assertEquals(listDelays(seen, parseRun("20260531", "12"), 48), []);
});

Deno.test("a step that was due long before someone looked is not noted", () => {
  const early = expectStep(RUN, 36) + 6 * 60 * MINUTE_MS;
  assertEquals(noteSteps(RUN, [36, 48], early + 1), {
    run: "20260601_00z",
    seen: { "48": new Date(early + 1).toISOString() },
  });
});

Deno.test("the ledger keeps when steps were first seen, of the last 300 runs", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [one, other] = [await Ledger.open(folder, openStorage()), openStorage()];
    await one.recordSteps("20260601_00z", { "36": "2026-06-01T06:40:00.000Z" });
    const again = await Ledger.open(folder, other);
    await again.recordSteps("20260601_00z", {
      "36": "2026-06-01T09:00:00.000Z",
      "39": "2026-06-01T09:00:00.000Z",
    });
    const seen = { "36": "2026-06-01T06:40:00.000Z", "39": "2026-06-01T09:00:00.000Z" };
    assertEquals((await Ledger.open(folder, other)).stepsSeen, { "20260601_00z": seen });
    const lines = (await Deno.readTextFile(`${folder}/runs.json`)).split("\n");
    assertEquals(lines[3], `"20260601_00z": ${JSON.stringify(seen)}`);
    const many = Object.entries(makeHistory(Array(300).fill(1)));
    const text = JSON.stringify({ version: 1, stepsSeen: Object.fromEntries(many), runs: [] });
    await Deno.writeTextFile(`${folder}/runs.json`, text);
    await again.recordSteps("aifs-ens_20260601_00z", { "36": "2026-06-01T06:40:00.000Z" });
    const kept = Object.keys((await Ledger.open(folder, other)).stepsSeen);
    assertEquals([kept.length, kept.at(-1)], [300, "aifs-ens_20260601_00z"]);
    assertEquals(kept.includes(many.at(-1)![0]), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
