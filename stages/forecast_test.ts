import { assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, EMBEDDED_STEPS, openWorkplace } from "../fixtures/embedded_run.ts";
import { startS3Server } from "../fixtures/s3_server.ts";
import { parseCommandLine } from "../lib/cli/command.ts";
import { expectStep } from "../lib/ecmwf/published.ts";
import { formatDate, parseRun, runLabel } from "../lib/ecmwf/run.ts";
import { execute } from "./commands_fixture.ts";
import { command } from "./forecast.ts";

const { run, members } = BEFORE_50R1;
const RUN = ["--date", run.date, "--run", run.hour, "--max-members", `${members}`];
const STEPS = EMBEDDED_STEPS.join(",");

/** Exit codes by what is there, and what is printed. */
const CASES: readonly { args: string[]; code: number; says: RegExp; writes: boolean }[] = [
  { args: ["--steps", STEPS], code: 0, says: /written +\S+cgan\.nc/, writes: true },
  {
    args: ["--steps", `${STEPS},42`],
    code: 5,
    says: /1 of 3 steps of 20260206 00 UTC are not there: 42; /,
    writes: true,
  },
  {
    args: ["--steps", `${STEPS},42`, "--wait", "1s"],
    code: 3,
    says: /^forecast: Cannot write 20260206 00 UTC in time: step 42 did not come /m,
    writes: false,
  },
  {
    args: ["--steps", `${STEPS},42`, "--wait", "1s", "--allow-missing"],
    code: 5,
    says: /1 of 3 steps .* are not there: 42; /,
    writes: true,
  },
  { args: ["--steps", STEPS, "--wait"], code: 0, says: /written/, writes: true },
  { args: ["--steps", "42"], code: 3, says: /Cannot find anything of 20260206/, writes: false },
  { args: ["--steps", "37"], code: 2, says: /Cannot use step 37/, writes: false },
  {
    args: ["--steps", STEPS, "--allow-missing"],
    code: 2,
    says: /Cannot use --allow-missing without --wait/,
    writes: false,
  },
];

for (const { args, code, says, writes } of CASES) {
  Deno.test(`forecast ${args.join(" ")} exits with ${code}`, async () => {
    await using place = await openWorkplace();
    const outputDir = `${place.folder}/out`;
    const server = ["--endpoint", place.server.url, "--output-dir", outputDir];
    const result = await execute(command, [...RUN, ...server, ...args]);
    assertEquals(result.code, code, result.reported);
    assertMatch(result.reported, says);
    const path = `${outputDir}/IFS_20260206_00Z_cgan.nc`;
    assertEquals(await Deno.stat(path).then(() => true, () => false), writes);
  });
}

Deno.test("forecast reports to programs and to a file what it asked for and what it cost", async () => {
  await using place = await openWorkplace();
  const summary = `${place.folder}/summary.json`;
  const { code, printed } = await execute(command, [
    ...[...RUN, "--steps", STEPS, "--variables", "t2m", "--summary", summary, "--json"],
    ...["--endpoint", place.server.url, "--output-dir", place.folder],
  ]);
  assertEquals(code, 0);
  const facts = JSON.parse(await Deno.readTextFile(summary));
  assertEquals([facts.complete, facts.asked.steps], [true, EMBEDDED_STEPS]);
  assertEquals(facts.fetched.requests, place.server.requests.length);
  const events = printed.trim().split("\n").map((line) => JSON.parse(line));
  const { type, exitCode } = events.at(-1);
  assertEquals([type, exitCode], ["end", 0]);
  assertEquals(events.find(({ type }) => type === "result").output, facts.output);
});

Deno.test("forecast --wait past its limit says how unusual that is, where a ledger knows", async () => {
  await using place = await openWorkplace();
  const seen = Array.from({ length: 60 }, (_, i) => {
    const earlier = parseRun(formatDate(new Date(Date.UTC(2026, 1, 5 - i))), "00");
    const hours = i === 7 ? 24 * 365 * 10 : 1;
    const time = new Date(expectStep(earlier, 42) + hours * 3_600_000).toISOString();
    return [runLabel(earlier), { "42": time }];
  });
  const ledger = { version: 1, stepsSeen: Object.fromEntries(seen), runs: [] };
  const server = ["--endpoint", place.server.url, "--output-dir", place.folder];
  const late = [...RUN, ...server, "--steps", `${STEPS},42`, "--wait", "1s"];
  await Deno.writeTextFile(`${place.folder}/runs.json`, JSON.stringify(ledger));
  const known = await execute(command, late);
  assertEquals(known.code, 3);
  assertMatch(
    known.reported,
    /step 42 did not come \(.*\), step 42 is later than in 59 of the last 60 runs of 00 UTC; give/,
  );
  await Deno.writeTextFile(`${place.folder}/runs.json`, "{");
  const damaged = await execute(command, late);
  // It would say which outputs may be replaced: nothing is waited for without it.
  assertEquals(damaged.code, 1);
  assertMatch(damaged.reported, /^forecast: Cannot read ".*runs.json": it is not JSON/m);
});

/** What the command line means. */
function parse(...args: string[]) {
  return command.parse(parseCommandLine(command, args));
}

Deno.test("forecast takes the latest run without any option, and waits only when that is asked for", () => {
  const request = parse();
  assertEquals(request.runRequests, [{ date: "latest", hour: "00" }]);
  assertEquals([request.waitMs, request.publish, request.plot], [undefined, undefined, false]);
});

for (
  const [text, ms] of [["90m", 5_400_000], ["1h30m", 5_400_000], ["4h", 14_400_000], ["1s", 1000]]
) {
  Deno.test(`--wait ${text} is a duration`, () => {
    assertEquals(parse("--wait", `${text}`).waitMs, ms);
  });
}

Deno.test("--wait without a duration waits for six hours, also before another option", () => {
  assertEquals(parse("--wait").waitMs, 21_600_000);
  assertEquals(parse("--wait", "--quiet").waitMs, 21_600_000);
});

const REFUSED = [
  { args: ["--wait", "soon"], state: 'Cannot read --wait "soon"' },
  { args: ["--wait", "4"], state: 'Cannot read --wait "4"' },
  { args: ["--wait", "0h"], state: 'Cannot read --wait "0h"' },
  { args: ["--publish", "https://host/x"], state: 'Cannot use --publish "https://host/x"' },
  { args: ["--publish", "gs://bucket"], state: 'Cannot use "gs://bucket" as a folder' },
  { args: ["--gcs-anonymous"], state: "Cannot use --gcs-anonymous without gs://" },
  {
    args: ["--output-dir", "gs://bucket/x", "--view"],
    state: "Cannot use --view with --output-dir gs://bucket/x",
  },
  { args: ["--parquet-dir", "x"], state: "Cannot use option --parquet-dir" },
  { args: ["--task", "0/2"], state: "Cannot use option --task" },
  { args: ["--publish"], state: "Cannot read --publish: it needs a value" },
];

for (const { args, state } of REFUSED) {
  Deno.test(`forecast refuses ${args.join(" ")}`, async () => {
    const { code, reported } = await execute(command, args);
    assertEquals([code, reported.startsWith(`forecast: ${state}`)], [2, true], reported);
  });
}

Deno.test("forecast refuses several runs", async () => {
  const { code, reported } = await execute(command, ["--date", "20260206,20260207"]);
  assertEquals(code, 2, reported);
  assertMatch(reported, /Cannot make forecasts of several dates: give one --date/);
});

/** Runs `forecast` with copies on an S3 server that knows one key and one bucket. */
async function publishTo(target: string, endpoint?: string) {
  await using place = await openWorkplace();
  await using s3 = startS3Server({ buckets: { copies: new Map() }, accounts: { AKX: "secret" } });
  using _id = stubVariable("AWS_ACCESS_KEY_ID", "AKX");
  using _secret = stubVariable("AWS_SECRET_ACCESS_KEY", "secret");
  const server = ["--endpoint", place.server.url, "--output-dir", `${place.folder}/out`];
  const result = await execute(command, [
    ...[...RUN, ...server, "--steps", `${STEPS},42`, "--variables", "t2m", "--wait", "1s"],
    ...["--publish", target, "--publish-endpoint", endpoint ?? s3.url],
  ]);
  return { ...result, asked: place.server.requests.length };
}

/** Sets a variable of the environment until it is disposed of. */
function stubVariable(name: string, value: string): Disposable {
  const earlier = Deno.env.get(name);
  Deno.env.set(name, value);
  return {
    [Symbol.dispose]: () =>
      earlier === undefined ? Deno.env.delete(name) : Deno.env.set(name, earlier),
  };
}

for (
  const { what, args, says } of [
    {
      what: "a bucket that is not there",
      args: ["s3://nothing/x"],
      says: "Cannot publish to s3://nothing/x: there is no such bucket",
    },
    {
      what: "a server that is none",
      args: ["s3://copies/x", "http://127.0.0.1:9"],
      says: "127.0.0.1:9: fetch blocks this port",
    },
  ] as const
) {
  Deno.test(`forecast --wait with copies in ${what} ends before it waits`, async () => {
    const { code, reported, asked } = await publishTo(args[0], args[1]);
    assertEquals([code, asked], [4, 0], reported);
    assertStringIncludes(reported, says);
  });
}

Deno.test("forecast where a file is in the place of the folder says so before it asks for anything", async () => {
  await using place = await openWorkplace();
  const path = `${place.folder}/file`;
  await Deno.writeTextFile(path, "");
  const server = ["--endpoint", place.server.url, "--output-dir", path];
  const { code, reported } = await execute(command, [...RUN, ...server, "--steps", STEPS]);
  assertEquals([code, place.server.requests.length], [4, 0], reported);
  assertMatch(
    reported,
    /^forecast: Cannot use ".*file": there is a file in the place of the folder/,
  );
});
