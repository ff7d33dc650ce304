/**
 * Runs a command from its command line to its exit code.
 *
 * @module
 */
import { RunError } from "../ecmwf/run.ts";
import { StorageError } from "../storage/mod.ts";
import { type Command, formatHelp, parseCommandLine } from "./command.ts";
import { EXIT, MissingDataError, UsageError } from "./errors.ts";
import { textReporter, type TextSink } from "./report.ts";

/**
 * Runs a command. Errors that the user can act on are one line; others keep their stack.
 *
 * @param sink where lines, bars and errors go.
 * @param print where the help goes.
 * @returns the exit code, one of {@linkcode EXIT}.
 */
export async function runCommand<Options>(
  command: Command<Options>,
  args: readonly string[],
  sink: TextSink,
  print: (text: string) => void,
): Promise<number> {
  try {
    const values = parseCommandLine(command, args);
    if (values.flag("help")) {
      print(formatHelp(command));
      return EXIT.done;
    }
    const reporter = textReporter(sink, values.flag("quiet"));
    const outcome = await command.run(command.parse(values), reporter);
    return outcome.complete ? EXIT.done : EXIT.incomplete;
  } catch (error) {
    const code = exitCode(error);
    const text = error instanceof Error ? error.message : String(error);
    const trace = code === EXIT.failed && error instanceof Error ? `\n${error.stack}` : "";
    sink.write(`${command.name}: ${text}${trace}\n`);
    return code;
  }
}

/** The exit code that an error means. */
export function exitCode(error: unknown): number {
  if (error instanceof UsageError || error instanceof RunError) return EXIT.usage;
  if (error instanceof MissingDataError) return EXIT.missing;
  if (error instanceof StorageError) {
    return error.kind === "missing" ? EXIT.missing : EXIT.unreachable;
  }
  return EXIT.failed;
}
