/**
 * A command and its arguments go in; its reports and, at the end, its exit code come out.
 *
 * @module
 */
import { type Command, parseCommandLine } from "./command.ts";
import { EXIT, exitCodeOf, UserError } from "../errors.ts";
import { formatHelp } from "./help.ts";
import { formatEvent, jsonReporter } from "./json_report.ts";
import { watchSilence } from "./silence_watch.ts";
import type { TaskPermissions } from "./task_permissions.ts";
import { CLEAR_LINE, textReporter, type TextSink } from "./text_report.ts";

/** The process around a command: where it reports, and what ends it. */
export interface Console {
  /** For people. */
  sink: TextSink;
  /** Writes to standard output: the help, what the command prints, and events with `--json`. */
  print(text: string): void;
  /** Permission sets under which tasks run the command, for its help. @default {[]} (it needs none) */
  permissions?: readonly TaskPermissions[];
  /** Ends the command at once, with the reason of the signal as error. @default {undefined} */
  signal?: AbortSignal;
  /** Finds what allows what Deno refused: the message with it. @default {undefined} (the message) */
  explainRefusal?(message: string): Promise<string | undefined>;
}

/**
 * Runs a command. An error that the user can act on is reported in one line, any other with its stack.
 *
 * @returns the exit code, one of {@linkcode EXIT}.
 */
export async function runCommand<Options>(
  command: Command<Options>,
  args: readonly string[],
  { sink, print, permissions = [], signal, explainRefusal }: Console,
): Promise<number> {
  // Looked up before parsing: a program that reads events gets one for a wrong command line, too.
  const isJson = args.includes("--json");
  const end = (exitCode: number) => {
    if (isJson) print(formatEvent({ type: "end", command: command.name, exitCode }));
    return exitCode;
  };
  try {
    const values = parseCommandLine(command, args);
    if (values.flag("help")) {
      print(formatHelp(command, permissions));
      return EXIT.done;
    }
    const quiet = values.flag("quiet");
    const options = command.parse(values);
    using watched = watchSilence((onWrite) => {
      const noting = (write: (text: string) => void) => (text: string) => (onWrite(), write(text));
      return isJson
        ? jsonReporter(noting(print), quiet)
        : textReporter({ ...sink, write: noting(sink.write) }, quiet);
    });
    const work = command.run(options, watched.reporter);
    const { complete, printed } = await Promise.race([work, rejectOnAbort(signal)]);
    if (printed) print(isJson ? formatEvent({ type: "result", ...printed.facts }) : printed.text);
    return end(complete ? EXIT.done : EXIT.incomplete);
  } catch (error) {
    const own = describeError(error);
    const text = await explainRefusal?.(own).catch(() => undefined) ?? own;
    if (isJson) print(formatEvent({ type: "error", text }));
    // The work may have failed below a bar.
    else sink.write(`${sink.columns() === undefined ? "" : CLEAR_LINE}${command.name}: ${text}\n`);
    return end(findExitCode(error));
  }
}

function rejectOnAbort(signal: AbortSignal | undefined): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal!.reason);
  if (signal?.aborted) stop();
  else signal?.addEventListener("abort", stop, { once: true });
  return promise;
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isExplained = error instanceof UserError || error instanceof Deno.errors.NotCapable;
  return isExplained ? error.message : error.stack ?? error.message;
}

function findExitCode(error: unknown): number {
  if (error instanceof UserError) return exitCodeOf(error.category);
  return error instanceof Deno.errors.NotCapable ? EXIT.unreachable : EXIT.failed;
}
