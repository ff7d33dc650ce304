/**
 * Runs a command from its command line to its exit code.
 *
 * @module
 */
import { type Command, parseCommandLine } from "./command.ts";
import { EXIT, exitCodeOf, UserError } from "../errors.ts";
import { formatHelp, type TaskPermissions } from "./help.ts";
import { formatEvent, jsonReporter } from "./json_report.ts";
import { CLEAR_LINE, textReporter, type TextSink } from "./text_report.ts";

/** Where a command tells what it does. */
export interface Console {
  /** For people. */
  sink: TextSink;
  /** Writes to standard output: the help, what a command is to print, and events with `--json`. */
  print(text: string): void;
  /** Under which sets tasks run the command, for its help. @default {[]} (it needs none) */
  permissions?: readonly TaskPermissions[];
  /** Ends the command with its reason, whatever it does. @default {undefined} (nothing does) */
  signal?: AbortSignal;
}

/**
 * Runs a command. An error that the user can act on is one line.
 *
 * @returns the exit code, one of {@linkcode EXIT}.
 */
export async function runCommand<Options>(
  command: Command<Options>,
  args: readonly string[],
  { sink, print, permissions = [], signal }: Console,
): Promise<number> {
  // Whoever reads events gets them also for a command line that cannot be read.
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
    const reporter = isJson ? jsonReporter(print, quiet) : textReporter(sink, quiet);
    const work = command.run(command.parse(values), reporter);
    const { complete, printed } = await Promise.race([work, rejectOnAbort(signal)]);
    if (printed) print(isJson ? formatEvent({ type: "result", ...printed.facts }) : printed.text);
    return end(complete ? EXIT.done : EXIT.incomplete);
  } catch (error) {
    const text = describeError(error);
    if (isJson) print(formatEvent({ type: "error", text }));
    // The work may have ended under a bar.
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

/** The exit code that an error means. */
function findExitCode(error: unknown): number {
  if (error instanceof UserError) return exitCodeOf(error.category);
  return error instanceof Deno.errors.NotCapable ? EXIT.unreachable : EXIT.failed;
}
