import { assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@^1.0.0";
import { startS3Server } from "../../../fixtures/s3_server.ts";
import { FetchFailure, readError, statusError, StorageError } from "../protocol/storage_error.ts";
import { Host, waitForPermit } from "./host.ts";
import { openStorage } from "../mod.ts";
import { describeWaits, StatusReporter } from "./host_status.ts";

const POLICY = { maxRequests: 6, giveUpAfterMs: 60_000, minDelayMs: 60_000, maxDelayMs: 60_000 };
const URL = "s3://bucket/key";
const BUSY = statusError(URL, 503, "SlowDown");
const BROKEN = new FetchFailure(new TypeError("reset"), "a broken body").describe(URL);
const SILENT = readError("unreachable", URL, "nothing for 60 s");
const WRONG = readError("corrupt", URL, "wrong bytes");

/** A reporter with at most one line a minute, its clock, and its lines. */
function start() {
  const lines: string[] = [];
  const clock = { ms: 0, now: () => clock.ms };
  const reporter = new StatusReporter((line) => lines.push(line), 60_000, clock);
  return { reporter, lines, clock };
}

async function fail(host: Host, error: StorageError): Promise<void> {
  await host.use(host.tryAdmit()!, () => Promise.reject(error)).catch(() => {});
}

Deno.test("StatusReporter reports nothing while all requests succeed", () => {
  const { reporter, lines, clock } = start();
  const host = new Host("aws", POLICY);
  for (; clock.ms < 600_000; clock.ms += 10_000) reporter.noteSuccess(host);
  assertEquals(lines, []);
});

Deno.test("StatusReporter puts a minute in one line: how often each host failed, how, and its state", () => {
  const { reporter, lines, clock } = start();
  const host = new Host("aws", POLICY);
  for (let i = 0; i < 10; i++) reporter.noteSuccess(host);
  for (const error of [SILENT, BUSY, BUSY, WRONG, BUSY, BROKEN, SILENT]) {
    reporter.noteFailure(host, error);
  }
  const other = new Host("gcs", POLICY);
  for (let i = 0; i < 5; i++) reporter.noteSuccess(other);
  assertEquals(lines, []);
  clock.ms = 60_000;
  reporter.noteSuccess(host);
  assertEquals(lines, [
    "aws: 3 of 18 requests got 503 SlowDown, 2 got no answer, 1 got the wrong bytes, " +
    `1 got a broken body, now 6 at once (${SILENT.state}); 5 requests from gcs`,
  ]);
});

Deno.test("StatusReporter reports after five seconds, then once a minute, what has happened since the last line", () => {
  const { reporter, lines, clock } = start();
  const host = new Host("aws", POLICY);
  for (; clock.ms <= 185_000; clock.ms += 1000) reporter.noteFailure(host, BUSY);
  assertEquals(
    lines,
    [6, 60, 60, 60].map((count) =>
      `aws: ${count} of ${count} requests got 503 SlowDown, now 6 at once`
    ),
  );
  clock.ms = 600_000;
  reporter.noteSuccess(host);
  assertEquals(lines.length, 4);
});

Deno.test("StatusReporter reports that a host is paused, or given up", async () => {
  const { reporter, lines, clock } = start();
  const paused = new Host("aws", POLICY);
  const givenUp = new Host("gcs", { ...POLICY, giveUpAfterMs: 0 });
  await fail(paused, statusError(URL, 503, "SlowDown", "60"));
  await fail(givenUp, statusError(URL, 503, "SlowDown", "60"));
  reporter.noteFailure(paused, BUSY);
  clock.ms = 60_000;
  reporter.noteFailure(givenUp, BUSY);
  assertEquals(lines, [
    "aws: 1 of 1 requests got 503 SlowDown, paused; gcs: 1 of 1 requests got 503 SlowDown, given up",
  ]);
});

Deno.test("openStorage() reports failing requests to onStatus", async () => {
  const objects = new Map([["key", new Uint8Array(10)]]);
  let isBusy = true;
  await using server = startS3Server({
    root: objects,
    faults: () => isBusy ? { kind: "status", status: 503, code: "SlowDown" } : undefined,
  });
  const lines: string[] = [];
  const storage = openStorage({
    minDelayMs: 1,
    maxDelayMs: 1,
    statusIntervalMs: 0,
    onStatus: (line) => {
      lines.push(line.replace(/, (paused|now 1 at once)$/, ""));
      isBusy = lines.length < 2;
    },
  });
  await storage.get(`${server.url}/key`);
  const line = `127.0.0.1:${server.port}: 1 of 1 requests got 503 Service Unavailable`;
  assertEquals(lines, [line, line]);
});

Deno.test("describeWaits() says what requests wait for: an answer, their turn, or the end of a pause", async () => {
  assertEquals(describeWaits([new Host("idle", POLICY)]), undefined);
  const host = new Host("aws", { ...POLICY, maxRequests: 1 });
  const answer = Promise.withResolvers<void>();
  const permit = await waitForPermit([host], false, undefined);
  const busy = host.use(permit!, () => answer.promise);
  const stop = new AbortController();
  const next = waitForPermit([host], false, stop.signal);
  assertEquals(describeWaits([host]), "waiting for aws, 1 request under way, 1 in line");
  answer.reject(statusError(URL, 503, "SlowDown", "60"));
  await assertRejects(() => busy, StorageError);
  assertMatch(
    describeWaits([host])!,
    /^aws is busy or failing and pauses for (?:59|60) s, 1 in line$/,
  );
  stop.abort();
  await assertRejects(() => next, DOMException);
});
