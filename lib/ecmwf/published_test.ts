import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { bucketKey, openWorkplace } from "../../fixtures/embedded_run.ts";
import { SLOW_DOWN } from "../../fixtures/s3_server.ts";
import { StorageError } from "../storage/mod.ts";
import { stepFiles } from "./files.ts";
import { absentRunError, findLatestRun } from "./published.ts";
import { parseRun, type RunHour, runSteps } from "./run.ts";

const NOW = new Date("2026-05-20T10:00:00Z");

/** Indexes of the last step of runs, by key of the bucket. */
function publish(...runs: [date: string, hour: RunHour][]): Map<string, Uint8Array<ArrayBuffer>> {
  const urls = runs.map(([date, hour]) => parseRun(date, hour)).flatMap((run) =>
    stepFiles(run, runSteps(run).at(-1)!).map(({ indexUrl }) => indexUrl)
  );
  return new Map(urls.map((url) => [bucketKey(url), new Uint8Array(1)]));
}

/** The date found, and the requests that it took. */
async function find(bucket: ReturnType<typeof publish>, hour: RunHour = "00", now = NOW) {
  await using place = await openWorkplace(bucket);
  const run = await findLatestRun(place.context.storage, hour, now);
  return { date: run?.date, hour: run?.hour, requests: place.server.counters.byMethod };
}

Deno.test("findLatestRun() takes the run of today once its last step is there", async () => {
  const bucket = publish(["20260520", "00"], ["20260519", "00"]);
  assertEquals(await find(bucket), { date: "20260520", hour: "00", requests: { HEAD: 2 } });
});

Deno.test("findLatestRun() goes back while the last step is not there, whatever else is", async () => {
  const bucket = publish(["20260518", "00"], ["20260519", "12"]);
  const [first] = stepFiles(parseRun("20260520", "00"), 0);
  bucket.set(bucketKey(first!.indexUrl), new Uint8Array(1));
  assertEquals(await find(bucket), { date: "20260518", hour: "00", requests: { HEAD: 4 } });
});

Deno.test("findLatestRun() waits for the control's file too, from 50r1 on", async () => {
  const bucket = publish(["20260520", "00"], ["20260519", "00"]);
  for (const key of bucket.keys()) {
    if (key.includes("20260520") && key.includes("/oper/")) bucket.delete(key);
  }
  assertEquals((await find(bucket)).date, "20260519");
});

Deno.test("findLatestRun() asks for one file a day before 50r1", async () => {
  const bucket = publish(["20260511", "00"]);
  const now = new Date("2026-05-12T09:00:00Z");
  assertEquals(await find(bucket, "00", now), {
    date: "20260511",
    hour: "00",
    requests: { HEAD: 2 },
  });
});

Deno.test("findLatestRun() looks for the last step that runs of the hour have", async () => {
  const bucket = publish(["20260519", "18"], ["20260519", "12"]);
  assertEquals((await find(bucket, "18")).date, "20260519");
  assertEquals([...bucket.keys()].filter((key) => /-144h-|-360h-/.test(key)).length, bucket.size);
  assertEquals((await find(bucket, "12")).date, "20260519");
  assertEquals((await find(bucket, "06")).date, undefined);
});

Deno.test("findLatestRun() crosses the end of a month, and ends after five days", async () => {
  const now = new Date("2026-03-02T23:59:59Z");
  assertEquals((await find(publish(["20260227", "06"]), "06", now)).date, "20260227");
  assertEquals((await find(publish(["20260225", "06"]), "06", now)).date, "20260225");
  const nothing = await find(publish(["20260224", "06"]), "06", now);
  assertEquals(nothing, { date: undefined, hour: undefined, requests: { HEAD: 6 } });
});

Deno.test("findLatestRun() does not take a server that fails for a run that is missing", async () => {
  await using place = await openWorkplace(publish(["20260520", "00"]));
  place.server.setFaults(() => SLOW_DOWN);
  const error = await assertRejects(
    () => findLatestRun(place.context.storage, "00", NOW),
    StorageError,
  );
  assertEquals(error.kind, "unreachable");
});

Deno.test("absentRunError() names the run, the file that is missing and why that may be", () => {
  const run = parseRun("20260520", "00");
  assertEquals(
    absentRunError("start from", run, new Error('Cannot read "x": it is missing')).message,
    'Cannot start from 20260520 00 UTC: Cannot read "x": it is missing; ' +
      "the run is not published yet, or no longer kept",
  );
});
