/** What `watch` does with runs that are there: its own, those of `forecast`, and those published again. */
import { assertEquals, assertMatch } from "jsr:@std/assert@^1.0.0";
import { stub } from "jsr:@std/testing@^1.0.0/mock";
import {
  BEFORE_50R1,
  bucketKey,
  EMBEDDED_STEPS,
  openWorkplace,
  type Workplace,
} from "../fixtures/embedded_run.ts";
import { raiseValues, replaceFile } from "../fixtures/file_versions.ts";
import { moveRuns } from "../fixtures/moved_run.ts";
import { startS3Server } from "../fixtures/s3_server.ts";
import { BUCKET, stepFiles } from "../lib/ecmwf/files.ts";
import { execute } from "./commands_fixture.ts";
import { command as forecast } from "./forecast.ts";
import { command as watch } from "./watch.ts";

const { run, members } = BEFORE_50R1;
const NAME = "IFS_20260206_00Z_cgan.nc";
const HOUR_OF_RUN = ["--date", run.date, "--run", run.hour];

/** The options that both commands get. */
const shared = (url: string, folder: string) => [
  ...["--max-members", `${members}`, "--variables", "t2m", "--steps", EMBEDDED_STEPS.join(",")],
  ...["--endpoint", url, "--output-dir", `${folder}/out`],
];

/** Runs `watch --once` in this process, at an hour of the day of the run or later. */
async function watchOnce(url: string, folder: string, hours: number, ...args: string[]) {
  const nowMs = Date.parse("2026-02-06T00:00:00Z") + hours * 3_600_000;
  using _now = stub(Date, "now", () => nowMs);
  return await execute(watch, [
    ...["--once", "--catch-up", "2", "--quiet", ...shared(url, folder), ...args],
  ]);
}

const readLedger = async (folder: string) =>
  JSON.parse(await Deno.readTextFile(`${folder}/out/runs.json`)).runs;

/** The entry of the run. */
const readEntry = async (folder: string) =>
  (await readLedger(folder)).find(({ output }: { output: string }) => output === NAME);

const listNames = (folder: string) =>
  Array.from(Deno.readDirSync(folder), ({ name }) => name).toSorted();

const digest = async (path: string) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(path))).toHex();

/** A server with the run of the day before and that of the day, of which files may be replaced. */
async function openDays() {
  const dayBefore = { run: { ...run, date: "20260205" } };
  const earlier = { run: { ...run, date: "20260204" } };
  const bucket = await moveRuns({ run }, dayBefore, earlier);
  const server = startS3Server({ buckets: { [BUCKET]: bucket } });
  const folder = await Deno.makeTempDir();
  return {
    ...{ bucket, server, folder },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("watch makes a run again that was published again, and looks no more at one that is old", async () => {
  await using days = await openDays();
  const { bucket, server: { url }, folder } = days;
  const path = `${folder}/out/${NAME}`;
  assertEquals((await watchOnce(url, folder, 9)).code, 0);
  const first = await digest(path);
  const again = await watchOnce(url, folder, 10);
  assertEquals([again.code, again.reported, await digest(path)], [0, "", first]);
  replaceFile(bucket, raiseValues(bucket, stepFiles(run, 36)[0]!));
  const { code, reported } = await watchOnce(url, folder, 11);
  assertEquals([code, reported], [0, ""]);
  const second = await digest(path);
  assertEquals([second === first, (await readEntry(folder)).sha256], [false, second]);
  // Of a run whose files are going the file stays, as does that of an old one.
  bucket.delete(bucketKey(stepFiles(run, 39)[0]!.url));
  assertEquals((await watchOnce(url, folder, 12)).code, 0);
  const { length } = days.server.requests;
  await watchOnce(url, folder, 31, "--catch-up", "1");
  assertEquals(await digest(path), second);
  assertEquals((await readEntry(folder)).sha256, second);
  const later = days.server.requests.slice(length).map((request) => JSON.stringify(request));
  assertEquals(later.filter((text) => text.includes("20260206")), []);
  assertEquals(later.length > 0, true);
});

Deno.test("what a complete run cannot be looked at with is no failure: its record stays", async () => {
  await using days = await openDays();
  const { server, folder } = days;
  assertEquals((await watchOnce(server.url, folder, 9)).code, 0);
  const before = await readEntry(folder);
  server.setFaults(() => ({ kind: "status", status: 403, code: "AccessDenied" }));
  const { code, reported } = await watchOnce(server.url, folder, 10);
  assertEquals([code, reported], [0, ""]);
  assertEquals(await readEntry(folder), before);
});

Deno.test("an attempt that fails leaves the record of an incomplete output, which stays on offer", async () => {
  await using place = await openWorkplace();
  const { server, folder } = place;
  const steps = ["--steps", `${EMBEDDED_STEPS.join(",")},42`, "--allow-missing", "--wait", "1h"];
  const only = [...steps, "--catch-up", "0"];
  const { code, reported } = await watchOnce(server.url, folder, 12, ...only);
  assertEquals(code, 5, reported);
  const before = await readEntry(folder);
  assertEquals([before.state, typeof before.sha256], ["incomplete", "string"]);
  server.setFaults(() => ({ kind: "status", status: 403, code: "AccessDenied" }));
  assertEquals((await watchOnce(server.url, folder, 13, ...only)).code !== 0, true);
  assertEquals(await readEntry(folder), before);
  const { lastGood } = JSON.parse(await Deno.readTextFile(`${folder}/out/status.json`));
  assertEquals([lastGood.run, lastGood.complete], ["20260206_00z", false]);
});

/** What `forecast` made, with the options of both. */
async function makeForecast({ server, folder }: Workplace) {
  const { code, reported } = await execute(forecast, [
    ...HOUR_OF_RUN,
    ...shared(server.url, folder),
  ]);
  assertEquals(code, 0, reported);
}

Deno.test("watch takes the file of forecast for its own work, draws and publishes it, and does not remove it", async () => {
  await using place = await openWorkplace();
  const { server, folder } = place;
  await makeForecast(place);
  const wanted = ["--plot", "--view", "--publish", `${folder}/copies`, "--catch-up", "0"];
  const { code, reported } = await watchOnce(server.url, folder, 9, ...wanted);
  assertEquals([code, reported], [0, ""]);
  const stem = NAME.replace(".nc", "");
  const files = [`${stem}_036h.png`, `${stem}.html`];
  const { command, files: noted, published } = await readEntry(folder);
  assertEquals([command, noted, published], ["forecast", files, `${folder}/copies`]);
  assertEquals(
    listNames(`${folder}/copies`),
    [...files, NAME, `${stem}.manifest.json`].toSorted(),
  );
  const drawn = await Deno.stat(`${folder}/out/${files[0]}`);
  assertEquals((await watchOnce(server.url, folder, 10, ...wanted)).code, 0);
  assertEquals((await Deno.stat(`${folder}/out/${files[0]}`)).mtime, drawn.mtime);
  // What another command made is not removed for its age.
  await watchOnce(server.url, folder, 24 * 20, "--keep-days", "1", "--catch-up", "0");
  assertEquals(listNames(`${folder}/out`).includes(NAME), true);
});

Deno.test("watch removes the picture with the step in its name with the file that it was made of", async () => {
  await using place = await openWorkplace();
  const { server, folder } = place;
  const only = ["--catch-up", "0", "--plot", "--view"];
  assertEquals((await watchOnce(server.url, folder, 9, ...only)).code, 0);
  assertEquals(listNames(`${folder}/out`).filter((name) => name.startsWith("IFS_")).length, 3);
  await watchOnce(server.url, folder, 24 * 20, ...only, "--keep-days", "1");
  assertEquals(listNames(`${folder}/out`), ["metrics.prom", "runs.json", "status.json"]);
});

Deno.test("watch into the folder that it publishes from ends before anything is asked for", async () => {
  await using place = await openWorkplace();
  const { server, folder } = place;
  const { code, reported } = await watchOnce(server.url, folder, 9, "--publish", `${folder}/out/`);
  assertEquals([code, server.counters.requests], [2, 0], reported);
  assertMatch(reported, /^watch: Cannot publish to .*: it is the folder of --output-dir/);
});

Deno.test("watch has its file on record when the copies fail, says so, and makes the copies later", async () => {
  await using place = await openWorkplace();
  const { server, folder } = place;
  const copies = `${folder}/copies`;
  const wanted = ["--publish", copies, "--catch-up", "0"];
  const readStatus = async () => JSON.parse(await Deno.readTextFile(`${folder}/out/status.json`));
  await Deno.writeTextFile(copies, "a file in the place of a folder");
  for (const hours of [9, 10]) {
    const { code, reported } = await watchOnce(server.url, folder, hours, ...wanted);
    assertEquals(code !== 0, true, reported);
    assertMatch(reported, /Cannot write ".*copies/);
    assertEquals((await readEntry(folder)).state, "complete");
    const { healthy, problem, lastGood, counts } = await readStatus();
    assertEquals([healthy, lastGood.run, counts.complete], [true, "20260206_00z", 1]);
    assertMatch(problem, /^20260206 00 UTC: Cannot write ".*copies/);
  }
  await Deno.remove(copies);
  const { code, reported } = await watchOnce(server.url, folder, 11, ...wanted);
  assertEquals([code, reported], [0, ""]);
  assertEquals(listNames(copies), ["IFS_20260206_00Z_cgan.manifest.json", NAME]);
  assertEquals((await readStatus()).problem, undefined);
});

Deno.test("watch where a file is in the place of its folder says so in one line", async () => {
  const path = await Deno.makeTempFile();
  const { code, reported } = await execute(watch, ["--once", "--output-dir", path]);
  assertEquals(code, 1);
  assertMatch(reported, /^watch: Cannot make the folder ".*": .*; give another --output-dir\n$/);
  await Deno.remove(path);
});

Deno.test("sums in a status that someone changed begin anew where they are no numbers", async () => {
  await using place = await openWorkplace();
  const { server, folder } = place;
  await Deno.mkdir(`${folder}/out`);
  const status = { version: 1, counts: { requests: "many", retries: 7 }, notified: 5, last: 7 };
  await Deno.writeTextFile(`${folder}/out/status.json`, JSON.stringify(status));
  assertEquals((await watchOnce(server.url, folder, 9, "--catch-up", "0")).code, 0);
  const { counts } = JSON.parse(await Deno.readTextFile(`${folder}/out/status.json`));
  assertEquals([counts.requests > 0, counts.retries, counts.complete], [true, 7, 1]);
});
