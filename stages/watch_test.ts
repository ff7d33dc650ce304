import { assert, assertEquals, assertMatch } from "jsr:@std/assert@^1.0.0";
import { stub } from "jsr:@std/testing@^1.0.0/mock";
import {
  BEFORE_50R1,
  EMBEDDED_STEPS,
  openWorkplace,
  type Workplace,
} from "../fixtures/embedded_run.ts";
import { parseCommandLine } from "../lib/cli/command.ts";
import { execute } from "./commands_fixture.ts";
import { command } from "./watch.ts";

const { members } = BEFORE_50R1;
const STEPS = EMBEDDED_STEPS.join(",");
const ROOT = decodeURIComponent(new URL("../", import.meta.url).pathname);

/** Runs the command once in this process, at a time of the day of the embedded run. */
async function watchOnce(place: Workplace, time: string, ...args: string[]) {
  using _now = stub(Date, "now", () => Date.parse(`2026-02-06T${time}:00Z`));
  return await execute(command, [
    ...["--once", "--catch-up", "0", "--max-members", `${members}`, "--variables", "t2m"],
    ...["--endpoint", place.server.url, "--output-dir", `${place.folder}/out`, ...args],
  ]);
}

const readJson = async (path: string) => JSON.parse(await Deno.readTextFile(path));

Deno.test("watch --once makes what is due, says so in its files, and makes nothing twice", async () => {
  await using place = await openWorkplace();
  const out = `${place.folder}/out`;
  const first = await watchOnce(place, "09:00", "--steps", STEPS, "--view", "--keep-days", "14");
  assertEquals(first.code, 0, first.reported);
  assertMatch(first.reported, /20260206 00 UTC: complete/);
  const names = Array.from(Deno.readDirSync(out), ({ name }) => name).toSorted();
  const own = ["IFS_20260206_00Z_cgan.html", "IFS_20260206_00Z_cgan.nc"];
  assertEquals(names, [...own, "metrics.prom", "runs.json", "status.json"]);
  const { requests } = place.server.counters;
  const status = await readJson(`${out}/status.json`);
  assertEquals([status.state, status.healthy, status.lastGood.run], [
    "stopped",
    true,
    "20260206_00z",
  ]);
  assertEquals([status.lastGood.ageSeconds, status.last.requests], [32_400, requests]);
  assertEquals(status.last.messages, { wanted: 8, used: 8, missing: 0, implausible: 0 });
  assert(status.freeBytes > 0);
  const ledger = await readJson(`${out}/runs.json`);
  assertEquals([ledger.runs[0].command, ledger.runs[0].files], ["watch", [own[0]]]);
  assertEquals(Object.keys(ledger.stepsSeen["20260206_00z"]), ["36", "39"]);
  assertMatch(await Deno.readTextFile(`${out}/metrics.prom`), /^gik_watch_run_members_used 4$/m);

  const again = await watchOnce(place, "10:00", "--steps", STEPS, "--view");
  assertEquals(again.code, 0, again.reported);
  assertMatch(again.reported, /already complete/);
  // One HEAD a file shows that the run was not published again.
  assertEquals(place.server.counters.requests, requests + EMBEDDED_STEPS.length);
  assertEquals((await readJson(`${out}/status.json`)).counts.complete, 1);
});

for (
  const { time, steps, code, says } of [
    { time: "06:00", steps: STEPS, code: 0, says: /^$/ },
    { time: "08:00", steps: `${STEPS},42`, code: 0, says: /^$/ },
    { time: "12:00", steps: `${STEPS},42`, code: 3, says: /1 of 3 steps are not there yet: 42/ },
  ]
) {
  Deno.test(`watch --once --quiet --steps ${steps} at ${time} UTC exits with ${code}`, async () => {
    await using place = await openWorkplace();
    const result = await watchOnce(place, time, "--steps", steps, "--quiet");
    assertEquals(result.code, code, result.reported);
    assertMatch(result.reported, says);
  });
}

Deno.test("watch --once starts nothing on a full disk, and says what is free", async () => {
  await using place = await openWorkplace();
  const result = await watchOnce(place, "09:00", "--steps", STEPS, "--min-free", "999999999999");
  assertEquals(result.code, 1, result.reported);
  assertMatch(
    result.reported,
    /Cannot start 20260206 00 UTC: the disk of .* MB free, and \d+ MB are/,
  );
  assertEquals(place.server.counters.requests, 0);
  const { problem, counts } = await readJson(`${place.folder}/out/status.json`);
  assertMatch(problem, /^Cannot start/);
  assertEquals(counts.failed, 1);
});

Deno.test("watch makes the store of a profile whose format is Zarr, and makes it once", async () => {
  await using place = await openWorkplace();
  const profile = `${place.folder}/own.json`;
  await Deno.writeTextFile(
    profile,
    JSON.stringify({ name: "own", extends: "gik", format: "zarr" }),
  );
  const args = ["--steps", STEPS, "--profile", profile];
  const first = await watchOnce(place, "09:00", ...args);
  assertEquals(first.code, 0, first.reported);
  const { runs } = await readJson(`${place.folder}/out/runs.json`);
  assertMatch(runs[0].output, /^\w+\.zarr$/);
  assert(Deno.statSync(`${place.folder}/out/${runs[0].output}`).isDirectory);
  const { length } = place.server.requests;
  const again = await watchOnce(place, "10:00", ...args);
  assertMatch(again.reported, /already complete/);
  // Whether its files were published again.
  const asked = place.server.requests.slice(length);
  assertEquals(asked.map(({ method }) => method), ["HEAD", "HEAD"]);
});

/** What the command line means. */
const parse = (...args: string[]) => command.parse(parseCommandLine(command, args));

Deno.test("watch without options makes the 00 UTC run, waits six hours, and keeps everything", () => {
  const { hours, waitMs, catchUpDays, keepDays, listen, notify } = parse();
  assertEquals([hours, waitMs, catchUpDays], [["00"], 21_600_000, 3]);
  assertEquals([keepDays, listen, notify], [undefined, undefined, undefined]);
  assertEquals(parse("--runs", "12,0").hours, ["12", "00"]);
  assertEquals(parse("--listen", "[::1]:80").listen, { hostname: "::1", port: 80 });
  assertEquals(parse("--output-dir", "out//").forecast.outputDir, "out");
});

const REFUSED = [
  { args: ["--runs", "03"], state: 'Cannot use run hour "03"' },
  { args: ["--runs", "00,06", "--steps", "150"], state: "Cannot use step 150: the 06 UTC run" },
  {
    args: ["--output-dir", "gs://bucket/x"],
    state: "Cannot watch with --output-dir gs://bucket/x",
  },
  { args: ["--keep-days", "3"], state: "Cannot use --keep-days 3 with --catch-up 3" },
  { args: ["--listen", "8080"], state: 'Cannot use --listen "8080": give <host>:<port>' },
  { args: ["--listen", "127.0.0.1:99999"], state: 'Cannot use --listen "127.0.0.1:99999"' },
  { args: ["--listen", "127.0.0.1:8080", "--once"], state: "Cannot use --listen with --once" },
  { args: ["--notify", "hook"], state: "Cannot use --notify: it is no address" },
  { args: ["--wait", "soon"], state: 'Cannot read --wait "soon"' },
  { args: ["--catch-up", "-1"], state: 'Cannot read --catch-up "-1"' },
  { args: ["--date", "20260206"], state: "Cannot use option --date" },
  { args: ["--work", "x"], state: "Cannot use option --work" },
];

for (const { args, state } of REFUSED) {
  Deno.test(`watch refuses ${args.join(" ")}`, async () => {
    const { code, reported } = await execute(command, args);
    assertEquals([code, reported.startsWith(`watch: ${state}`)], [2, true], reported);
  });
}

/** A watch of its own under the permission set, with a server that has nothing of today. */
function startWatch(place: Workplace, folder: string, ...args: string[]) {
  const { host } = new URL(place.server.url);
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--quiet", "-P=watch", `--allow-net=${host},127.0.0.1:0`],
      ...["stages/watch.ts", "--endpoint", place.server.url, "--output-dir", folder],
      ...["--listen", "127.0.0.1:0", "--catch-up", "1", "--steps", STEPS, ...args],
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

/**
 * Reads what a process reports until a line says something. What comes later stays in the pipe: one that
 * is closed would end the process.
 */
async function readUntil(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<string[]> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  for (let text = "";;) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`${pattern} does not come: ${text}`);
    text += decoder.decode(value, { stream: true });
    const match = pattern.exec(text);
    if (!match) continue;
    reader.releaseLock();
    return match;
  }
}

Deno.test("watch goes on at once after SIGKILL, and ends with 0 on SIGTERM, leaving no lock", async () => {
  await using place = await openWorkplace();
  const folder = await Deno.makeTempDir({ dir: ROOT, prefix: "ecmwf_three_stage_" });
  try {
    const killed = startWatch(place, folder);
    await readUntil(killed.stderr, /listening on/);
    while (!await Deno.stat(`${folder}/status.json`).catch(() => undefined)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    killed.kill("SIGKILL");
    await killed.status;
    await killed.stderr.cancel();
    const watch = startWatch(place, folder);
    const [, url] = await readUntil(
      watch.stderr,
      /listening on (\S+)\n[^]*(?:waiting for step|not published)/,
    );
    const answer = await fetch(`${url}metrics`);
    assertMatch(await answer.text(), /^gik_watch_healthy [01]$/m);
    watch.kill("SIGTERM");
    assertEquals((await watch.status).code, 0);
    await watch.stderr.cancel();
    const names = Array.from(Deno.readDirSync(folder), ({ name }) => name);
    assertEquals(names.filter((name) => name.endsWith(".lock")), []);
    assertEquals((await readJson(`${folder}/status.json`)).state, "stopped");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("watch --notify to a host that its permissions do not allow names the command that does", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--quiet", "-P=watch", "stages/watch.ts", "--once"],
      ...["--notify", "https://hook.example/x"],
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stderr);
  assertEquals(code, 4, text);
  assertMatch(text, /Cannot use --notify: Deno refuses net access to "hook.example:443"/);
  assertMatch(
    text,
    /deno run --no-prompt --v8-flags=\S+ -P=watch '?--allow-net=\S*hook\.example:443\S* stages\/watch\.ts/,
  );
});
