/**
 * `jsr:@std/cli/parse-args` from npm, typed for the options that `lib/cli.ts` sets.
 *
 * @module
 */
import * as std from "npm:deno-std@1.4.0/cli/parse_args.js";

export interface ParseOptions {
  boolean?: readonly string[];
  string?: readonly string[];
  default?: Record<string, unknown>;
  alias?: Record<string, string | string[]>;
  stopEarly?: boolean;
  unknown?: (argument: string, key?: string, value?: unknown) => unknown;
}

export const parseArgs: (
  args: string[],
  options?: ParseOptions,
) => { [key: string]: unknown; _: (string | number)[] } = std.parseArgs;
