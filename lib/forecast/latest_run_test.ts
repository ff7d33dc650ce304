import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { bucketKey, openWorkplace } from "../../fixtures/embedded_run.ts";
import type { Bucket } from "../../fixtures/file_versions.ts";
import { moveRuns } from "../../fixtures/moved_run.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { parseRun } from "../ecmwf/run.ts";
import { MissingDataError } from "../errors.ts";
import { StorageError } from "../storage/mod.ts";
import { openLatest, openNewest } from "./latest_run.ts";

const TODAY = parseRun("20260311", "00");
const YESTERDAY = parseRun("20260310", "00");
const NOW = new Date("2026-03-11T09:00:00Z");
const REQUEST = { date: "latest", hour: "00" } as const;
/** A middle step, and the last one that is needed. */
const NEEDED = { stepsOf: () => [36, 39], maxMembers: 4, parallelFetches: 1 };
const NEEDED_OF_AIFS = { ...NEEDED, stepsOf: () => [36, 42] };
const [MIDDLE] = stepFiles(TODAY, 36);
const [LAST] = stepFiles(TODAY, 39);

/** What is wrong with today's run, the run taken instead, and the requests. */
const CASES: readonly {
  what: string;
  change: (bucket: Bucket) => void;
  run: string;
  requests: Record<string, number>;
  why?: string;
}[] = [
  {
    what: "has all steps that are needed, though not its last one",
    change: () => {},
    run: TODAY.date,
    requests: { GET: 2, HEAD: 2 },
  },
  {
    what: "lacks a middle step",
    change: (bucket) => {
      bucket.delete(bucketKey(MIDDLE!.indexUrl));
      bucket.delete(bucketKey(MIDDLE!.url));
    },
    run: YESTERDAY.date,
    requests: { GET: 4, HEAD: 4 },
    why: "20260311 without step 36",
  },
  {
    what: "has the index of a step before its file",
    change: (bucket) => void bucket.delete(bucketKey(MIDDLE!.url)),
    run: YESTERDAY.date,
    requests: { GET: 4, HEAD: 4 },
    why: "20260311 without step 36",
  },
  {
    what: "has a file that is shorter than its index says",
    change: (bucket) => {
      const key = bucketKey(MIDDLE!.url);
      bucket.set(key, bucket.get(key)!.slice(0, 1000));
    },
    run: YESTERDAY.date,
    // The length is asked for again, three times, and the version noted: it may have been replaced.
    requests: { GET: 4, HEAD: 8 },
    why: "20260311 without step 36",
  },
  {
    what: "lacks the last step that is needed",
    change: (bucket) => {
      bucket.delete(bucketKey(LAST!.indexUrl));
      bucket.delete(bucketKey(LAST!.url));
    },
    run: YESTERDAY.date,
    requests: { GET: 3, HEAD: 3 },
    why: "20260311 without step 39",
  },
];

for (const { what, change, run, requests, why } of CASES) {
  Deno.test(`openLatest() takes the run of ${run} when that of today ${what}`, async () => {
    const bucket = await moveRuns({ run: TODAY }, { run: YESTERDAY });
    change(bucket);
    await using place = await openWorkplace(bucket);
    const lines: string[] = [];
    const info = (line: string) => void lines.push(line);
    const context = { ...place.context, reporter: { ...place.context.reporter, info } };
    const reader = await openLatest(REQUEST, NEEDED, context, NOW);
    await reader.read();
    assertEquals([reader.run.date, reader.waiting], [run, []]);
    assertEquals(place.server.counters.byMethod, requests);
    const newer = why === undefined ? "" : ` (${why})`;
    assertEquals(lines, [`latest run with all steps: ${run} 00 UTC${newer}`]);
  });
}

Deno.test("openLatest() looks at no run that has not begun, and names those that it looked at", async () => {
  const bucket = await moveRuns({ run: TODAY });
  bucket.delete(bucketKey(MIDDLE!.indexUrl));
  await using place = await openWorkplace(bucket);
  await assertRejects(
    () => openLatest(REQUEST, NEEDED, place.context, NOW),
    MissingDataError,
    "Cannot find the latest 00 UTC run: at 2026-03-11T09:00Z no run has all steps; give --date, or " +
      "--wait\n  20260311 without step 36; 20260310, 20260309, 20260308, 20260307, 20260306 without step 39",
  );
  await assertRejects(
    () => openLatest({ date: "latest", hour: "12" }, NEEDED, place.context, NOW),
    MissingDataError,
    "  20260310, 20260309, 20260308, 20260307, 20260306 without step 39",
  );
});

Deno.test("openLatest() looks for runs of the model that is asked for, and for no others", async () => {
  await using place = await openWorkplace(await moveRuns({ run: TODAY }));
  await assertRejects(
    () => openLatest({ ...REQUEST, model: "aifs-ens" }, NEEDED_OF_AIFS, place.context, NOW),
    MissingDataError,
    "without step 42",
  );
  const keys = place.server.requests.map(({ key }) => key);
  assertEquals(keys.filter((key) => !key.includes("/aifs-ens/")), []);
});

Deno.test("openLatest() fails when the server fails, instead of going back", async () => {
  await using place = await openWorkplace(await moveRuns({ run: TODAY }));
  place.server.setFaults(() => ({ kind: "status", status: 500, code: "Down" }));
  await assertRejects(
    async () => {
      const reader = await openLatest(REQUEST, NEEDED, place.context, NOW);
      await reader.read();
      reader.report();
    },
    StorageError,
    "500",
  );
});

Deno.test("openNewest() takes the newest run that has begun, without any request", async () => {
  await using place = await openWorkplace(new Map());
  const runs = [];
  for (const hour of ["00", "06", "12"] as const) {
    const reader = await openNewest({ date: "latest", hour }, NEEDED, place.context, NOW);
    runs.push(`${reader.run.date} ${reader.run.hour}`);
  }
  assertEquals(runs, ["20260311 00", "20260311 06", "20260310 12"]);
  const ofModel = { date: "latest", hour: "06", model: "aifs-ens" } as const;
  const { run } = await openNewest(ofModel, NEEDED_OF_AIFS, place.context, NOW);
  assertEquals(run, { date: "20260311", hour: "06", model: "aifs-ens" });
  assertEquals(place.server.requests, []);
});
