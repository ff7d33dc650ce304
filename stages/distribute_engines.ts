/**
 * The engines that `distribute` knows, and the options that are theirs.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../lib/cli/command.ts";
import { UsageError } from "../lib/cli/errors.ts";
import { findNearest } from "../lib/cli/nearest.ts";
import { openCloudRun } from "../lib/engines/cloudrun.ts";
import { openCoiled } from "../lib/engines/coiled.ts";
import type { Engine } from "../lib/engines/engine.ts";
import { openKubernetes } from "../lib/engines/kubernetes.ts";
import { KEY_FOLDER } from "../lib/engines/kubernetes_manifest.ts";
import { openSlurm } from "../lib/engines/slurm.ts";
import { readEnvironment } from "./console.ts";
import { optional } from "./options.ts";

/** An engine before it is opened. */
export interface KnownEngine {
  name: string;
  /** Whether its machines have the files of this one. */
  sharesFiles: boolean;
  /** Folders of its own that tasks read. @default {[]} */
  reads?: readonly string[];
  /** @param logFolder absolute path of a folder for an engine that keeps logs here. */
  open(values: OptionValues, logFolder: string): Engine;
}

const ENGINES: readonly KnownEngine[] = [
  {
    name: "slurm",
    sharesFiles: true,
    open: (values, logFolder) =>
      openSlurm({ deno: values.text("deno") ?? Deno.execPath(), logFolder }),
  },
  {
    name: "coiled",
    sharesFiles: false,
    open: (values) =>
      openCoiled({
        token: values.flag("dry-run") ? "" : requireVariable("COILED_API_TOKEN"),
        workspace: values.text("workspace") ?? requireVariable("COILED_WORKSPACE"),
        ...optional("region", values.text("engine-region") ?? readEnvironment("COILED_REGION")),
        ...optional("server", readEnvironment("COILED_SERVER")),
      }),
  },
  {
    name: "kubernetes",
    sharesFiles: false,
    reads: [KEY_FOLDER],
    open: (values) =>
      openKubernetes({
        ...optional("serviceAccount", values.text("service-account")),
        ...optional("secret", values.text("key-secret")),
      }),
  },
  {
    name: "cloudrun",
    sharesFiles: false,
    open: (values) =>
      openCloudRun({
        region: values.required("engine-region"),
        ...optional("serviceAccount", values.text("service-account")),
      }),
  },
];

const NAMES = ENGINES.map(({ name }) => name);

/** Options on what runs the job. */
export const ENGINE_OPTIONS: readonly OptionSpec[] = [
  { name: "engine", value: "<name>", help: `what runs the job: ${NAMES.join(", ")}` },
  {
    name: "engine-region",
    value: "<region>",
    help:
      "where coiled and cloudrun run it, as europe-west1 (coiled: default COILED_REGION, else\n" +
      "that of the workspace); --region is that of the map",
  },
  {
    name: "workspace",
    value: "<name>",
    help: "workspace of coiled (default: COILED_WORKSPACE)",
  },
  {
    name: "service-account",
    value: "<name>",
    help:
      "account of the tasks of kubernetes and cloudrun (default: that of the namespace, project)",
  },
  {
    name: "key-secret",
    value: "<name>",
    help: "secret of kubernetes with the key file of a Google account as key.json",
  },
  {
    name: "image",
    value: "<image>",
    default: "denoland/deno:2.9.6",
    help: "container of the tasks of coiled, kubernetes and cloudrun",
  },
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

function requireVariable(name: "COILED_API_TOKEN" | "COILED_WORKSPACE"): string {
  const value = readEnvironment(name);
  if (value !== undefined) return value;
  throw new UsageError(
    `Cannot use coiled: ${name} is not set, put it into the environment or .env`,
  );
}
