import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "jsr:@std/assert@^1.0.0";
import { bucketKey, openWorkplace } from "../../fixtures/embedded_run.ts";
import { SLOW_DOWN } from "../../fixtures/s3_server.ts";
import { MissingDataError } from "../errors.ts";
import { StorageError } from "../storage/mod.ts";
import { stepFiles } from "./files.ts";
import {
  absentRunError,
  describeImpossible,
  expectStep,
  findFolder,
  findUnpublishedRun,
  listLatestRuns,
  parseRunList,
  resolveRun,
} from "./published.ts";
import { formatDate, parseRun, RunError, type RunHour, runSteps } from "./run.ts";

const NOW = new Date("2026-05-20T10:00:00Z");

/** Indexes of the last step of runs, by key of the bucket. */
function publish(...runs: [date: string, hour: RunHour][]): Map<string, Uint8Array<ArrayBuffer>> {
  const urls = runs.map(([date, hour]) => parseRun(date, hour)).flatMap((run) =>
    stepFiles(run, runSteps(run).at(-1)!).map(({ indexUrl }) => indexUrl)
  );
  return new Map(urls.map((url) => [bucketKey(url), new Uint8Array(1)]));
}

function dayBefore(now: Date, days: number): string {
  return formatDate(new Date(now.getTime() - days * 86_400_000));
}

/** The latest run found, and the requests that it took. */
async function find(bucket: ReturnType<typeof publish>, hour: RunHour = "00", now = NOW) {
  await using workplace = await openWorkplace(bucket);
  const lines: string[] = [];
  const info = (line: string) => void lines.push(line);
  const context = { ...workplace.context, reporter: { ...workplace.context.reporter, info } };
  const run = await resolveRun({ date: "latest", hour }, context, now).catch((error) => {
    assertInstanceOf(error, MissingDataError);
    assertEquals(
      error.message,
      `Cannot find the latest ${hour} UTC run: none of ${dayBefore(now, 5)} to ${
        dayBefore(now, 0)
      } ` +
        `is complete, by the clock of ${now.toISOString().slice(0, 16).replace("T", " ")} UTC; ` +
        "set the clock or give --date",
    );
  });
  assertEquals(lines, run ? [`latest complete run: ${run.date} ${hour} UTC`] : []);
  return { date: run?.date, hour: run?.hour, requests: workplace.server.counters.byMethod };
}

Deno.test("resolveRun() finds the run of today once its last step is there", async () => {
  const bucket = publish(["20260520", "00"], ["20260519", "00"]);
  assertEquals(await find(bucket), { date: "20260520", hour: "00", requests: { HEAD: 2 } });
});

Deno.test("resolveRun() goes back day by day while the last step is missing, even if others exist", async () => {
  const bucket = publish(["20260518", "00"], ["20260519", "12"]);
  const [first] = stepFiles(parseRun("20260520", "00"), 0);
  bucket.set(bucketKey(first!.indexUrl), new Uint8Array(1));
  assertEquals(await find(bucket), { date: "20260518", hour: "00", requests: { HEAD: 4 } });
});

Deno.test("resolveRun() requires the file of the control too, from 50r1 on", async () => {
  const bucket = publish(["20260520", "00"], ["20260519", "00"]);
  for (const key of bucket.keys()) {
    if (key.includes("20260520") && key.includes("/oper/")) bucket.delete(key);
  }
  assertEquals((await find(bucket)).date, "20260519");
});

Deno.test("resolveRun() asks for one file a day before 50r1", async () => {
  const bucket = publish(["20260511", "00"]);
  const now = new Date("2026-05-12T09:00:00Z");
  assertEquals(await find(bucket, "00", now), {
    date: "20260511",
    hour: "00",
    requests: { HEAD: 2 },
  });
});

Deno.test("resolveRun() looks for the last step of runs at that hour", async () => {
  const bucket = publish(["20260519", "18"], ["20260519", "12"]);
  assertEquals((await find(bucket, "18")).date, "20260519");
  assertEquals([...bucket.keys()].filter((key) => /-144h-|-360h-/.test(key)).length, bucket.size);
  assertEquals((await find(bucket, "12")).date, "20260519");
  assertEquals((await find(bucket, "06")).date, undefined);
});

Deno.test("resolveRun() crosses the end of a month, and ends after five days", async () => {
  const now = new Date("2026-03-02T23:59:59Z");
  assertEquals((await find(publish(["20260227", "06"]), "06", now)).date, "20260227");
  assertEquals((await find(publish(["20260225", "06"]), "06", now)).date, "20260225");
  const nothing = await find(publish(["20260224", "06"]), "06", now);
  assertEquals(nothing, { date: undefined, hour: undefined, requests: { HEAD: 6 } });
});

Deno.test("resolveRun() fails when the server fails, instead of going back", async () => {
  await using workplace = await openWorkplace(publish(["20260520", "00"]));
  workplace.server.setFaults(() => SLOW_DOWN);
  const error = await assertRejects(
    () => resolveRun({ date: "latest", hour: "00" }, workplace.context, NOW),
    StorageError,
  );
  assertEquals(error.kind, "unreachable");
});

Deno.test("absentRunError() names the run, the file that is missing and the two reasons why", () => {
  const run = parseRun("20260520", "00");
  assertEquals(
    absentRunError("start from", run, new Error('Cannot read "x": it is missing')).message,
    "Cannot start from 20260520 00 UTC: the run is not published yet, or no longer on the server" +
      '\n  Cannot read "x": it is missing',
  );
});

Deno.test("resolveRun() of a given day asks no server", async () => {
  await using workplace = await openWorkplace(publish());
  const run = await resolveRun({ date: "20260206", hour: "00" }, workplace.context);
  assertEquals(run, { date: "20260206", hour: "00" });
  assertEquals(workplace.server.requests.length, 0);
});

Deno.test("absentRunError() says of a run why it cannot be there", () => {
  const state = (date: string) =>
    absentRunError("find", parseRun(date, "00"), new Error("x"), NOW).message.slice(
      "Cannot find 20230117 00 UTC: ".length,
      -"\n  x".length,
    );
  assertEquals(
    state("20230117"),
    "ECMWF's archive begins with the run of 20230118 00 UTC",
  );
  assertEquals(
    state("20230601"),
    "six days before 2024-02-29 are absent from ECMWF's archive, this may be one of them",
  );
  assertEquals(state("20240601"), "the run is not published yet, or no longer on the server");
  assertEquals(state("20260521"), "the run has not begun");
});

Deno.test("findUnpublishedRun() knows runs before the archive and in the future", () => {
  const find = (date: string, hour: string) => findUnpublishedRun(parseRun(date, hour), NOW);
  assertEquals(find("20230117", "18"), "before the archive");
  assertEquals(find("20230118", "00"), undefined);
  assertEquals(find("20260520", "06"), undefined);
  assertEquals(find("20260520", "12"), "in the future");
});

/** Folder found in a bucket with the indexes of these folders and steps, and the requests. */
async function findFolderOf(
  date: string,
  hour: string,
  there: readonly [folder: string, step: number][],
) {
  const run = parseRun(date, hour);
  const urls = there.map(([folder, step]) => stepFiles(run, step, folder)[0]!.indexUrl);
  await using workplace = await openWorkplace(
    new Map(urls.map((url) => [bucketKey(url), new Uint8Array(1)])),
  );
  const { server, context: { storage } } = workplace;
  return [await findFolder(run, [0, 3, 6, 9, 12], storage), server.requests.length];
}

Deno.test("findFolder() asks no server where the era has one folder", async () => {
  assertEquals(await findFolderOf("20240131", "18", []), ["0p4-beta", 0]);
  assertEquals(await findFolderOf("20240229", "00", []), ["ifs/0p25", 0]);
});

Deno.test("findFolder() tries the other folder of the era where the first has no step", async () => {
  const find = (...there: [string, number][]) => findFolderOf("20240215", "00", there);
  assertEquals(await find(["0p25", 0], ["0p4-beta", 0]), ["0p25", 1]);
  assertEquals(await find(["0p25", 9], ["0p4-beta", 0]), ["0p25", 4]);
  assertEquals(await find(["0p4-beta", 0]), ["0p4-beta", 5]);
  assertEquals(await find(), ["0p25", 8]);
});

Deno.test("findFolder() tries all folders for the runs about which sources disagree", async () => {
  for (const folder of ["0p25", "ifs/0p25", "0p4-beta"]) {
    assertEquals((await findFolderOf("20240228", "12", [[folder, 0]]))[0], folder);
  }
  assertEquals((await findFolderOf("20240228", "00", [["ifs/0p25", 0]]))[0], "0p25");
});

/** The runs as text: `20230301 00`. */
function list(dates: string, hours = "00"): string[] {
  return parseRunList(dates.split(","), hours.split(",")).map((it) => `${it.date} ${it.hour}`);
}

Deno.test("parseRunList() gives both ends of a range, across months and a leap day", () => {
  assertEquals(list("20240227..20240302"), [
    "20240227 00",
    "20240228 00",
    "20240229 00",
    "20240301 00",
    "20240302 00",
  ]);
  assertEquals(list("20230301..20230531").length, 92);
  assertEquals(list("20230301..20230301"), ["20230301 00"]);
});

Deno.test("parseRunList() takes every n-th day, lists, latest and several hours", () => {
  assertEquals(list("20230301..20230320/7"), ["20230301 00", "20230308 00", "20230315 00"]);
  assertEquals(list("20230301..20230302/99"), ["20230301 00"]);
  assertEquals(list("latest", "6"), ["latest 06"]);
  assertEquals(list("20230305,latest,20230301..20230302", "00,12"), [
    "20230305 00",
    "20230305 12",
    "latest 00",
    "latest 12",
    "20230301 00",
    "20230301 12",
    "20230302 00",
    "20230302 12",
  ]);
});

Deno.test("parseRunList() gives a run once, however often it is named", () => {
  assertEquals(list("20230301,20230301..20230302,20230302", "0,00"), [
    "20230301 00",
    "20230302 00",
  ]);
});

const REFUSED: [dates: string, hours: string, message: string][] = [
  [
    "20230531..20230301",
    "00",
    'Cannot use dates "20230531..20230301": the range ends before it begins; swap its ends',
  ],
  [
    "20230230..20230301",
    "00",
    'Cannot use date "20230230": give a day of the calendar as YYYYMMDD',
  ],
  ["20230301..2023", "00", 'Cannot use date "2023": give a day of the calendar as YYYYMMDD'],
  ...["0", "-1", "x", ""].map((step): [string, string, string] => [
    `20230301..20230302/${step}`,
    "00",
    `Cannot use dates "20230301..20230302/${step}": the step is "${step}"; ` +
    "give a whole number of days of at least 1",
  ]),
  ...["20230301..", "..20230301", "20230301/7", "20230301...20230302", "1..2..3"]
    .map((dates): [string, string, string] => [
      dates,
      "00",
      `Cannot use dates "${dates}": they are no range; ` +
      "give <first>..<last>, as 20230301..20230531, or <first>..<last>/<days>",
    ]),
  [
    "20230301..latest",
    "00",
    'Cannot use dates "20230301..latest": an end is latest; give it as YYYYMMDD',
  ],
  [
    "2023/03/01",
    "00",
    'Cannot use date "2023/03/01": give a day of the calendar as YYYYMMDD',
  ],
  ["lastest", "00", 'Cannot use date "lastest": did you mean latest?'],
  [
    "20230301",
    "00,13",
    'Cannot use run hour "13": ECMWF runs at 00, 06, 12 and 18 UTC; did you mean 12?',
  ],
];

for (const [dates, hours, message] of REFUSED) {
  Deno.test(`parseRunList() refuses ${dates} at ${hours}`, () => {
    const error = assertThrows(() => list(dates, hours), RunError);
    assertEquals(error.message, message);
  });
}

Deno.test("describeImpossible() knows runs of the future and those before the open data", () => {
  const now = new Date("2026-05-20T06:00:00Z");
  const describe = (date: string, hour: string) => describeImpossible(parseRun(date, hour), now);
  assertEquals(describe("20230117", "18"), "no run of ECMWF's open data before 2023-01-18");
  assertEquals(describe("20230118", "00"), undefined);
  assertEquals(describe("20260520", "06"), undefined);
  assertEquals(describe("20260520", "12"), "not published yet: the run has not begun");
});

Deno.test("the latest run of AIFS-ENS is the newest one whose last step has both files", async () => {
  const whole = parseRun("20260519", "06", "aifs-ens");
  const half = parseRun("20260520", "06", "aifs-ens");
  const indexes = [
    ...stepFiles(whole, 360),
    ...stepFiles(half, 360).slice(0, 1),
    // Of the IFS there is a newer one.
    ...stepFiles(parseRun("20260520", "06"), 144),
  ].map(({ indexUrl }) => indexUrl);
  const bucket = new Map(indexes.map((url) => [bucketKey(url), new Uint8Array(1)]));
  await using place = await openWorkplace(bucket);
  const request = { date: "latest", hour: "06", model: "aifs-ens" } as const;
  assertEquals(await resolveRun(request, place.context, NOW), whole);
});

Deno.test("runs of AIFS-ENS before the first are before its archive", () => {
  const run = parseRun("20250701", "18", "aifs-ens");
  assertEquals(findUnpublishedRun(run, NOW), "before the archive");
  assertEquals(describeImpossible(run, NOW), "no run of AIFS-ENS before 2025-07-02");
  const error = absentRunError("find anything of", run, new Error("nothing there"), NOW);
  assertEquals(
    error.message,
    "Cannot find anything of AIFS-ENS 20250701 18 UTC: ECMWF's archive begins with " +
      "the run of AIFS-ENS 20250702 00 UTC\n  nothing there",
  );
  const later = absentRunError(
    "find anything of",
    parseRun("20250801", "00", "aifs-ens"),
    new Error("no"),
    NOW,
  );
  assertStringIncludes(
    later.message,
    ": the run is not published yet, or no longer on the server\n  no",
  );
});

Deno.test("parseRunList() gives the runs of a model", () => {
  assertEquals(parseRunList(["20260501..20260502"], ["0"], "aifs-ens"), [
    { date: "20260501", hour: "00", model: "aifs-ens" },
    { date: "20260502", hour: "00", model: "aifs-ens" },
  ]);
});

Deno.test("expectStep() has the steps of a run in their order, from 6:30 h to 7:45 h after it", () => {
  const run = parseRun("20260520", "12");
  const times = [0, 60, 360].map((step) => new Date(expectStep(run, step)).toISOString());
  assertEquals(times.map((time) => time.slice(11, 19)), ["18:30:00", "18:42:30", "19:45:00"]);
});

Deno.test("listLatestRuns() has the runs that have begun, of today and five days before", () => {
  const dates = (hour: RunHour) =>
    listLatestRuns({ date: "latest", hour }, NOW).map(({ date }) => date);
  assertEquals(dates("00").length, 6);
  assertEquals([dates("00")[0], dates("12")[0]], ["20260520", "20260519"]);
});
