/**
 * The scripts for Slurm, and the options of `sbatch`.
 *
 * @module
 */
import { type ArrayJob, type EngineFile, mergeCommand, taskCommand } from "./array_engine.ts";
import { formatCommand, quote } from "./program.ts";
import { countUp, toMebibytes } from "../util/numbers.ts";

/** Paths on a cluster. */
export interface SlurmOptions {
  /** Path of Deno on the nodes. */
  deno: string;
  /** Absolute path of a folder that the nodes and this machine share. */
  logFolder: string;
}

/** Names of the scripts of the tasks and of the merge. */
export const SCRIPTS = { array: "array.sh", merge: "merge.sh" } as const;

/** The scripts of tasks and merge, and one that submits them by hand. */
export function planFiles(job: ArrayJob, options: SlurmOptions): EngineFile[] {
  const array = formatCommand(["sbatch", ...arrayOptions(job, options, countUp(job.tasks))]);
  const merge = formatCommand(["sbatch", ...mergeOptions(job, options)]);
  return [
    {
      name: "submit.sh",
      text:
        `#!/bin/sh -e\nmkdir -p ${quote(options.logFolder)}\narray=$(${array} ${SCRIPTS.array})\n` +
        `${merge} --dependency=afterok:"$array" ${SCRIPTS.merge}\n`,
    },
    { name: SCRIPTS.array, text: formatScript(taskCommand(job, options.deno), options) },
    { name: SCRIPTS.merge, text: formatScript(mergeCommand(job, options.deno), options) },
  ];
}

/** Options of `sbatch` (man 1 sbatch); they override variables such as `SBATCH_OUTPUT`. */
function jobOptions({ name, cpus, memoryBytes }: ArrayJob): string[] {
  return [
    "--parsable",
    `--job-name=${name}`,
    "--nodes=1",
    "--ntasks=1",
    `--cpus-per-task=${cpus}`,
    `--mem=${toMebibytes(memoryBytes)}M`,
    "--requeue",
    "--export=ALL",
    "--open-mode=append",
  ];
}

/** Options of `sbatch` for some tasks of the array. */
export function arrayOptions(
  job: ArrayJob,
  { logFolder }: SlurmOptions,
  tasks: readonly number[],
): string[] {
  const indexes = tasks.length === job.tasks ? `0-${job.tasks - 1}` : tasks.join(",");
  return [...jobOptions(job), `--array=${indexes}`, `--output=${logFolder}/%A_%a.log`];
}

/** Options of `sbatch` for the merge, without its dependency. When tasks fail, it stays queued. */
export function mergeOptions(job: ArrayJob, { logFolder }: SlurmOptions): string[] {
  return [...jobOptions(job), "--kill-on-invalid-dep=no", `--output=${logFolder}/%j.log`];
}

/** Runs a command, and writes its exit code beside its log, as Slurm forgets jobs after minutes. */
function formatScript(command: readonly string[], { logFolder }: SlurmOptions): string {
  return [
    "#!/bin/sh",
    formatCommand(command),
    "code=$?",
    `echo $code > ${quote(logFolder)}/` +
    '"${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}.exit"',
    "exit $code",
    "",
  ].join("\n");
}
