/**
 * What engines of containers have in common: one template, from an array job to a container.
 *
 * @module
 */
import { stringify } from "npm:yaml@2.9.1";
import { type ArrayJob, MERGE, mergeCommand, taskCommand, type TaskId } from "./array_engine.ts";

/** A container as Kubernetes' `v1` and Cloud Run's `v1` both write it. */
export interface Container {
  name: string;
  image: string;
  /** In place of the entry point of the image. */
  command: string[];
  args: string[];
  env: { name: string; value: string }[];
  resources: { limits: { cpu: string; memory: string } };
}

/** The container of the tasks, who are told apart by the engine's variables, or that of the merge. */
export function describeContainer(job: ArrayJob, part: "tasks" | typeof MERGE): Container {
  const [program, ...args] = part === MERGE ? mergeCommand(job) : taskCommand(job);
  return {
    name: "stream",
    image: job.image,
    command: [program!],
    args,
    env: Object.entries(job.environment).map(([name, value]) => ({ name, value })),
    resources: { limits: { cpu: String(job.cpus), memory: formatMebibytes(job.memoryBytes) } },
  };
}

/** The name of the engine's job that has a task, or the merge. */
export function jobNameOf(job: ArrayJob, task: TaskId): string {
  return task === MERGE ? `${job.name}-${MERGE}` : job.name;
}

/** The job for a file or a screen: the values of its variables, which may be secret, are left out. */
export function withoutValues(job: ArrayJob): ArrayJob {
  const names = Object.keys(job.environment);
  return { ...job, environment: Object.fromEntries(names.map((name) => [name, `<${name}>`])) };
}

/** A manifest as people read it: one line a value, and nothing that refers to another place. */
export function formatManifest(manifest: object): string {
  return stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false });
}

function formatMebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)}Mi`;
}
