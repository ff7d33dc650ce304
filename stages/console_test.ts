import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, EMBEDDED_FOLDER, EMBEDDED_STEPS } from "../fixtures/embedded_run.ts";
import { type S3Server, startS3Server } from "../fixtures/s3_server.ts";
import { BUCKET } from "../lib/ecmwf/files.ts";
import { runLabel } from "../lib/ecmwf/run.ts";
import { hasProgram } from "../lib/engines/program.ts";

const { run, members } = BEFORE_50R1;
const STAGES = new URL("./", import.meta.url);
const DATE = ["--date", run.date, "--max-members", `${members}`];
const STEPS = ["--steps", EMBEDDED_STEPS.join(",")];

interface Workplace extends AsyncDisposable {
  server: S3Server;
  folder: string;
  /** Settles at the first request to the server. */
  asked: Promise<void>;
}

/** @param isMute whether the server never answers. */
async function openWorkplace(isMute = false): Promise<Workplace> {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const server = startS3Server({
    buckets: { [BUCKET]: EMBEDDED_FOLDER },
    faults() {
      resolve();
      return isMute ? { kind: "delay", ms: 3_600_000 } : undefined;
    },
  });
  const folder = await Deno.makeTempDir();
  return {
    server,
    folder,
    asked,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** The arguments of Deno for a stage in a process of its own. */
function stageArguments(stage: string, { server }: Workplace, args: readonly string[]): string[] {
  const script = new URL(`${stage}.ts`, STAGES).href;
  return ["run", "--no-prompt", "--quiet", "-A", script, "--endpoint", server.url, ...args];
}

function startStage(
  stage: string,
  workplace: Workplace,
  args: readonly string[],
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: stageArguments(stage, workplace, args),
    cwd: workplace.folder,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function finish(process: Deno.ChildProcess) {
  const { code, stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout), errors: decoder.decode(stderr) };
}

/** Events of a command, without their time. */
function parseEvents(output: string): Record<string, unknown>[] {
  return output.trimEnd().split("\n").map((line) => {
    const { time, ...event } = JSON.parse(line);
    assert(!Number.isNaN(Date.parse(time)), line);
    return event;
  });
}

const BARS: Record<string, string[]> = {
  stage1: ["skeletons"],
  stage2: ["indexes", "stores"],
  stage3: ["final stores", "zip"],
  stream: ["references", "messages"],
  pipeline: ["skeletons", "indexes", "stores", "final stores"],
};

Deno.test("every stage with --json prints only events: progress, a result, and the end", async () => {
  await using workplace = await openWorkplace();
  const ways = {
    stage1: [...DATE, "--no-template"],
    stage2: [...DATE, ...STEPS],
    stage3: [...DATE, "--zip"],
    stream: [...DATE, ...STEPS],
    pipeline: [...DATE, ...STEPS, "--no-template"],
  };
  for (const [stage, args] of Object.entries(ways)) {
    const before = workplace.server.requests.length;
    const { code, output, errors } = await finish(
      startStage(stage, workplace, [...args, "--json"]),
    );
    assertEquals([stage, code, errors], [stage, 0, ""], output);
    const events = parseEvents(output);
    assertEquals(events.at(-1), { type: "end", command: stage, exitCode: 0 });
    assertEquals(events.filter(({ type }) => type === "end" || type === "error").length, 1);
    const results = events.filter(({ type }) => type === "result");
    assertEquals(results.length, 1);
    const requests = workplace.server.requests.length - before;
    const { run: label, complete, requests: counted, retries } = results[0]!;
    assertEquals([label, complete, counted, retries], [runLabel(run), true, requests, 0]);
    const ends = events.filter(({ type, done, total }) => type === "progress" && done === total);
    assertEquals([...new Set(ends.map(({ label }) => label))], BARS[stage]);
  }
});

Deno.test("streaming with --json reports bytes and rate of its messages, and the range of every variable", async () => {
  await using workplace = await openWorkplace();
  await finish(startStage("pipeline", workplace, [...DATE, ...STEPS, "--no-template"]));
  const args = [...DATE, ...STEPS, "--variables", "tp,t2m", "--json"];
  const before = workplace.server.counters.bytesSent;
  const events = parseEvents((await finish(startStage("stream", workplace, args))).output);
  const messages = events.findLast(({ label }) => label === "messages")!;
  assertEquals(messages.bytes, workplace.server.counters.bytesSent - before);
  assert(messages.bytesPerSecond as number > 0);
  const { variables } = events.find(({ type }) => type === "result") as {
    variables: Record<string, unknown>[];
  };
  assertEquals(variables.map(({ name, units }) => [name, units]), [["tp", "m"], ["t2m", "K"]]);
  for (const { fields, members: used } of variables) {
    assertEquals(fields, { whole: EMBEDDED_STEPS.length, partial: 0, empty: 0 });
    assertEquals(used, { least: members, most: members });
  }
});

Deno.test("a stage that SIGINT or SIGTERM stops reports it and exits 130, as text and as JSON", async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    await using workplace = await openWorkplace(true);
    await using text = startStage("stage2", workplace, DATE);
    await workplace.asked;
    text.kill(signal);
    const stopped = `stopped by ${signal}, run the same command again`;
    const { code, errors } = await finish(text);
    assertEquals([code, errors], [130, `stage2: ${stopped}\n`]);
  }
  await using workplace = await openWorkplace(true);
  await using json = startStage("stage2", workplace, [...DATE, "--json"]);
  await workplace.asked;
  json.kill("SIGINT");
  const { code, output, errors } = await finish(json);
  assertEquals([code, errors], [130, ""]);
  assertEquals(parseEvents(output), [
    { type: "error", text: "stopped by SIGINT, run the same command again" },
    { type: "end", command: "stage2", exitCode: 130 },
  ]);
});

const hasScript = await hasProgram("script");

Deno.test({
  name: "Ctrl-C on a terminal of 50 columns leaves no bar behind (needs script of util-linux)",
  ignore: !hasScript,
  fn: async () => {
    // One of two indexes arrives, so that the bar stays at a half.
    await using workplace = await openWorkplace();
    const { promise: isStuck, resolve } = Promise.withResolvers<void>();
    workplace.server.setFaults(({ key }) => {
      if (!key.includes("-39h-")) return undefined;
      resolve();
      return { kind: "delay", ms: 3_600_000 };
    });
    const args = stageArguments("stage2", workplace, [...DATE, "--steps", "36,39"]);
    const line = ["stty cols 50;", "exec", Deno.execPath(), ...args].join(" ");
    await using process = new Deno.Command("script", {
      args: ["--quiet", "--return", "--command", line, "/dev/null"],
      cwd: workplace.folder,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    await isStuck;
    const decoder = new TextDecoder();
    let screen = "";
    const writer = process.stdin.getWriter();
    for await (const bytes of process.stdout) {
      screen += decoder.decode(bytes, { stream: true });
      // The terminal turns it into SIGINT.
      const isDrawn = screen.includes("1 of 2") && screen.endsWith("\x1b[K");
      if (isDrawn) await writer.write(new Uint8Array([3]));
    }
    await writer.close();
    assertEquals((await process.status).code, 130);
    const [bar, ...rest] = screen.split("\r").slice(1);
    assertStringIncludes(bar!, "indexes ");
    assert(bar!.split("\x1b[K")[0]!.length < 50, bar);
    const last = rest.join("\r").split("\r\x1b[K").at(-1)!;
    assertStringIncludes(last, "stage2: stopped by SIGINT, run the same command again\r\n");
    for (const hidden of ["\x1b[?25l", "\x1b[?1049h", "█"]) assert(!last.includes(hidden), last);
  },
});

Deno.test({
  name: "under a task the command that is printed does what was refused",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using workplace = await openWorkplace();
    const folder = `${workplace.folder}/a folder`;
    const cwd = new URL("../", STAGES);
    const args = ["--endpoint", workplace.server.url, "--no-template", "--output-dir", folder];
    const start = (file: string, args: string[]) =>
      new Deno.Command(file, {
        args,
        cwd,
        env: { NO_COLOR: "1" },
        stdout: "piped",
        stderr: "piped",
      })
        .spawn();
    const task = ["run", "--no-prompt", "--quiet", "-P=pipeline", "stages/pipeline.ts"];
    const refused = await finish(start(Deno.execPath(), [...task, ...DATE, ...STEPS, ...args]));
    assertEquals(refused.code, 4);
    const [first, line] = refused.errors.trimEnd().split("\n").slice(-2);
    assert(first!.endsWith("; this command allows it:"), refused.errors);
    const deno = line!.trim().replace(/^deno/, `'${Deno.execPath()}'`);
    const allowed = await finish(start("sh", ["-c", deno]));
    assertEquals(allowed.code, 0, allowed.errors);
    assert(Deno.statSync(`${folder}/stage3_control_final.parquet`).isFile);
  },
});

Deno.test("a .env with a byte order mark is read, and one that is a folder is named", async () => {
  await using workplace = await openWorkplace();
  const start = () =>
    new Deno.Command(Deno.execPath(), {
      args: stageArguments("stage2", workplace, [...DATE, ...STEPS]).filter((text, i, all) =>
        text !== "--endpoint" && all[i - 1] !== "--endpoint"
      ),
      cwd: workplace.folder,
      env: { NO_COLOR: "1" },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  const path = `${workplace.folder}/.env`;
  await Deno.writeTextFile(path, `\uFEFFAWS_ENDPOINT_URL_S3=${workplace.server.url}\r\n`);
  assertEquals((await finish(start())).code, 0);
  await Deno.remove(path);
  await Deno.mkdir(path);
  const { code, errors } = await finish(start());
  assertEquals([code, errors], [
    2,
    'stage2: Cannot read ".env": it is a folder; remove it, or put a file in its place\n',
  ]);
});
