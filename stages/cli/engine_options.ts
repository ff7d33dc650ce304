/**
 * The engines of `distribute`, and the options of each.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import type { Engine } from "../../lib/engines/array_engine.ts";
import { UsageError } from "../../lib/errors.ts";
import { suggestNearest } from "../../lib/util/text.ts";
import { type EnvironmentName, readEnvironment, readSecret } from "./console.ts";

/** What an engine is opened with. */
interface EngineRequest {
  values: OptionValues;
  /** Absolute path of the folder of logs, for an engine that writes them on this machine. */
  logFolder: string;
  /** Ends requests of the engine. */
  signal: AbortSignal;
  /** Takes a line that the user should not miss. */
  warn(line: string): void;
}

/** An engine before it is opened. */
export interface KnownEngine {
  name: string;
  /** Whether its machines see the files of this one. */
  sharesFiles: boolean;
  /** Names of the options that only some engines have. */
  options: readonly string[];
  open(request: EngineRequest): Promise<Engine>;
}

const ENGINES: readonly KnownEngine[] = [
  {
    name: "slurm",
    sharesFiles: true,
    options: ["deno"],
    async open({ values, logFolder }) {
      const { openSlurm } = await import("../../lib/engines/slurm.ts");
      return openSlurm({ deno: values.text("deno") ?? Deno.execPath(), logFolder });
    },
  },
  {
    name: "coiled",
    sharesFiles: false,
    options: ["workspace", "engine-region"],
    async open({ values, signal, warn }) {
      const { openCoiled } = await import("../../lib/engines/coiled.ts");
      return openCoiled({
        // A dry run submits nothing, and needs no token.
        token: values.flag("dry-run") ? "" : readCoiledToken(warn),
        workspace: requireSetting(
          "a workspace",
          values.text("workspace") ?? readEnvironment("COILED_WORKSPACE"),
          "give --workspace, or set COILED_WORKSPACE",
        ),
        region: values.text("engine-region") ?? readEnvironment("COILED_REGION"),
        server: readEnvironment("COILED_SERVER"),
        signal,
      });
    },
  },
  {
    name: "kubernetes",
    sharesFiles: false,
    options: ["service-account", "gcs-secret"],
    async open({ values }) {
      const { openKubernetes } = await import("../../lib/engines/kubernetes.ts");
      return openKubernetes({
        serviceAccount: values.text("service-account"),
        secret: values.text("gcs-secret"),
      });
    },
  },
  {
    name: "cloudrun",
    sharesFiles: false,
    options: ["engine-region", "service-account"],
    async open({ values }) {
      const { openCloudRun } = await import("../../lib/engines/cloudrun.ts");
      return openCloudRun({
        region: requireSetting(
          "a region",
          values.text("engine-region"),
          "give --engine-region europe-west1, or another",
        ),
        serviceAccount: values.text("service-account"),
      });
    },
  },
];

/** What decides whether tasks need a variable. */
interface TaskSettings {
  /** The server of the command line. @default {undefined} (none was given) */
  endpoint: string | undefined;
  /** Where tasks find the references of their run. @default {undefined} (they are told) */
  publishedRoot?: string;
}

/** Whether tasks find their references by the run, in a folder of a bucket. */
const findsStores = ({ publishedRoot }: TaskSettings) => publishedRoot !== undefined;

/** Variables that tasks on other machines get as they are here, when they need them; none is secret. */
const SHARED_VARIABLES: readonly {
  name: EnvironmentName;
  isNeeded(settings: TaskSettings): boolean;
}[] = [
  { name: "AWS_ENDPOINT_URL_S3", isNeeded: ({ endpoint }) => endpoint === undefined },
  { name: "GCS_BUCKET", isNeeded: findsStores },
  { name: "GCS_PARQUET_PREFIX", isNeeded: findsStores },
  { name: "SOURCE_DATE_EPOCH", isNeeded: () => true },
];

/** The variables for the tasks; an engine that shares files passes all of them on by itself. */
export function readTaskEnvironment(
  { sharesFiles }: KnownEngine,
  settings: TaskSettings,
): Record<string, string> {
  if (sharesFiles) return {};
  const needed = SHARED_VARIABLES.filter(({ isNeeded }) => isNeeded(settings));
  return Object.fromEntries(needed.flatMap(({ name }) => {
    const value = readEnvironment(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

const COILED_TOKEN = "keys/coiled_token";

function readCoiledToken(warn: (line: string) => void): string {
  const token = readSecret("COILED_API_TOKEN", COILED_TOKEN);
  if (token?.isExposed) {
    warn(`COILED_API_TOKEN is in .env, which every command may read: move it to ${COILED_TOKEN}`);
  }
  return requireSetting(
    "a token",
    token?.text,
    `put it into the file ${COILED_TOKEN}, or set COILED_API_TOKEN`,
  );
}

function requireSetting(what: string, value: string | undefined, remedy: string): string {
  if (value !== undefined) return value;
  throw new UsageError(`Cannot use the engine without ${what}: ${remedy}`);
}

const NAMES = ENGINES.map(({ name }) => name);

/** Options on the engine. */
export const ENGINE_OPTIONS: readonly OptionSpec[] = [
  { name: "engine", value: "<name>", help: `what runs the job: ${NAMES.join(", ")}` },
  {
    name: "deno",
    value: "<path>",
    help: "path of Deno on the nodes of slurm (default: that of this process)",
  },
  { name: "workspace", value: "<name>", help: "workspace of coiled (default: COILED_WORKSPACE)" },
  {
    name: "engine-region",
    value: "<name>",
    help:
      "region of the machines of cloudrun or coiled (default: COILED_REGION, else the workspace's)\n" +
      "(--region is that of the map)",
  },
  {
    name: "service-account",
    value: "<name>",
    help: "service account of the tasks: a name on kubernetes, an e-mail address on cloudrun",
  },
  {
    name: "gcs-secret",
    value: "<name>",
    help: "secret of kubernetes that holds the key file of a Google service account as key.json",
  },
];

/**
 * The engine of `--engine`.
 *
 * @throws {UsageError} for none, for a name that is not known, and for options of other engines.
 */
export function findEngine(values: OptionValues): KnownEngine {
  const name = values.required("engine");
  const engine = ENGINES.find((engine) => engine.name === name);
  if (engine) {
    const stray = ENGINE_OPTIONS.find((option) =>
      option.name !== "engine" && !engine.options.includes(option.name) &&
      values.text(option.name) !== undefined
    );
    if (!stray) return engine;
    throw new UsageError(`Cannot use --${stray.name} with ${name}: leave it out`);
  }
  throw new UsageError(
    `Cannot use engine "${name}": the known ones are ${NAMES.join(", ")}` +
      suggestNearest(name, NAMES),
  );
}
