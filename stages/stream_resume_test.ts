import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { setTimeout as wait } from "node:timers/promises";
import { BEFORE_50R1, EMBEDDED_FOLDER } from "../fixtures/embedded_run.ts";
import { readBase, writeMessages } from "../fixtures/full_run.ts";
import { makeRandom } from "../fixtures/random.ts";
import { type S3Request, type S3Server, startS3Server } from "../fixtures/s3_server.ts";
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

/** A run with stores, a slow server that has it, and what streaming makes of it undisturbed. */
interface Place extends AsyncDisposable {
  server: S3Server;
  /** Path of the output. */
  output: string;
  undisturbed: Uint8Array;
  /** How many requests that took. */
  requests: number;
}

async function openPlace(): Promise<Place> {
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

/** A process of the same command every time, two messages under way at once. */
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
async function listKept(output: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(workFolderOf(output)));
    return entries.flatMap(({ name }) => /^(\w+_\d+h)_\w+\.field$/.exec(name)?.[1] ?? []);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The fields that are not kept. */
function listLacking(kept: readonly string[]): string[] {
  return FIELDS.filter((field) => !kept.includes(field));
}

/** The same fields in the order of time, each once. */
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

/** Runs the command and kills it so many ms after so many requests, unless it ends before. */
async function runUntilKilled(
  place: Place,
  signal: Deno.Signal,
  requests: number,
  afterMs: number,
): Promise<{ asked: string[]; code: number; wasKilled: boolean; told: string }> {
  const { server, output } = place;
  const asked: string[] = [];
  const answered = server.requests.length;
  await using stream = startStream(server, output);
  let isOver = false;
  let wasKilled = false;
  const kill = async () => {
    await wait(afterMs);
    if (isOver) return;
    wasKilled = true;
    stream.kill(signal);
  };
  let killing: Promise<void> | undefined;
  server.setFaults((request) => {
    asked.push(fieldOf(request));
    if (asked.length === requests) killing = kill();
    return { kind: "delay", ms: 10 };
  });
  const { code, stderr } = await stream.output();
  isOver = true;
  await killing;
  // The server does not see at once that nobody waits for its answers any more.
  while (server.requests.length < answered + asked.length) await wait(5);
  return { asked, code, wasKilled, told: new TextDecoder().decode(stderr) };
}

Deno.test("killed at 20 random moments: the same file, no finished field fetched again, no half a file", async () => {
  await using place = await openPlace();
  const { output, undisturbed } = place;
  const random = makeRandom(20260206);
  let kills = 0;
  let savedFields = 0;
  for (let runs = 0; kills < 20; runs++) {
    assert(runs < 60, `${kills} kills in ${runs} runs`);
    const kept = await listKept(output);
    const requests = 1 + Math.floor(random() * 0.6 * place.requests);
    const { asked, code, wasKilled } = await runUntilKilled(
      place,
      "SIGKILL",
      requests,
      Math.floor(random() * 100),
    );
    assertEquals(asked.filter((field) => kept.includes(field)), []);
    savedFields += kept.length;
    const found = await readOutput(output);
    if (wasKilled && !found) {
      kills++;
      continue;
    }
    assertEquals(found, undisturbed);
    if (wasKilled) {
      // Killed between the last two deeds: the file was there, the work folder was still to go.
      kills++;
    } else {
      assertEquals([code, listLacking(kept)], [0, listFields(asked)]);
      assertEquals(await listKept(output), []);
    }
    await Deno.remove(output);
  }
  assert(savedFields > 20, `only ${savedFields} fields were taken over`);
  // As if the last one had been killed in its last write.
  const [folder, name] = [output.slice(0, output.lastIndexOf("/")), GIK.fileName(run)];
  await Deno.writeFile(`${folder}/.${name}.${crypto.randomUUID()}.part`, undisturbed.slice(9));
  const { code } = await runUntilKilled(place, "SIGKILL", Infinity, 0);
  assertEquals(code, 0);
  assertEquals(await readOutput(output), undisturbed);
  const left = await Array.fromAsync(Deno.readDir(folder));
  assertEquals(left.filter(({ name }) => name.endsWith(".part")), []);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`on ${signal} stream says how to resume, ends with 130, and resumes when run again`, async () => {
    await using place = await openPlace();
    const { output, undisturbed } = place;
    const stopped = await runUntilKilled(place, signal, Math.ceil(place.requests / 2), 0);
    const kept = await listKept(output);
    assert(kept.length > 0);
    assertEquals([stopped.code, await readOutput(output)], [130, undefined]);
    assertStringIncludes(
      stopped.told,
      `${kept.length} of 18 fields are saved in ${workFolderOf(output)}: run the same command`,
    );
    assertStringIncludes(
      stopped.told,
      `stream: stopped by ${signal}, run the same command to resume\n`,
    );
    const { asked, code, told } = await runUntilKilled(place, signal, Infinity, 0);
    assertEquals([code, listLacking(kept)], [0, listFields(asked)]);
    assertStringIncludes(told, `${kept.length} of 18 fields are saved in`);
    assertEquals(await readOutput(output), undisturbed);
    assertEquals(await listKept(output), []);
  });
}

Deno.test("stream --fresh fetches everything anew, and --summary tells what that took", async () => {
  await using place = await openPlace();
  const { output, undisturbed, server } = place;
  await runUntilKilled(place, "SIGINT", Math.ceil(place.requests / 2), 0);
  assert((await listKept(output)).length > 0);
  server.setFaults(undefined);
  const before = server.requests.length;
  const summary = `${output}.json`;
  await using fresh = startStream(server, output, "--fresh", "--quiet", "--summary", summary);
  const { code, stderr } = await fresh.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  assertEquals(server.requests.length - before, place.requests);
  assertEquals(await readOutput(output), undisturbed);
  const { peakMemoryBytes, phasesMs, ...told } = JSON.parse(await Deno.readTextFile(summary));
  assert(peakMemoryBytes > 20e6, `${peakMemoryBytes}`);
  assertEquals(Object.keys(phasesMs), ["references", "messages", "output"]);
  const sent = server.requests.slice(before).reduce((sum, { bytesSent }) => sum + bytesSent, 0);
  assertEquals(told, {
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
    fetched: {
      requests: place.requests,
      requestsByHost: { aws: place.requests },
      retries: 0,
      secondRequests: 0,
      bytes: sent,
    },
    messages: {
      wanted: MESSAGES,
      decoded: MESSAGES,
      used: MESSAGES,
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
