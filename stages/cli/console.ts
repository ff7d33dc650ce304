/**
 * This process for a command: its terminal, its signals, its environment and its exit code.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import { parse } from "jsr:@std/dotenv@^0.225.0/parse";
import type { EngineVariable } from "../../lib/checkpoint/array_task.ts";
import type { Command } from "../../lib/cli/command.ts";
import { EXIT, InterruptedError, UsageError } from "../../lib/errors.ts";
import { runCommand } from "../../lib/cli/run_command.ts";
import { findPermissions } from "../../lib/cli/task_permissions.ts";
import type { TextSink } from "../../lib/cli/text_report.ts";

const encoder = new TextEncoder();
const print = (text: string) => writeAll(Deno.stdout, text);
const sink: TextSink = {
  write: (text) => writeAll(Deno.stderr, text),
  columns: () => Deno.stderr.isTerminal() ? findColumns() : undefined,
};

/** Writes in a loop: a pipe may accept only a part of a long text at once. */
function writeAll(stream: typeof Deno.stdout, text: string): void {
  for (let rest = encoder.encode(text); rest.length > 0;) {
    rest = rest.subarray(stream.writeSync(rest));
  }
}

/** Columns of the terminal; 80 where they are unknown. */
function findColumns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}

/** Handles SIGINT and SIGTERM. */
let respond: (signal: Deno.Signal) => void;

/**
 * Runs a command on the arguments of this process, and ends the process with its exit code. A signal
 * ends it with 130 at once, unless the command listens for signals itself.
 */
export async function exitWith<Options>(command: Command<Options>): Promise<never> {
  const { signal } = listenForSignals("run the same command again");
  // Windows has no SIGTERM.
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const name of signals) Deno.addSignalListener(name, () => respond(name));
  const permissions = findPermissions(command.name);
  const explainRefusal = async (message: string) => {
    // Tasks run in the folder of the project, where `deno.json` has their sets.
    const isTask = import.meta.url === pathToFileURL(`${Deno.cwd()}/stages/cli/console.ts`).href;
    // Loaded only where something was refused.
    if (!isTask || !/(?:Deno refuses|Requires) \w+ access/.test(message)) return undefined;
    const { explainRefusal } = await import("../../lib/cli/allow_more.ts");
    return explainRefusal({
      command,
      args: Deno.args,
      message,
      permissions,
      isGranted: (host) => Deno.permissions.querySync({ name: "net", host }).state === "granted",
      folder: Deno.cwd(),
      servers: seesEndpoint() ? [readEnvironment("AWS_ENDPOINT_URL_S3") ?? ""] : [],
    });
  };
  const console = { sink, print, permissions, signal, explainRefusal };
  Deno.exit(await runCommand(command, Deno.args, console));
}

/** Commands that reach no server may not look for one. */
function seesEndpoint(): boolean {
  const variable = "AWS_ENDPOINT_URL_S3";
  return Deno.permissions.querySync({ name: "env", variable }).state === "granted";
}

/** A signal that aborts when this process is asked to end; disposal ends the listening. */
export interface Interruption extends Disposable {
  signal: AbortSignal;
}

/**
 * Listens for SIGINT and SIGTERM, instead of the listener before until it is disposed of. The first
 * one aborts the signal with an {@linkcode InterruptedError}; the next one ends the process.
 *
 * @param remedy what the message advises.
 */
export function listenForSignals(remedy = "run the same command to resume"): Interruption {
  const controller = new AbortController();
  const before = respond;
  respond = (signal) => {
    respond = () => Deno.exit(EXIT.interrupted);
    controller.abort(new InterruptedError(`stopped by ${signal}, ${remedy}`));
  };
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      respond = before;
    },
  };
}

/** The variables that commands read; the permission sets allow no others. */
export type EnvironmentName =
  | EngineVariable
  | "AWS_ACCESS_KEY_ID"
  | "AWS_ENDPOINT_URL_S3"
  | "AWS_REGION"
  | "AWS_SECRET_ACCESS_KEY"
  | "AWS_SESSION_TOKEN"
  | "COILED_API_TOKEN"
  | "COILED_REGION"
  | "COILED_SERVER"
  | "COILED_WORKSPACE"
  | "GCS_BUCKET"
  | "GCS_PARQUET_PREFIX"
  | "GCS_SERVICE_ACCOUNT_FILE"
  | "SOURCE_DATE_EPOCH"
  | "STORAGE_EMULATOR_HOST";

/** A variable of the environment, else of the file `.env` in the working folder. */
export function readEnvironment(name: EnvironmentName): string | undefined {
  return Deno.env.get(name) || parse(readTextFile(".env"))[name] || undefined;
}

/** Where a secret was found. */
export interface Secret {
  text: string;
  /** `.env` is open to every command. */
  isExposed: boolean;
}

/**
 * A secret from the environment, else from its file in `keys/`, which only the permission set of its
 * user opens, else from `.env`.
 */
export function readSecret(name: EnvironmentName, keyFile: string): Secret | undefined {
  const text = Deno.env.get(name) || readKey(keyFile);
  if (text) return { text, isExposed: false };
  const exposed = readEnvironment(name);
  return exposed === undefined ? undefined : { text: exposed, isExposed: true };
}

/** Permissions that keep `keys/` closed leave the other places of a secret. */
function readKey(path: string): string {
  try {
    return readTextFile(path).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return "";
    throw error;
  }
}

/**
 * The text of a file without a byte order mark; empty where there is none.
 *
 * @throws {UsageError} for a folder, as containers make of a file that is not there.
 */
function readTextFile(path: string): string {
  try {
    return Deno.readTextFileSync(path).replace(/^\uFEFF/, "");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    if (error instanceof Deno.errors.IsADirectory) {
      throw new UsageError(
        `Cannot read "${path}": it is a folder; remove it, or put a file in its place`,
      );
    }
    throw error;
  }
}
