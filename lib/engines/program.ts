/**
 * Runs programs of this machine, and writes commands as lines of a shell.
 *
 * @module
 */
import { EngineError } from "./array_engine.ts";

/** Input of a program besides its arguments. */
export interface ProgramInput {
  /** Text for its standard input. @default {""} */
  input?: string;
  /** Variables beside those of this process. @default {{}} */
  environment?: Readonly<Record<string, string>>;
  /** Values that errors must not show, even if the program printed them. @default {[]} */
  secrets?: readonly string[];
}

/**
 * Runs a program to its end.
 *
 * @returns its standard output.
 * @throws {EngineError} when it is missing, or fails: with the last lines of its standard error.
 */
export async function runProgram(
  name: string,
  args: readonly string[],
  { input = "", environment = {}, secrets = [] }: ProgramInput = {},
): Promise<string> {
  const command = new Deno.Command(name, {
    args: [...args],
    env: { ...environment },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
  await using process = spawn(command, name);
  const [{ code, stdout, stderr }] = await Promise.all([process.output(), feed(process, input)]);
  const decoder = new TextDecoder();
  if (code === 0) return decoder.decode(stdout);
  const reason = hide(lastLines(decoder.decode(stderr)), secrets);
  throw new EngineError(`Cannot run ${name} ${args.join(" ")}: it ended with ${code}, ${reason}`);
}

/** Whether a program is on the path. Runs it with `--version`, which Deno must allow. */
export async function hasProgram(name: string): Promise<boolean> {
  try {
    await new Deno.Command(name, { args: ["--version"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function spawn(command: Deno.Command, name: string): Deno.ChildProcess {
  try {
    return command.spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new EngineError(`Cannot run ${name}: it is not on the path; install it`);
  }
}

/** Writes the input. A program that stops reading reports the reason by itself. */
async function feed(process: Deno.ChildProcess, input: string): Promise<void> {
  try {
    await new Blob([input]).stream().pipeTo(process.stdin);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

const MAX_LINES = 5;

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-MAX_LINES).join("\n") || "without a message";
}

function hide(text: string, secrets: readonly string[]): string {
  return secrets.filter((secret) => secret !== "")
    .reduce((hidden, secret) => hidden.replaceAll(secret, "…"), text);
}

/** A command as a line of a POSIX shell. */
export function formatCommand(command: readonly string[]): string {
  return command.map(quote).join(" ");
}

/** A word of a POSIX shell, in quotes where it needs them. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
