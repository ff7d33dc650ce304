/** Fifty days of a watch, with everything that happens to one. */
import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { bucketKey } from "../../fixtures/embedded_run.ts";
import { type Bucket, raiseValues, replaceFile } from "../../fixtures/file_versions.ts";
import { type Life, LivesClock } from "../../fixtures/lives_clock.ts";
import { moveRuns } from "../../fixtures/moved_run.ts";
import { makeRandom } from "../../fixtures/random.ts";
import { startS3Server } from "../../fixtures/s3_server.ts";
import { BUCKET, stepFiles } from "../ecmwf/files.ts";
import { expectStep } from "../ecmwf/published.ts";
import { formatDate, parseRun, referenceTime, type Run, runLabel } from "../ecmwf/run.ts";
import { findVariables } from "../ecmwf/variables.ts";
import { DEFAULT_POLICY } from "../ensemble/fetch_plan.ts";
import { InterruptedError } from "../errors.ts";
import { runForecast } from "../forecast/run_forecast.ts";
import { GIK } from "../output/profile.ts";
import { Ledger } from "../runs/ledger.ts";
import { openStorage } from "../storage/mod.ts";
import { silentReporter } from "../util/reporter.ts";
import type { Notification } from "./notifier.ts";
import { runWatch } from "./run_watch.ts";
import type { WatchEnvironment, WatchOptions } from "./watch_options.ts";
import { statusPath } from "./watch_status.ts";

const DAYS = 50;
const STEPS = [36, 39];
const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];
const BEGIN_MS = Date.parse("2026-02-01T04:50:00Z");
const END_MS = BEGIN_MS + DAYS * DAY_MS + 10 * HOUR_MS;
const KEEP_DAYS = 14;

/** What happens, by the number of the day. */
const NEVER_COMPLETE = 7;
const HOURS_LATE: Readonly<Record<number, number>> = { 13: 3, 20: 21 };
const REPUBLISHED = [4, 26, 48];
/** Three hours after all of it was there. */
const REPUBLISHED_LATER = [11, 23, 41];
const SERVER_DOWN = [{ day: 9, hours: 5 }, { day: 33, hours: 27 }];
const DISK_FULL = [{ day: 17, hours: 6 }, { day: 30, hours: 9 }];
const SECOND_WATCH = [3, 16, 27, 38, 44];

const forecast: WatchOptions["forecast"] = {
  profile: GIK,
  steps: STEPS,
  variables: findVariables(["t2m"]),
  maxMembers: 2,
  parallelFetches: 4,
  policy: DEFAULT_POLICY,
  outputDir: "",
  plot: false,
  view: false,
};

/** The folder of the outputs, with files that are nobody's business. */
async function makeFolder(folder: string): Promise<Record<string, string>> {
  const elsewhere = await Deno.makeTempDir();
  const stem = `${folder}/IFS_20260203_00Z_cgan`;
  const files = {
    // Look like files of the watch: of a run that it never made, with other endings, of other programs.
    [`${folder}/IFS_20251224_00Z_cgan.nc`]: "of another program",
    [`${stem}.nc.bak`]: "a copy",
    [`${stem}.png`]: "not drawn by the watch",
    [`${folder}/IFS_20260203_00Z_cgan_2.nc`]: "of a person",
    [`${folder}/notes.txt`]: "notes",
    [`${folder}/IFS_20260204_00Z_cgan.nc.work/notes.txt`]: "in the folder of saved fields",
    [`${elsewhere}/theirs.txt`]: "behind a link",
  };
  await Deno.mkdir(`${folder}/IFS_20260204_00Z_cgan.nc.work`, { recursive: true });
  for (const [path, text] of Object.entries(files)) await Deno.writeTextFile(path, text);
  await Deno.symlink(elsewhere, `${folder}/IFS_20260205_00Z_cgan.nc.work`);
  return files;
}

/** A server that publishes day after day, and a disk. */
class World {
  readonly bucket: Bucket = new Map();
  readonly runs: Run[] = [];
  isDown = false;
  isFull = false;
  readonly complete = new Map<string, number>();
  /** Runs that are published again when they are complete, and when. */
  readonly replaced = new Map<string, number>();

  constructor(private readonly clock: LivesClock) {
    for (let day = 0; day <= DAYS; day++) this.#plan(day);
    for (const { day, hours } of SERVER_DOWN) {
      this.#during(day, hours, (isOn) => void (this.isDown = isOn));
    }
    for (const { day, hours } of DISK_FULL) {
      this.#during(day, hours, (isOn) => void (this.isFull = isOn));
    }
  }

  #during(day: number, hours: number, turn: (isOn: boolean) => void): void {
    const startMs = BEGIN_MS + day * DAY_MS;
    this.clock.schedule(startMs, () => turn(true));
    this.clock.schedule(startMs + hours * HOUR_MS, () => turn(false));
  }

  #plan(day: number): void {
    const { random } = this.clock;
    const run = parseRun(formatDate(new Date(BEGIN_MS + day * DAY_MS)), "00");
    this.runs.push(run);
    const lateMs = (HOURS_LATE[day] ?? 0) * HOUR_MS;
    const firstMs = expectStep(run, STEPS[0]!) + 8 * MINUTE_MS * random() + lateMs;
    const lastMs = firstMs + (3 + 7 * random()) * MINUTE_MS;
    this.clock.schedule(firstMs, async () => {
      // A server does not have runs for ever.
      for (const key of this.bucket.keys()) {
        if (key < formatDate(new Date(firstMs - 5 * DAY_MS))) this.bucket.delete(key);
      }
      const whole = await moveRuns({ run });
      const publish = (step: number) => {
        for (const { url, indexUrl } of stepFiles(run, step)) {
          for (const key of [url, indexUrl].map(bucketKey)) this.bucket.set(key, whole.get(key)!);
        }
      };
      publish(STEPS[0]!);
      if (day === NEVER_COMPLETE) return;
      this.clock.schedule(lastMs, () => {
        publish(STEPS[1]!);
        this.complete.set(runLabel(run), this.clock.ms);
      });
      const replace = () =>
        replaceFile(this.bucket, raiseValues(this.bucket, stepFiles(run, STEPS[0]!)[0]!));
      if (REPUBLISHED.includes(day)) this.clock.schedule(lastMs - 2 * MINUTE_MS, replace);
      if (!REPUBLISHED_LATER.includes(day)) return;
      this.replaced.set(runLabel(run), lastMs + 3 * HOUR_MS);
      this.clock.schedule(lastMs + 3 * HOUR_MS, replace);
    });
  }
}

/** A trial: its watches, and what was seen of them. */
async function openTrial(seed: number) {
  const clock = new LivesClock(BEGIN_MS, makeRandom(seed));
  const world = new World(clock);
  const server = startS3Server({ buckets: { [BUCKET]: world.bucket } });
  server.setFaults(() =>
    world.isDown ? { kind: "status", status: 503, code: "SlowDown" } : undefined
  );
  const folder = await Deno.makeTempDir();
  const foreign = await makeFolder(folder);
  return { clock, world, server, folder, foreign, posts: [] as Notification[] };
}

type Trial = Awaited<ReturnType<typeof openTrial>>;

function openServerStorage({ server }: Trial, signal?: AbortSignal) {
  return openStorage({
    ...{ endpoint: server.url, maxAttempts: 2, giveUpAfterMs: 0, minDelayMs: 1, maxDelayMs: 2 },
    signal,
  });
}

/** One process, from its start to its end. */
function watch(trial: Trial, life: Life, name: number, signal: AbortSignal, seen: Seen) {
  const { folder, world, posts } = trial;
  const options: WatchOptions = {
    forecast: { ...forecast, outputDir: folder },
    now: new Date(0),
    hours: ["00"],
    waitMs: 2 * HOUR_MS,
    allowMissing: false,
    catchUpDays: 3,
    keepDays: KEEP_DAYS,
    minFreeBytes: 1000,
    once: false,
    shapingOptions: { variables: "t2m" },
    notify: "https://hook.test/",
  };
  const environment: WatchEnvironment = {
    clock: life.clock,
    files: life.useStorage(openStorage()),
    reporter: { ...silentReporter, warn: (line) => void seen.warnings.add(line) },
    openContext(signal) {
      seen.working = name;
      const storage = openServerStorage(trial, signal);
      const onUse = (url: string) => {
        if (url.endsWith(".grib2") && seen.working !== name) seen.collisions++;
      };
      return { storage: life.useStorage(storage, onUse), reporter: environment.reporter };
    },
    freeSpace: () => Promise.resolve(world.isFull ? 10 : 1e9),
    async post(_, message) {
      await life.breathe();
      posts.push(message);
    },
    // Another process on this machine is seen to be dead at once, one elsewhere after five minutes.
    contender: { host: name % 2 === 0 ? "here" : `host ${name}`, pid: name },
    signal,
    report: ({ facts }) => void seen.made.push(facts.run),
  };
  return runWatch(options, environment);
}

/** What was seen of all watches. */
interface Seen {
  working: number;
  /** Requests of a watch while another one works. */
  collisions: number;
  made: string[];
  warnings: Set<string>;
  lives: number;
  healths: boolean[];
  /** When each complete run was written. */
  times: Map<string, string>;
}

/** Reads what is on the disk, and checks that it is so. */
async function inspect({ folder, clock, world }: Trial, seen: Seen): Promise<void> {
  const text = await Deno.readTextFile(statusPath(folder)).catch(() => undefined);
  if (text === undefined) return;
  const status = JSON.parse(text);
  const ageMs = clock.ms - Date.parse(status.time);
  assert(ageMs >= 0, status.time);
  // A watch that is dead, or stands by, writes nothing.
  if (ageMs > MINUTE_MS) return;
  const { entries } = await Ledger.open(folder, openStorage());
  const there = entries.filter(({ state, removed }) => state === "complete" && !removed)
    .map(({ run }) => run);
  assertEquals(status.lastGood?.run, there.at(-1));
  for (const { run, state, time } of entries) {
    if (state !== "complete") continue;
    const earlier = seen.times.get(run) ?? time;
    const replacedMs = world.replaced.get(run) ?? Infinity;
    const isOfOther = Date.parse(earlier) < replacedMs && Date.parse(time) > replacedMs;
    if (!isOfOther) assertEquals(time, earlier, `${run} was made again`);
    seen.times.set(run, time);
  }
  const today = runLabel(world.runs.findLast((run) => referenceTime(run).getTime() <= clock.ms)!);
  const hours = (clock.ms % DAY_MS) / HOUR_MS;
  const yesterday = runLabel(parseRun(formatDate(new Date(clock.ms - DAY_MS)), "00"));
  if (there.includes(today)) assertEquals(status.healthy, true);
  // Whatever is usual: neither late yet, nor in time any more.
  if (hours < 6 && clock.ms - BEGIN_MS > DAY_MS) {
    assertEquals(status.healthy, there.includes(yesterday), `${clock.ms}`);
  }
  if (hours > 14) {
    assertEquals(status.healthy, there.includes(today), new Date(clock.ms).toISOString());
  }
  if (status.healthy && status.problem) assert(/disk|Cannot/.test(status.problem), status.problem);
  if (status.healthy !== seen.healths.at(-1)) seen.healths.push(status.healthy);
}

/** Starts a watch, and another one whenever it is killed. */
async function keepAlive(trial: Trial, signal: AbortSignal, seen: Seen): Promise<void> {
  const { clock } = trial;
  while (!signal.aborted) {
    const name = seen.lives++;
    const steps = 3 + Math.floor(2500 * clock.random() ** 2);
    const end = await clock.start((life) => watch(trial, life, name, signal, seen), steps);
    if (end !== "killed") return;
    const isLong = clock.random() < 0.1;
    const offMs = isLong ? clock.random() * 30 * HOUR_MS : MINUTE_MS;
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.schedule(clock.ms + offMs, resolve);
    await promise;
  }
}

Deno.test("fifty days of a watch: every complete run has its file, nothing is made twice or lost", async () => {
  const trial = await openTrial(17);
  const { clock, world, folder, foreign, posts, server } = trial;
  const seen: Seen = {
    working: -1,
    collisions: 0,
    made: [],
    warnings: new Set(),
    lives: 0,
    healths: [],
    times: new Map(),
  };
  const controller = new AbortController();
  const { signal } = controller;
  for (let ms = BEGIN_MS; ms < END_MS; ms += HOUR_MS) {
    clock.schedule(ms, () => inspect(trial, seen));
  }
  let compared = 0;
  let madeAgain = 0;
  for (const day of [...REPUBLISHED, ...REPUBLISHED_LATER]) {
    clock.schedule(BEGIN_MS + day * DAY_MS + 15 * HOUR_MS, async () => {
      const run = world.runs[day]!;
      const { entries } = await Ledger.open(folder, openStorage());
      const replacedMs = world.replaced.get(runLabel(run));
      // A watch may have been off since.
      const isMade = entries.some(({ run: label, state, time }) =>
        label === runLabel(run) && state === "complete" && Date.parse(time) > (replacedMs ?? 0)
      );
      if (isMade && ++compared) await compareBytes(trial, run);
      if (isMade && replacedMs) madeAgain++;
    });
  }
  const others: Promise<unknown>[] = [];
  for (const day of SECOND_WATCH) {
    const startMs = BEGIN_MS + day * DAY_MS;
    const own = new AbortController();
    clock.schedule(startMs, () => {
      others.push(clock.start((life) => watch(trial, life, seen.lives++, own.signal, seen)));
    });
    clock.schedule(startMs + 5 * HOUR_MS, () => own.abort(new InterruptedError("SIGTERM")));
  }
  clock.schedule(END_MS, () => controller.abort(new InterruptedError("SIGTERM")));
  await keepAlive(trial, signal, seen);
  await Promise.all(others);
  try {
    await checkOutputs(trial);
    assertEquals(seen.collisions, 0);
    const once = seen.made.filter((label) => !world.replaced.has(label));
    assertEquals(once.length, new Set(once).size, "made twice");
    assert(compared > madeAgain && madeAgain > 0, `${compared} compared, ${madeAgain} made again`);
    assert(seen.lives > 20, `${seen.lives} lives`);
    checkForeign(foreign);
    checkPosts(posts);
    assert(seen.healths.length > 6, `${seen.healths}`);
    assertEquals(seen.healths.at(-1), true);
  } finally {
    await server[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  }
});

/** Every run that was complete on the server has its file, or had it until it was too old. */
async function checkOutputs({ world, folder, foreign }: Trial): Promise<void> {
  const { entries } = await Ledger.open(folder, openStorage());
  const states = new Map(entries.map((entry) => [entry.run, entry.state]));
  const complete = [...world.complete.keys()];
  assertEquals(complete.filter((run) => states.get(run) !== "complete"), []);
  assertEquals(complete.length, DAYS);
  const isOld = (run: string) => {
    const date = formatDate(new Date(END_MS - KEEP_DAYS * DAY_MS));
    return run < `${date}_00z` || run === `${date}_00z`;
  };
  const wanted = complete.filter((run) => !isOld(run)).map((run) =>
    `IFS_${run.slice(0, 8)}_00Z_cgan.nc`
  );
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name);
  const theirs = Object.keys(foreign).map((path) => path.slice(folder.length + 1).split("/")[0]!);
  const others = ["runs.json", "status.json", "metrics.prom", "IFS_20260205_00Z_cgan.nc.work"];
  // The run that was never complete on the server keeps what was fetched of it until it is too old.
  assertEquals(
    names.filter((name) => ![...theirs, ...others].includes(name)).toSorted(),
    wanted.toSorted(),
  );
  for (const { output, sha256 } of entries.filter(({ output }) => wanted.includes(output))) {
    const bytes = await Deno.readFile(`${folder}/${output}`);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    assertEquals(digest, sha256, output);
  }
}

function checkForeign(foreign: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(foreign)) {
    assertEquals(Deno.readTextFileSync(path), text, path);
  }
}

/** A failure, its recovery, and so on; never two within an hour. */
function checkPosts(posts: readonly Notification[]): void {
  assert(posts.length >= 6, `${posts.length} messages`);
  posts.forEach(({ event, time }, i) => {
    assertEquals(event, i % 2 === 0 ? "failure" : "recovery");
    const before = posts[i - 1];
    if (before) assert(Date.parse(time) - Date.parse(before.time) >= HOUR_MS, time);
  });
}

/** The file of a run is what a single command makes of what the server has in the end. */
async function compareBytes(trial: Trial, run: Run): Promise<void> {
  const { folder } = trial;
  const outputDir = await Deno.makeTempDir();
  const context = { storage: openServerStorage(trial), reporter: silentReporter };
  const options = {
    ...{ ...forecast, outputDir, runRequest: run, now: new Date(0), allowMissing: false },
    policy: { ...DEFAULT_POLICY, prefixes: false },
  };
  const { path } = await runForecast(options, context);
  const [own, other] = [`${folder}/${GIK.fileName(run)}`, path].map((it) => Deno.readFileSync(it!));
  assertEquals(own, other, runLabel(run));
  await Deno.remove(outputDir, { recursive: true });
}
