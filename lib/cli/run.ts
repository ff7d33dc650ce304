/**
 * Runs a command from its command line to its exit code.
 *
 * @module
 */
import { RunError } from "../ecmwf/run.ts";
import { ForecastError } from "../forecast_file.ts";
import { GribError } from "../grib/mod.ts";
import { IndexError } from "../index.ts";
import { ManifestError } from "../manifest.ts";
import { NetcdfError } from "../netcdf.ts";
import { ParquetError } from "../parquet.ts";
import { StoreError } from "../references.ts";
import { StorageError } from "../storage/mod.ts";
import { TemplateError } from "../template.ts";
import { type Command, formatHelp, parseCommandLine } from "./command.ts";
import { EXIT, InterruptedError, MissingDataError, UsageError } from "./errors.ts";
import { CLEAR_LINE, textReporter, type TextSink } from "./report.ts";

/** Errors whose text says all there is to say; any other keeps its stack. */
const EXPLAINED = [
  ForecastError,
  GribError,
  IndexError,
  ManifestError,
  NetcdfError,
  ParquetError,
  StoreError,
  TemplateError,
];

/**
 * Runs a command. An error that the user can act on is one line.
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
    // The work may have ended under a bar.
    if (sink.isTerminal) sink.write(CLEAR_LINE);
    sink.write(`${command.name}: ${describeError(error)}\n`);
    return exitCode(error);
  }
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const explained = exitCode(error) !== EXIT.failed || EXPLAINED.some((it) => error instanceof it);
  return explained ? error.message : error.stack ?? error.message;
}

/** The exit code that an error means. */
function exitCode(error: unknown): number {
  if (error instanceof UsageError || error instanceof RunError) return EXIT.usage;
  if (error instanceof MissingDataError) return EXIT.missing;
  if (error instanceof InterruptedError) return EXIT.interrupted;
  if (error instanceof StorageError) {
    return error.kind === "missing" ? EXIT.missing : EXIT.unreachable;
  }
  if (error instanceof Deno.errors.NotCapable) return EXIT.unreachable;
  return EXIT.failed;
}
