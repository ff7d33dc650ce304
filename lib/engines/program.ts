import { EngineError } from "./array_engine.ts";

/** What a program is given besides its arguments. */
export interface ProgramInput {
  /** Text for its standard input. @default {""} */
  input?: string;
  /** Variables beside those of this process. @default {{}} */
  environment?: Readonly<Record<string, string>>;
  /** Values that an error must not repeat, whatever the program printed. @default {[]} */
  secrets?: readonly string[];
}

/**
 * Runs a program to its end.
 *
 * @returns what it printed.
 * @throws {EngineError} when it is not there or fails, with the end of what it said.
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
  const said = hide(lastLines(decoder.decode(stderr)), secrets);
  throw new EngineError(`Cannot run ${name} ${args.join(" ")}: it ended with ${code}, ${said}`);
}

/** Whether a program can be started; Deno must allow it. */
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
    throw new EngineError(`Cannot run ${name}: it is not on the path, install it`);
  }
}

/** Writes the input; a program that does not read all of it tells of its trouble by itself. */
async function feed(process: Deno.ChildProcess, input: string): Promise<void> {
  try {
    await new Blob([input]).stream().pipeTo(process.stdin);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

const MOST_LINES = 5;

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-MOST_LINES).join("\n") || "without a word";
}

function hide(text: string, secrets: readonly string[]): string {
  return secrets.filter((secret) => secret !== "")
    .reduce((hidden, secret) => hidden.replaceAll(secret, "…"), text);
}
