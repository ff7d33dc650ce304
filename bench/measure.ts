/**
 * Runs the project's commands as their users do, and measures time, memory and requests. The S3
 * server is a separate process, as the real one is. Linux only: memory is read from `/proc`.
 *
 * @module
 */
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
  /** Largest resident set of the process, all its threads included. */
  peakRssBytes: number;
}

const POLL_MS = 20;

/**
 * Runs a module of the project and waits for its end.
 *
 * @param path module, from the root of the checkout.
 * @throws {Error} with its whole output if it does not exit with 0.
 */
export async function runModule(path: string, args: readonly string[]): Promise<Cost> {
  const start = performance.now();
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--frozen", ROOT + path, ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let peakRssBytes = 0;
  const timer = setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, readPeakRss(process.pid));
  }, POLL_MS);
  const { code, stdout, stderr } = await process.output();
  const wallSeconds = (performance.now() - start) / 1000;
  clearInterval(timer);
  if (code !== 0) {
    const printed = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
    throw new Error(`${path} ${args.join(" ")} ended with exit code ${code}:\n${printed}`);
  }
  return { wallSeconds, peakRssBytes };
}

/** High-water mark of a process; 0 after its end. */
function readPeakRss(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** The local S3 server in a process of its own. */
export class ServerProcess implements AsyncDisposable {
  private constructor(
    private readonly process: Deno.ChildProcess,
    private readonly output: ReadableStreamDefaultReader<string>,
    /** Endpoint, without a slash at the end. */
    readonly url: string,
  ) {}

  /**
   * @param folder content of the bucket.
   * @param flags further flags of the server's command.
   */
  static async start(folder: string, flags: readonly string[] = []): Promise<ServerProcess> {
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--frozen",
        `${ROOT}fixtures/s3_server.ts`,
        "--bucket",
        `${BUCKET}=${folder}`,
        ...flags,
      ],
      stdout: "piped",
    }).spawn();
    const output = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value: greeting = "" } = await output.read();
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

/** Runs a module against a server that serves a folder, and counts its requests. */
export async function runAgainstServer(
  folder: string,
  path: string,
  args: readonly string[],
  serverFlags: readonly string[] = [],
): Promise<Cost & { counters: S3Counters }> {
  await using server = await ServerProcess.start(folder, serverFlags);
  const cost = await runModule(path, [...args, "--endpoint", server.url]);
  return { ...cost, counters: await server.stop() };
}

/** Prints rows of name and value. */
export function printTable(rows: readonly [string, string][]): void {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  for (const [name, value] of rows) console.log(name.padEnd(width) + value);
}
