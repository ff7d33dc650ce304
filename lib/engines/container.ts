/**
 * The container of a job, which Kubernetes and Cloud Run describe alike.
 *
 * @module
 */
import { stringify } from "npm:yaml@2.9.1";
import { toMebibytes } from "../util/numbers.ts";
import { type ArrayJob, type JobPart, MERGE, mergeCommand, taskCommand } from "./array_engine.ts";

/** A container in `v1` of both Kubernetes and Cloud Run. */
export interface Container {
  name: string;
  image: string;
  /** Replaces the entry point of the image. */
  command: string[];
  args: string[];
  env: { name: string; value: string }[];
  resources: { limits: { cpu: string; memory: string } };
}

/** The container of the tasks, which differ only by the variables of the engine, or of the merge. */
export function describeContainer(job: ArrayJob, part: JobPart): Container {
  const [program, ...args] = part === MERGE ? mergeCommand(job) : taskCommand(job);
  return {
    name: "stream",
    image: job.image,
    command: [program!],
    args,
    env: Object.entries(job.environment).map(([name, value]) => ({ name, value })),
    resources: { limits: { cpu: String(job.cpus), memory: `${toMebibytes(job.memoryBytes)}Mi` } },
  };
}

/** The engine's name of a part of a job. */
export function nameJobPart(job: ArrayJob, part: JobPart): string {
  return part === MERGE ? `${job.name}-${MERGE}` : job.name;
}

/** The job for a file or a screen: with `<NAME>` for the values of variables, which may be secret. */
export function withoutValues(job: ArrayJob): ArrayJob {
  const names = Object.keys(job.environment);
  return { ...job, environment: Object.fromEntries(names.map((name) => [name, `<${name}>`])) };
}

/** A manifest as YAML: one line a value, no aliases. */
export function formatManifest(manifest: object): string {
  return stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false });
}
