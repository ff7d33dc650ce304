import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@^1.0.0";
import {
  BEFORE_50R1,
  bucketKey,
  EMBEDDED_FOLDER,
  ONE_REQUEST_EACH,
  openWorkplace,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import { type Bucket, raiseValues, replaceFile } from "../../fixtures/file_versions.ts";
import { readBase, writeMessages } from "../../fixtures/full_run.ts";
import { makeRandom } from "../../fixtures/random.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { expectStep } from "../ecmwf/published.ts";
import { findVariables } from "../ecmwf/variables.ts";
import { MissingDataError } from "../errors.ts";
import { GIK } from "../output/profile.ts";
import { runStage2 } from "../pipeline/run_stage2.ts";
import { runStage3 } from "../pipeline/run_stage3.ts";
import { openStorage, StorageError } from "../storage/mod.ts";
import { runStream } from "../stream/run_stream.ts";
import { type ForecastOptions, runForecast } from "./run_forecast.ts";
import type { WaitClock } from "./wait_for_steps.ts";

const { run } = BEFORE_50R1;
const STEPS = [36, 39, 42, 45, 48, 51];
const MEMBERS = 3;
const VARIABLES = findVariables(["t2m", "u700"]);
const MINUTE_MS = 60_000;

/** Index and file of a step. */
const fileOf = (step: number) => stepFiles(run, step)[0]!;

/** A run with all steps, in memory. */
async function makeRun(): Promise<Bucket> {
  const folder = await Deno.makeTempDir();
  try {
    const base = await readBase(EMBEDDED_FOLDER, run, 36, VARIABLES);
    await writeMessages(folder, run, STEPS, base);
    const keys = STEPS.map(fileOf).flatMap(({ url, indexUrl }) => [url, indexUrl].map(bucketKey));
    const read = async (key: string) => [key, await Deno.readFile(`${folder}/${key}`)] as const;
    return new Map(await Promise.all(keys.map(read)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const WHOLE = await makeRun();

/** What happens on the server, and how many minutes after the step is expected. */
interface Event {
  step: number;
  minutes: number;
  what: "index" | "file" | "both" | "replaced" | "short";
}

function apply({ step, what }: Event, bucket: Bucket): void {
  const { url, indexUrl } = fileOf(step);
  const [file, index] = [url, indexUrl].map(bucketKey) as [string, string];
  if (what === "index" || what === "both") bucket.set(index, WHOLE.get(index)!);
  if (what === "file" || what === "both") bucket.set(file, WHOLE.get(file)!);
  if (what === "short") bucket.set(file, WHOLE.get(file)!.slice(0, 500_000));
  if (what === "replaced") replaceFile(bucket, raiseValues(bucket, fileOf(step)));
}

/** A morning: a server that publishes steps while a clock is moved by waiting. */
async function openMorning(events: readonly Event[], begin: string, seed = 1) {
  const bucket: Bucket = new Map();
  const place = await openWorkplace(bucket);
  const timed = events.map((event) => {
    return { event, ms: expectStep(run, event.step) + event.minutes * MINUTE_MS };
  }).toSorted((a, b) => a.ms - b.ms);
  const random = makeRandom(seed);
  let nowMs = Date.parse(begin);
  const proceed = () => {
    while (timed[0] && timed[0].ms <= nowMs) apply(timed.shift()!.event, bucket);
  };
  proceed();
  /** When each request was sent that found nothing, and its method. */
  const misses: { ms: number; method: string }[] = [];
  place.server.setFaults(({ method, key }) => {
    if (!bucket.has(key)) misses.push({ ms: nowMs, method });
    return undefined;
  });
  const clock: WaitClock = {
    now: () => nowMs,
    random,
    sleep(ms) {
      nowMs += ms;
      proceed();
      return Promise.resolve();
    },
  };
  return { place, clock, misses, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
}

type Morning = Awaited<ReturnType<typeof openMorning>>;

function forecastOptions(
  { place: { folder }, clock }: Morning,
  limitHours: number,
  changes: Partial<ForecastOptions> = {},
): ForecastOptions {
  return {
    runRequest: { date: "latest", hour: run.hour },
    profile: GIK,
    steps: STEPS,
    variables: VARIABLES,
    maxMembers: MEMBERS,
    parallelFetches: 4,
    policy: ONE_REQUEST_EACH,
    outputDir: `${folder}/forecast`,
    now: new Date(0),
    allowMissing: false,
    plot: false,
    view: false,
    wait: { limitMs: limitHours * 60 * MINUTE_MS, clock },
    ...changes,
  };
}

/** The bytes that stages 2, 3 and stream make of what is on the server now. */
async function runTwoPhases({ server, context: { reporter }, folder }: Workplace) {
  const context = { reporter, storage: openStorage({ endpoint: server.url }) };
  const parquetDir = `${folder}/two_phases`;
  const stage = { run, maxMembers: MEMBERS, outputDir: parquetDir };
  await runStage2({ ...stage, steps: STEPS, parallelWorkers: 4, allowMissing: true }, context);
  await runStage3({ ...stage, zip: false }, context);
  const options = { run, parquetDir, outputDir: parquetDir, profile: GIK, variables: VARIABLES };
  const given = { steps: STEPS, maxMembers: MEMBERS, parallelFetches: 4, now: new Date(0) };
  return await Deno.readFile((await runStream({ ...options, ...given }, context)).path);
}

/** One step late, one index ahead of its file, one file that grows, one that is replaced. */
const MORNING: readonly Event[] = [
  { step: 36, minutes: 4, what: "both" },
  { step: 39, minutes: 5, what: "both" },
  { step: 36, minutes: 20, what: "replaced" },
  { step: 42, minutes: 25, what: "both" },
  { step: 45, minutes: 6, what: "index" },
  { step: 45, minutes: 9, what: "both" },
  { step: 48, minutes: 8, what: "both" },
  { step: 51, minutes: 27, what: "index" },
  { step: 51, minutes: 27, what: "short" },
  { step: 51, minutes: 31, what: "both" },
];
const LAST_LANDED_MS = expectStep(run, 51) + 31 * MINUTE_MS;

Deno.test("runForecast() with `wait` takes each step as it lands, and writes the file after the last one", async () => {
  await using morning = await openMorning(MORNING, "2026-02-06T05:00:00Z");
  const { place, clock, misses } = morning;
  const { server, context } = place;
  let atLast = 0;
  const sleep = async (ms: number) => {
    await clock.sleep(ms);
    if (clock.now() < LAST_LANDED_MS) atLast = server.requests.length;
  };
  const options = forecastOptions(morning, 6);
  const wait = { ...options.wait!, clock: { ...clock, sleep } };
  const result = await runForecast({ ...options, wait }, context);
  assertEquals([result.complete, result.fields.length], [true, 2 * STEPS.length]);
  // No later than one pause after the last step.
  const lateMs = clock.now() - LAST_LANDED_MS;
  assert(lateMs >= 0 && lateMs <= MINUTE_MS, `${lateMs} ms`);
  // By then all other steps were read: left are the messages of the last one, and of the replaced one.
  const left = server.requests.slice(atLast).filter(({ range }) => range !== undefined);
  const steps = new Set(left.map(({ key }) => /-(\d+)h-/.exec(key)![1]));
  assertEquals([[...steps].toSorted(), left.length], [["36", "51"], 2 * 2 * MEMBERS]);
  assertEquals(await Deno.readFile(result.path), await runTwoPhases(place));

  // Polls: one at the start, then one at a time.
  const [first, second, ...polls] = misses;
  assertEquals([first!.method, second!.method].toSorted(), ["GET", "HEAD"]);
  assertEquals([...new Set(polls.map(({ method }) => method))], ["HEAD"]);
  const dueMs = expectStep(run, 36);
  const early = polls.filter(({ ms }) => ms < dueMs);
  assert(early.length <= 10, `${early.length} requests before the first step is due`);
  assert(polls.length - early.length <= 3 * 35, `${polls.length} requests`);
  const gaps = early.slice(1).map(({ ms }, i) => ms - early[i]!.ms);
  assert(gaps.every((ms) => ms >= 10 * MINUTE_MS), gaps.join());
  assert(new Set(gaps).size > 1, "no jitter");
  // A step that landed may be followed at once by a look at the next one.
  const dueGaps = polls.slice(early.length + 1)
    .map(({ ms }, i) => ms - polls[early.length + i]!.ms).filter((ms) => ms > 0);
  assert(dueGaps.every((ms) => ms >= 20_000 && ms <= 3 * MINUTE_MS), dueGaps.join());
});

Deno.test("waiting machines that start together do not ask in the same second", async () => {
  const seconds: Set<number>[] = [];
  for (const seed of [1, 2]) {
    await using morning = await openMorning([], "2026-02-06T06:30:00Z", seed);
    const options = forecastOptions(morning, 1);
    await assertRejects(() => runForecast(options, morning.place.context), MissingDataError);
    const polls = morning.misses.slice(2, -1);
    seconds.push(new Set(polls.map(({ ms }) => Math.floor(ms / 1000))));
  }
  const [one, other] = seconds as [Set<number>, Set<number>];
  assert(one.size > 50, `${one.size} polls`);
  // By chance two of 40 polls in 40 s.
  const met = one.intersection(other).size;
  assert(met <= one.size / 10, `${met} of ${one.size}`);
});

Deno.test("runForecast() with `wait` asks for nothing more than without where all steps are there", async () => {
  const events = STEPS.map((step): Event => ({ step, minutes: 0, what: "both" }));
  await using morning = await openMorning(events, "2026-02-06T09:00:00Z");
  const { server, context } = morning.place;
  const options = forecastOptions(morning, 1);
  await runForecast(options, context);
  const waited = server.requests.length;
  const storage = openStorage({ endpoint: server.url });
  const { wait: _, ...others } = options;
  await runForecast({ ...others, runRequest: run }, { ...context, storage });
  assertEquals(server.requests.length, 2 * waited);
  assertEquals(waited, 2 * STEPS.length + 2 * MEMBERS * STEPS.length);
});

const LATE: readonly Event[] = STEPS.filter((step) => step !== 42 && step !== 51)
  .map((step) => ({ step, minutes: 3, what: "both" }));

Deno.test("runForecast() with `wait` writes nothing past its limit, and names what is late", async () => {
  await using morning = await openMorning(LATE, "2026-02-06T06:00:00Z");
  const { place: { context, folder }, clock } = morning;
  const options = forecastOptions(morning, 2);
  const error = await assertRejects(() => runForecast(options, context), MissingDataError);
  assertMatch(
    error.message,
    /^Cannot write 20260206 00 UTC in time: steps 42, 51 did not come \(.*42h-enfo-ef.*\); give a/,
  );
  assertEquals(new Date(clock.now()).toISOString(), "2026-02-06T08:00:00.000Z");
  assertEquals([...Deno.readDirSync(`${folder}/forecast`)].map(({ name }) => name), [
    "IFS_20260206_00Z_cgan.nc.work",
  ]);
});

Deno.test("runForecast() with `wait` and `allowMissing` writes what is there past its limit, incomplete", async () => {
  await using morning = await openMorning(LATE, "2026-02-06T06:00:00Z");
  const { place } = morning;
  const options = forecastOptions(morning, 2, { allowMissing: true });
  const result = await runForecast(options, place.context);
  assertEquals(result.complete, false);
  assertEquals(place.warnings.filter((line) => line.includes("2 of 6 steps")).length, 1);
  assertEquals(await Deno.readFile(result.path), await runTwoPhases(place));
});

Deno.test("runForecast() with `wait` and `allowMissing` fails where nothing came at all", async () => {
  await using morning = await openMorning([], "2026-02-06T06:00:00Z");
  const options = forecastOptions(morning, 1, { allowMissing: true });
  await assertRejects(
    () => runForecast(options, morning.place.context),
    MissingDataError,
    "steps 36, 39, 42, 45, 48, 51 did not come",
  );
});

Deno.test("runForecast() with `wait` says that a server fails, not that steps are late", async () => {
  await using morning = await openMorning([], "2026-02-06T06:50:00Z");
  const { place } = morning;
  place.server.setFaults(() => ({ kind: "status", status: 500, code: "Down" }));
  const options = forecastOptions(morning, 0.1);
  await assertRejects(() => runForecast(options, place.context), StorageError, "500");
});

Deno.test("runForecast() with `wait` resumes the steps that a stopped one has read", async () => {
  await using morning = await openMorning(MORNING.slice(0, 2), "2026-02-06T06:30:00Z");
  const { place: { context, server } } = morning;
  const options = forecastOptions(morning, 1, { allowMissing: true });
  const stopped = { ...options, allowMissing: false };
  await assertRejects(() => runForecast(stopped, context), MissingDataError);
  const before = server.requests.length;
  const storage = openStorage({ endpoint: server.url });
  const result = await runForecast(options, { ...context, storage });
  assertEquals(result.fieldsResumed, 4);
  assertEquals(server.requests.slice(before).filter(({ range }) => range !== undefined), []);
});

Deno.test("runForecast() with `wait` goes on when the server cannot be reached while it reads a landed step", async () => {
  await using morning = await openMorning(MORNING.slice(0, 2), "2026-02-06T06:30:00Z");
  const { place, clock } = morning;
  const { context, warnings } = place;
  let attempts = 0;
  const storage: typeof context.storage = {
    ...context.storage,
    counters: context.storage.counters,
    async get(url, options) {
      const isDown = clock.now() < expectStep(run, 51) + 15 * MINUTE_MS;
      if (url.endsWith(".grib2") && isDown && ++attempts > 0) {
        throw new StorageError({ kind: "unreachable", url, state: "the server is down" });
      }
      return await context.storage.get(url, options);
    },
  };
  const options = forecastOptions(morning, 1, { allowMissing: true });
  const result = await runForecast(options, { ...context, storage });
  assert(attempts > 0);
  assertEquals([result.complete, result.messagesUsed], [false, 4 * MEMBERS]);
  assertMatch(warnings.join("\n"), /the server is down; going on waiting/);
  assertEquals(await Deno.readFile(result.path), await runTwoPhases(place));
});
