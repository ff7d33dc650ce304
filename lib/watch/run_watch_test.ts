import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@^1.0.0";
import { type Life, LivesClock } from "../../fixtures/lives_clock.ts";
import { DEFAULT_POLICY } from "../ensemble/fetch_plan.ts";
import { InterruptedError, UserError } from "../errors.ts";
import { GIK } from "../output/profile.ts";
import { Ledger } from "../runs/ledger.ts";
import { openStorage, type Storage, StorageError } from "../storage/mod.ts";
import { silentReporter } from "../util/reporter.ts";
import { runWatch } from "./run_watch.ts";
import type { WatchEnvironment, WatchOptions } from "./watch_options.ts";
import { statusPath } from "./watch_status.ts";

const HOUR_MS = 3_600_000;
/** Before any run is due. */
const NIGHT_MS = Date.parse("2026-02-06T01:00:00Z");

interface Trial {
  folder: string;
  clock: LivesClock;
  lines: string[];
  warnings: string[];
  /** What was posted. */
  posts: string[];
  /** Starts a watch. */
  watch(name: string, signal: AbortSignal, files?: Storage): Promise<unknown>;
}

/** A folder with watches that have nothing to do. */
async function withWatches(test: (trial: Trial) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const clock = new LivesClock(NIGHT_MS, () => 0.5);
  const [lines, warnings, posts]: [string[], string[], string[]] = [[], [], []];
  const options: WatchOptions = {
    forecast: {
      ...{ profile: GIK, maxMembers: 1, parallelFetches: 1, policy: DEFAULT_POLICY },
      ...{ outputDir: folder, plot: false, view: false },
    },
    ...{ hours: ["00"], waitMs: HOUR_MS, allowMissing: false, catchUpDays: 0, minFreeBytes: 0 },
    ...{ once: false, shapingOptions: {}, notify: "https://hook.test/" },
  };
  const open = (
    life: Life,
    name: string,
    signal: AbortSignal,
    files: Storage,
  ): WatchEnvironment => ({
    clock: life.clock,
    files,
    reporter: {
      ...silentReporter,
      info: (line) => void lines.push(`${name}: ${line}`),
      warn: (line) => void warnings.push(`${name}: ${line}`),
    },
    openContext: () => ({ storage: files, reporter: silentReporter }),
    freeSpace: () => Promise.resolve(undefined),
    post: (_, { event, problem }) => Promise.resolve(void posts.push(`${event}: ${problem}`)),
    contender: { host: name, pid: 1 },
    signal,
    report() {},
  });
  const watch = (name: string, signal: AbortSignal, files = openStorage()) =>
    clock.start((life) => runWatch(options, open(life, name, signal, files)));
  try {
    await test({ folder, clock, lines, warnings, posts, watch });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const stop = (controller: AbortController) => () =>
  controller.abort(new InterruptedError("stopped by SIGTERM"));

Deno.test("a watch whose lock was taken over ends with an error that says so", async () => {
  await withWatches(async ({ folder, clock, watch }) => {
    clock.schedule(NIGHT_MS + HOUR_MS, async () => {
      for await (const { name } of Deno.readDir(folder)) {
        if (name.endsWith(".lock")) await Deno.remove(`${folder}/${name}`);
      }
    });
    const error = await assertRejects(() => watch("one", new AbortController().signal), UserError);
    assertMatch(error.message, /^Cannot go on in ".*": another watch has taken it over/);
  });
});

Deno.test("of two watches one stands by, and works when the other has been stopped", async () => {
  await withWatches(async ({ folder, clock, lines, watch }) => {
    const [first, second] = [new AbortController(), new AbortController()];
    const readHost = () => JSON.parse(Deno.readTextFileSync(statusPath(folder))).host;
    const hosts: string[] = [];
    const works = [watch("one", first.signal)];
    clock.schedule(NIGHT_MS + 1000, () => void works.push(watch("two", second.signal)));
    clock.schedule(NIGHT_MS + HOUR_MS, () => void hosts.push(readHost()));
    clock.schedule(NIGHT_MS + 2 * HOUR_MS, stop(first));
    clock.schedule(NIGHT_MS + 3 * HOUR_MS, () => void hosts.push(readHost()));
    clock.schedule(NIGHT_MS + 4 * HOUR_MS, stop(second));
    await works[0];
    await works[1];
    assertEquals(hosts, ["one", "two"]);
    assertEquals(lines, [
      `two: another watch works in ${folder} (process 1 of one): waiting until it ends`,
    ]);
    assertEquals(JSON.parse(Deno.readTextFileSync(statusPath(folder))).state, "stopped");
  });
});

Deno.test("a ledger that cannot be read is a problem that someone hears of, not the end of the watch", async () => {
  await withWatches(async ({ folder, clock, warnings, posts, watch }) => {
    const controller = new AbortController();
    const ledger = await Ledger.open(folder, openStorage());
    await ledger.record({
      ...{ run: "20260205_00z", output: "IFS_20260205_00Z_cgan.nc", state: "complete" },
      ...{ options: {}, command: "watch", time: "2026-02-05T08:00:00.000Z" },
    });
    clock.schedule(NIGHT_MS + HOUR_MS, () => Deno.writeTextFile(`${folder}/runs.json`, "{"));
    // The run of the day was due, and was tried again and again.
    clock.schedule(NIGHT_MS + 8 * HOUR_MS, stop(controller));
    await watch("one", controller.signal);
    assertEquals(posts.length, 1);
    assertMatch(posts[0]!, /^failure: Cannot read ".*runs.json": it is not JSON/);
    assert(warnings.filter((line) => /Cannot read ".*runs.json"/.test(line)).length > 1);
  });
});

Deno.test("a watch that has just been started reports no delay before it has looked", async () => {
  await withWatches(async ({ clock, posts, watch }) => {
    const controller = new AbortController();
    clock.schedule(NIGHT_MS + 1000, () => assertEquals(posts, []));
    clock.schedule(NIGHT_MS + HOUR_MS, stop(controller));
    await watch("one", controller.signal);
    assertMatch(posts.join(), /^failure: 20260205 00 UTC is later than usual/);
  });
});

Deno.test("a status that cannot be written is one warning, and is written when it can be", async () => {
  await withWatches(async ({ folder, clock, warnings, watch }) => {
    const controller = new AbortController();
    const storage = openStorage();
    const put: Storage["put"] = (url, pieces) => {
      const isFull = clock.ms < NIGHT_MS + 3 * HOUR_MS;
      if (!isFull) return storage.put(url, pieces);
      const state = "no space is left on the device";
      return Promise.reject(new StorageError({ kind: "unreachable", action: "write", url, state }));
    };
    // A status of before, or of another program, does not matter.
    await Deno.writeTextFile(statusPath(folder), "{");
    clock.schedule(NIGHT_MS + 4 * HOUR_MS, stop(controller));
    await watch("one", controller.signal, { ...storage, put });
    assertEquals(warnings.length, 1);
    assertMatch(warnings[0]!, /^one: Cannot write the status: Cannot write .*; going on without$/);
    const { time } = JSON.parse(await Deno.readTextFile(statusPath(folder)));
    assert(Date.parse(time) >= NIGHT_MS + 3 * HOUR_MS);
  });
});
