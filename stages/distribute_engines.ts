/**
 * The engines that `distribute` knows, and the options that are theirs.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../lib/cli/command.ts";
import { UsageError } from "../lib/cli/errors.ts";
import { findNearest } from "../lib/cli/nearest.ts";
import type { Engine } from "../lib/engines/engine.ts";
import { openSlurm } from "../lib/engines/slurm.ts";

/** What opening an engine takes. */
interface EngineRequest {
  values: OptionValues;
  /** Absolute path of a folder for logs, for an engine that keeps them here. */
  logFolder: string;
}

/** An engine before it is opened. */
export interface KnownEngine {
  name: string;
  /** Whether its machines have the files of this one. */
  sharesFiles: boolean;
  open(request: EngineRequest): Engine;
}

const ENGINES: readonly KnownEngine[] = [
  {
    name: "slurm",
    sharesFiles: true,
    open: ({ values, logFolder }) =>
      openSlurm({ deno: values.text("deno") ?? Deno.execPath(), logFolder }),
  },
];

const NAMES = ENGINES.map(({ name }) => name);

/** Options on where the job runs. */
export const ENGINE_OPTIONS: readonly OptionSpec[] = [
  { name: "engine", value: "<name>", help: `what runs the job: ${NAMES.join(", ")}` },
  {
    name: "deno",
    value: "<path>",
    help: "Deno on the nodes of slurm (default: the one that runs this)",
  },
];

/**
 * The engine of `--engine`.
 *
 * @throws {UsageError} for none, and for a name that is not known.
 */
export function findEngine(values: OptionValues): KnownEngine {
  const name = values.required("engine");
  const engine = ENGINES.find((engine) => engine.name === name);
  if (engine) return engine;
  const nearest = findNearest(name, NAMES);
  const hint = nearest ? `did you mean ${nearest}? ` : "";
  throw new UsageError(
    `Cannot use engine "${name}": it is not known; ${hint}Use ${NAMES.join(", ")}`,
  );
}
