/**
 * `forecast` on the runs that come with the project, without any network.
 *
 * @module
 */
import { runDemo } from "../fixtures/demo_runs.ts";
import type { Command } from "../lib/cli/command.ts";
import { exitWith } from "./cli/console.ts";

const OUTPUT_DIR = "demo_output";

/** The command `demo`. */
export const command: Command<Record<string, never>> = {
  name: "demo",
  purpose:
    "The forecasts of the embedded runs, without any network: NetCDF, the page to look at it, and\n" +
    `a comparison with ecCodes and numpy. Writes to ${OUTPUT_DIR}/.`,
  options: [],
  examples: ["deno task demo", "deno task demo --quiet", "deno task demo --json"],
  parse: () => ({}),
  run: (_, reporter) => runDemo(OUTPUT_DIR, reporter),
};

if (import.meta.main) await exitWith(command);
