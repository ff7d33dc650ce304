/**
 * Runs the project's commands as their users do, and measures time, memory and requests. The S3
 * server is a separate process, as the real one is. Linux only: memory is read from `/proc`.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };
import type { S3Counters } from "../fixtures/s3_server.ts";
import { sendSignal } from "../fixtures/send_signal.ts";
import { BUCKET } from "../lib/ecmwf/files.ts";

/** The checkout, with a slash at the end. */
export const ROOT = decodeURIComponent(new URL("../", import.meta.url).pathname);

/** Whether a benchmark does what it can assert in a minute, of fewer steps. */
export const IS_SHORT = Deno.args.includes("--short");

/** Time and memory of a command. */
export interface Cost {
  wallSeconds: number;
  /** Processor time of all its threads. */
  cpuSeconds: number;
  /** Largest resident set of the process, all its threads included. */
  peakRssBytes: number;
}

const POLL_MS = 20;
/** Of the kernel's clock, the same on all machines of today. */
const TICKS_PER_SECOND = 100;

/**
 * Runs a module of the project and waits for its end.
 *
 * @param path module, from the root of the checkout.
 * @param accepted exit codes. @default {[0]}
 * @throws {Error} with its whole output if it exits with another one.
 */
export async function runModule(
  path: string,
  args: readonly string[],
  accepted: readonly number[] = [0],
): Promise<Cost> {
  const start = performance.now();
  const process = new Deno.Command(Deno.execPath(), {
    args: [...denoRun(path), ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let peakRssBytes = 0;
  let cpuSeconds = 0;
  const timer = setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, readPeakRss(process.pid));
    cpuSeconds = Math.max(cpuSeconds, readCpuSeconds(process.pid));
  }, POLL_MS);
  const { code, stdout, stderr } = await process.output();
  const wallSeconds = (performance.now() - start) / 1000;
  clearInterval(timer);
  if (!accepted.includes(code)) {
    const printed = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
    throw new Error(`${path} ${args.join(" ")} ended with exit code ${code}:\n${printed}`);
  }
  return { wallSeconds, cpuSeconds, peakRssBytes };
}

/** How a module of the project is run: with the flag of V8 that its task has, and all permissions. */
export function denoRun(path: string): string[] {
  const task = Object.values(config.tasks).find(({ command }) => command.endsWith(path));
  const flags = task?.command.split(" ").filter((word) => word.startsWith("--v8-flags")) ?? [];
  return ["run", "-A", "--frozen", ...flags, ROOT + path];
}

/** High-water mark of a process; 0 after its end. */
function readPeakRss(pid: number): number {
  const status = readProcess(pid, "status");
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Processor time of a process in user and kernel mode (`man 5 proc_pid_stat`); 0 after its end. */
function readCpuSeconds(pid: number): number {
  // The name of the program, in brackets, may have spaces.
  const [, user = 0, kernel = 0] = /\) (?:\S+ ){11}(\d+) (\d+) /.exec(readProcess(pid, "stat")) ??
    [];
  return (Number(user) + Number(kernel)) / TICKS_PER_SECOND;
}

/** A file of a process; nothing after its end. */
function readProcess(pid: number, name: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${name}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || /ESRCH/.test(`${error}`)) return "";
    throw error;
  }
}

/**
 * What a server has in the bucket: a folder laid out like it, or the run whose every step is a copy of
 * the only one in a folder (`fixtures/copied_run.ts`).
 */
export type ServedBucket = string | { copiesOf: string };

/** The local S3 server in a process of its own. */
export class ServerProcess implements AsyncDisposable {
  private constructor(
    private readonly process: Deno.ChildProcess,
    private readonly output: ReadableStreamDefaultReader<string>,
    /** Endpoint, without a slash at the end. */
    readonly url: string,
  ) {}

  /**
   * @param bucket its content.
   * @param flags further flags of the server's command.
   */
  static async start(bucket: ServedBucket, flags: readonly string[] = []): Promise<ServerProcess> {
    const content = typeof bucket === "string"
      ? ["--bucket", `${BUCKET}=${bucket}`]
      : ["--copies", `${BUCKET}=${bucket.copiesOf}`];
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--frozen",
        `${ROOT}fixtures/s3_server.ts`,
        ...content,
        ...flags,
      ],
      stdout: "piped",
    }).spawn();
    const output = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value: greeting } = await output.read();
    if (!greeting) throw new Error(`The server of ${content.join(" ")} ended`);
    return new ServerProcess(process, output, greeting.replace("Listening on ", "").trim());
  }

  /** Ends the server. */
  async stop(): Promise<S3Counters> {
    this.process.kill("SIGINT");
    let text = "";
    for (;;) {
      const { done, value } = await this.output.read();
      if (done) break;
      text += value;
    }
    await this.process.status;
    return JSON.parse(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    sendSignal(this.process, "SIGTERM");
    await this.process.status;
  }
}

/** Runs a module against a server with a bucket, and counts its requests. */
export async function runAgainstServer(
  bucket: ServedBucket,
  path: string,
  args: readonly string[],
  serverFlags: readonly string[] = [],
  accepted?: readonly number[],
): Promise<Cost & { counters: S3Counters }> {
  await using server = await ServerProcess.start(bucket, serverFlags);
  const cost = await runModule(path, [...args, "--endpoint", server.url], accepted);
  return { ...cost, counters: await server.stop() };
}

/** What a benchmark ran on: `2 cores of AMD EPYC, 24 GB, Deno 2.9.6`. */
export function describeMachine(): string {
  const model = /^model name\s*: (.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1];
  const gigabytes = Deno.systemMemoryInfo().total / 1e9;
  return `${navigator.hardwareConcurrency} cores of ${model ?? Deno.build.arch}, ` +
    `${gigabytes.toFixed(0)} GB, Deno ${Deno.version.deno}`;
}

/** Prints rows of name and value. */
export function printTable(rows: readonly [string, string][]): void {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  for (const [name, value] of rows) console.log(name.padEnd(width) + value);
}
