/**
 * Runs a command from its command line to its exit code.
 *
 * @module
 */
import { RunError } from "../ecmwf/run.ts";
import { EngineError } from "../engines/array_engine.ts";
import { JobError } from "../engines/follow_job.ts";
import { ForecastError } from "../output/forecast_file.ts";
import { GribError } from "../grib/mod.ts";
import { IndexError } from "../index/entries.ts";
import { ManifestError } from "../references/manifest.ts";
import { NetcdfError } from "../netcdf/encode_netcdf.ts";
import { ParquetError } from "../references/store_parquet.ts";
import { StoreError } from "../references/store.ts";
import { StorageError } from "../storage/mod.ts";
import { TemplateError } from "../template/template_archive.ts";
import { type Command, parseCommandLine } from "./command.ts";
import {
  EXIT,
  IncompleteError,
  InterruptedError,
  MissingDataError,
  UsageError,
} from "../errors.ts";
import { formatHelp, type TaskPermissions } from "./help.ts";
import { formatEvent, jsonReporter } from "./json_report.ts";
import { CLEAR_LINE, textReporter, type TextSink } from "./text_report.ts";

/** Errors whose text says all there is to say; any other keeps its stack. */
const EXPLAINED = [
  ForecastError,
  GribError,
  IndexError,
  JobError,
  ManifestError,
  NetcdfError,
  ParquetError,
  StoreError,
  TemplateError,
];

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
    return end(exitCode(error));
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
  const explained = exitCode(error) !== EXIT.failed || EXPLAINED.some((it) => error instanceof it);
  return explained ? error.message : error.stack ?? error.message;
}

/** The exit code that an error means. */
function exitCode(error: unknown): number {
  if (error instanceof UsageError || error instanceof RunError) return EXIT.usage;
  if (error instanceof MissingDataError) return EXIT.missing;
  if (error instanceof IncompleteError) return EXIT.incomplete;
  if (error instanceof InterruptedError) return EXIT.interrupted;
  if (error instanceof StorageError) {
    return error.kind === "missing" ? EXIT.missing : EXIT.unreachable;
  }
  if (error instanceof JobError) return error.exitCode;
  if (error instanceof EngineError || error instanceof Deno.errors.NotCapable) {
    return EXIT.unreachable;
  }
  return EXIT.failed;
}
