import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { setTimeout as wait } from "node:timers/promises";
import { BEFORE_50R1, EMBEDDED_FOLDER } from "../fixtures/embedded_run.ts";
import { readBase, writeMessages } from "../fixtures/full_run.ts";
import { makeRandom } from "../fixtures/random.ts";
import { type S3Request, type S3Server, startS3Server } from "../fixtures/s3_server.ts";
import { sendSignal } from "../fixtures/send_signal.ts";
import { silentReporter } from "../lib/util/reporter.ts";
import { BUCKET } from "../lib/ecmwf/files.ts";
import { findVariables } from "../lib/ecmwf/variables.ts";
import { GIK } from "../lib/output/profile.ts";
import { openStorage } from "../lib/storage/mod.ts";
import { workFolderOf } from "../lib/checkpoint/work_folder.ts";
import { runStage2 } from "../lib/pipeline/run_stage2.ts";
import { runStage3 } from "../lib/pipeline/run_stage3.ts";

const { run } = BEFORE_50R1;
const STEPS = Array.from({ length: 18 }, (_, i) => 36 + 3 * i);
const FIELDS = STEPS.map((step) => `t2m_${step}h`);
const MEMBERS = 4;
const MESSAGES = FIELDS.length * MEMBERS;
const STREAM = new URL("./stream.ts", import.meta.url).href;

/** A run with its stores, a slow server, and the file that streaming writes when undisturbed. */
interface Workplace extends AsyncDisposable {
  server: S3Server;
  /** Path of the output. */
  output: string;
  undisturbed: Uint8Array;
  /** Requests for that. */
  requests: number;
}

async function openWorkplace(): Promise<Workplace> {
  const folder = await Deno.makeTempDir();
  const base = await readBase(EMBEDDED_FOLDER, run, 36, findVariables(["t2m"]));
  await writeMessages(`${folder}/bucket`, run, STEPS, base);
  const server = startS3Server({ buckets: { [BUCKET]: `${folder}/bucket` } });
  const context = { storage: openStorage({ endpoint: server.url }), reporter: silentReporter };
  const common = { run, steps: STEPS, maxMembers: MEMBERS, outputDir: folder };
  await runStage2({ ...common, parallelWorkers: 4, allowMissing: false }, context);
  await runStage3({ ...common, zip: false }, context);
  const output = `${folder}/${GIK.fileName(run)}`;
  const before = server.requests.length;
  await using first = startStream(server, output);
  assertEquals((await first.status).code, 0);
  const undisturbed = await Deno.readFile(output);
  await Deno.remove(output);
  return {
    server,
    output,
    undisturbed,
    requests: server.requests.length - before,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** The field that a request is for: each file has one. */
function fieldOf({ key }: S3Request): string {
  return `t2m_${/0000-(\d+h)-/.exec(key)?.[1]}`;
}

/** Starts the command, always the same, with two requests at once. */
function startStream(server: S3Server, output: string, ...more: string[]): Deno.ChildProcess {
  const folder = output.slice(0, output.lastIndexOf("/"));
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--quiet", "-A", STREAM, "--endpoint", server.url],
      ...["--parquet-dir", folder, "--output-dir", folder, "--parallel-fetches", "2"],
      ...[
        "--variables",
        "t2m",
        "--steps",
        STEPS.join(","),
        "--max-members",
        `${MEMBERS}`,
      ],
      ...more,
    ],
    env: { SOURCE_DATE_EPOCH: "1770365700", NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

/** The fields in the work folder, as {@linkcode fieldOf} names them. */
async function listSaved(output: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(workFolderOf(output)));
    return entries.flatMap(({ name }) => /^(\w+_\d+h)_\w+\.field$/.exec(name)?.[1] ?? []);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The fields that are not saved. */
function listMissing(saved: readonly string[]): string[] {
  return FIELDS.filter((field) => !saved.includes(field));
}

/** The fields of requests in the order of time, each once. */
function listFields(asked: readonly string[]): string[] {
  return FIELDS.filter((field) => asked.includes(field));
}

async function readOutput(output: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(output);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** When a command is killed. */
interface KillMoment {
  /** From this request on, */
  requests: number;
  /** when so many fields are saved, */
  fields: number;
  /** and this much later. */
  afterMs: number;
}

const NEVER: KillMoment = { requests: Infinity, fields: 0, afterMs: 0 };

/** When half of the requests are sent, and a field is saved. */
function halfway({ requests }: Workplace): KillMoment {
  return { requests: Math.ceil(requests / 2), fields: 1, afterMs: 0 };
}

/** Requests that are answered between the choice of the moment and the kill. */
const LAST_ANSWERS = 8;

/**
 * Runs the command and kills it, unless it ends before. It cannot outrun the kill, however busy the
 * machine is: the answers that it needs wait until the fields are counted, and then for the kill.
 */
async function runUntilKilled(
  workplace: Workplace,
  signal: Deno.Signal,
  { requests, fields, afterMs }: KillMoment,
): Promise<{ asked: string[]; code: number; wasKilled: boolean; reported: string }> {
  const { server, output } = workplace;
  const asked: string[] = [];
  const answered = server.requests.length;
  await using stream = startStream(server, output);
  const over = Promise.withResolvers<void>();
  const kill = async () => {
    await wait(afterMs);
    sendSignal(stream, signal);
  };
  let killing: Promise<void> | undefined;
  let lastAnswers = LAST_ANSWERS;
  const countFields = async () => {
    if ((await listSaved(output)).length >= fields) killing ??= kill();
  };
  server.setFaults((request) => {
    asked.push(fieldOf(request));
    if (killing && lastAnswers-- <= 0) return { kind: "hold", until: over.promise };
    if (asked.length < requests || killing) return { kind: "delay", ms: 10 };
    return { kind: "hold", until: countFields() };
  });
  const { code, signal: endedBy, stderr } = await stream.output();
  over.resolve();
  await killing;
  // The server needs a moment to see that the client is gone.
  while (server.requests.length < answered + asked.length) await wait(5);
  return { asked, code, wasKilled: endedBy === signal, reported: new TextDecoder().decode(stderr) };
}

Deno.test("killed at 20 random moments, stream writes the same file, re-fetches no finished field, and leaves no partial file", async () => {
  await using workplace = await openWorkplace();
  const { output, undisturbed } = workplace;
  const random = makeRandom(20260206);
  let kills = 0;
  let savedFields = 0;
  for (let runs = 0; kills < 20; runs++) {
    assert(runs < 60, `${kills} kills in ${runs} runs`);
    const saved = await listSaved(output);
    const left = workplace.requests * listMissing(saved).length / FIELDS.length;
    const { asked, code, wasKilled } = await runUntilKilled(workplace, "SIGKILL", {
      requests: 1 + Math.floor(random() * 0.6 * left),
      fields: saved.length + Math.floor(random() * 3),
      afterMs: Math.floor(random() * 100),
    });
    assertEquals(asked.filter((field) => saved.includes(field)), []);
    savedFields += saved.length;
    const found = await readOutput(output);
    if (wasKilled && !found) {
      kills++;
      continue;
    }
    assertEquals(found, undisturbed);
    if (wasKilled) {
      // Killed after the file was written, before the work folder was removed.
      kills++;
    } else {
      assertEquals([code, listMissing(saved)], [0, listFields(asked)]);
      assertEquals(await listSaved(output), []);
    }
    await Deno.remove(output);
  }
  assert(savedFields > 20, `only ${savedFields} fields were resumed`);
  // As a command leaves it that is killed during its last write.
  const [folder, name] = [output.slice(0, output.lastIndexOf("/")), GIK.fileName(run)];
  await Deno.writeFile(`${folder}/.${name}.${crypto.randomUUID()}.part`, undisturbed.slice(9));
  const { code } = await runUntilKilled(workplace, "SIGKILL", NEVER);
  assertEquals(code, 0);
  assertEquals(await readOutput(output), undisturbed);
  const left = await Array.fromAsync(Deno.readDir(folder));
  assertEquals(left.filter(({ name }) => name.endsWith(".part")), []);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`on ${signal} stream says how to resume, ends with 130, and resumes when run again`, async () => {
    await using workplace = await openWorkplace();
    const { output, undisturbed } = workplace;
    const stopped = await runUntilKilled(workplace, signal, halfway(workplace));
    const saved = await listSaved(output);
    assert(saved.length > 0);
    assertEquals([stopped.code, await readOutput(output)], [130, undefined]);
    assertStringIncludes(
      stopped.reported,
      `${saved.length} of 18 fields are saved in ${workFolderOf(output)}: run the same command`,
    );
    assertStringIncludes(
      stopped.reported,
      `stream: stopped by ${signal}, run the same command to resume\n`,
    );
    const { asked, code, reported } = await runUntilKilled(workplace, signal, NEVER);
    assertEquals([code, listMissing(saved)], [0, listFields(asked)]);
    assertStringIncludes(reported, `${saved.length} of 18 fields are saved in`);
    assertEquals(await readOutput(output), undisturbed);
    assertEquals(await listSaved(output), []);
  });
}

Deno.test("stream --fresh fetches everything again, and --summary counts it", async () => {
  await using workplace = await openWorkplace();
  const { output, undisturbed, server } = workplace;
  await runUntilKilled(workplace, "SIGINT", halfway(workplace));
  assert((await listSaved(output)).length > 0);
  server.setFaults(undefined);
  const before = server.requests.length;
  const summary = `${output}.json`;
  await using fresh = startStream(server, output, "--fresh", "--quiet", "--summary", summary);
  const { code, stderr } = await fresh.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  assertEquals(server.requests.length - before, workplace.requests);
  assertEquals(await readOutput(output), undisturbed);
  const { peakMemoryBytes, phasesMs, ...facts } = JSON.parse(await Deno.readTextFile(summary));
  assert(peakMemoryBytes > 20e6, `${peakMemoryBytes}`);
  assertEquals(Object.keys(phasesMs), ["references", "messages", "output"]);
  const sent = server.requests.slice(before).reduce((sum, { bytesSent }) => sum + bytesSent, 0);
  assertEquals(facts, {
    complete: true,
    output,
    asked: {
      run: "20260206_00z",
      profile: "gik",
      variables: ["t2m"],
      steps: STEPS,
      region: GIK.region,
      members: MEMBERS,
      minMembers: 1,
      dropImplausible: false,
    },
    fields: { wanted: 18, takenOver: 0 },
    notPublished: [],
    fetched: {
      requests: workplace.requests,
      requestsByHost: { aws: workplace.requests },
      retries: 0,
      secondRequests: 0,
      bytes: sent,
    },
    messages: {
      wanted: MESSAGES,
      decoded: MESSAGES,
      used: MESSAGES,
      converted: 0,
      implausibleUsed: 0,
      left: { missing: 0, mismatched: 0, damaged: 0, implausible: 0, scarce: 0 },
    },
    findings: { leftOut: [], implausible: [] },
  });
});

Deno.test("stream refuses to require more members than it uses", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "-A", STREAM, "--min-members", "5", "--max-members", "4"],
    stderr: "piped",
  }).output();
  assertEquals(code, 2);
  assertStringIncludes(
    new TextDecoder().decode(stderr),
    "stream: Cannot use --min-members 5: --max-members is 4, so that no field could have as many",
  );
});
