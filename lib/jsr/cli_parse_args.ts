/**
 * `jsr:@std/cli/parse-args` from npm, typed as std types it for the calls that this project makes: the
 * names of options are no literals, so that std knows nothing of their values.
 *
 * @module
 */
import * as std from "npm:deno-std@1.4.0/cli/parse_args.js";

/** What std's `Args` comes to when no name is known. */
type Args<Value> = Record<string, Value> & { _: (string | number)[] };

interface StringOptions {
  string: readonly string[];
}

interface ParseOptions extends StringOptions {
  boolean: readonly string[];
  alias?: Record<string, string | readonly string[]>;
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

interface ParseArgs {
  /** A value is a string and a boolean at once for std's types, which leaves `undefined`. */
  (args: string[], options: ParseOptions): Args<undefined>;
  (args: string[], options: StringOptions): Args<string | undefined>;
}

export const parseArgs: ParseArgs = std.parseArgs;
