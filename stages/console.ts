/**
 * The edge between commands and this process: its terminal, its environment, its exit code.
 *
 * @module
 */
import { parse } from "jsr:@std/dotenv@^0.225.0/parse";
import type { EngineVariable } from "../lib/array_task.ts";
import type { Command } from "../lib/cli/command.ts";
import { InterruptedError } from "../lib/cli/errors.ts";
import type { TextSink } from "../lib/cli/report.ts";
import { runCommand } from "../lib/cli/run.ts";

const encoder = new TextEncoder();

const stderr: TextSink = {
  write: (text) => void Deno.stderr.writeSync(encoder.encode(text)),
  isTerminal: Deno.stderr.isTerminal(),
};

/** Runs a command on this process's arguments and ends the process with its exit code. */
export async function exitWith<Options>(command: Command<Options>): Promise<never> {
  const print = (text: string) => void Deno.stdout.writeSync(encoder.encode(text));
  Deno.exit(await runCommand(command, Deno.args, stderr, print));
}

/** A signal that aborts when this process is asked to end; disposed of, it listens no more. */
export interface Interruption extends Disposable {
  signal: AbortSignal;
}

/**
 * Listens for SIGINT and SIGTERM. The first one aborts the signal with an
 * {@linkcode InterruptedError}; the next one ends the process, as it would have without this.
 */
export function listenForSignals(): Interruption {
  const controller = new AbortController();
  // Windows has no SIGTERM.
  const names: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  const listeners = names.map((name) => {
    const listener = () => {
      stopListening();
      controller.abort(new InterruptedError(`stopped by ${name}, run the same command to go on`));
    };
    return { name, listener };
  });
  const stopListening = () => {
    for (const { name, listener } of listeners) Deno.removeSignalListener(name, listener);
  };
  for (const { name, listener } of listeners) Deno.addSignalListener(name, listener);
  return { signal: controller.signal, [Symbol.dispose]: stopListening };
}

/** Variables that the stages look up, and nothing else: the permission sets allow just these. */
export type EnvironmentName =
  | EngineVariable
  | "AWS_ENDPOINT_URL_S3"
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
  return Deno.env.get(name) || readDotEnv()[name] || undefined;
}

function readDotEnv(): Record<string, string> {
  try {
    return parse(Deno.readTextFileSync(".env"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}
