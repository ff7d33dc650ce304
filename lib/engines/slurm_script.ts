/**
 * The scripts for Slurm, and the options of `sbatch`.
 *
 * @module
 */
import { EXIT } from "../errors.ts";
import {
  type ArrayJob,
  type EngineFile,
  type JobPart,
  MERGE,
  mergeCommand,
  taskCommand,
} from "./array_engine.ts";
import { formatCommand, quote } from "./program.ts";
import { toMebibytes } from "../util/numbers.ts";

/** Paths on a cluster. */
export interface SlurmOptions {
  /** Path of Deno on the nodes. */
  deno: string;
  /** Absolute path of a folder that the nodes and this machine share. */
  logFolder: string;
}

/** Names of the scripts of the tasks and of the merge. */
export const SCRIPTS = { array: "array.sh", merge: "merge.sh" } as const;

/** Stands in a log between the attempts of a task or of the merge. */
export const RETRY_LINE = "it failed: a second attempt follows";

/** Exit codes that another attempt does not change; with the last two a signal ended the command. */
const HOPELESS = {
  tasks: [EXIT.usage, EXIT.interrupted, 128 + 15],
  merge: [EXIT.usage, EXIT.missing, EXIT.incomplete, EXIT.interrupted, 128 + 15],
} as const;

/** The scripts of tasks and merge, and one that submits them by hand. */
export function planFiles(job: ArrayJob, options: SlurmOptions): EngineFile[] {
  const array = formatCommand(["sbatch", ...arrayOptions(job, options)]);
  // The shell puts the number of the array in the place of its variable.
  const merge = formatCommand(["sbatch", ...mergeOptions(job, options, "")]);
  const script = (command: string[], part: JobPart) =>
    formatScript(command, HOPELESS[part], options);
  return [
    {
      name: "submit.sh",
      text:
        `#!/bin/sh -e\nmkdir -p ${quote(options.logFolder)}\narray=$(${array} ${SCRIPTS.array})\n` +
        `${merge}"$array" ${SCRIPTS.merge}\n`,
    },
    { name: SCRIPTS.array, text: script(taskCommand(job, options.deno), "tasks") },
    { name: SCRIPTS.merge, text: script(mergeCommand(job, options.deno), MERGE) },
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

/** Options of `sbatch` for the array. */
export function arrayOptions(job: ArrayJob, { logFolder }: SlurmOptions): string[] {
  return [...jobOptions(job), `--array=0-${job.tasks - 1}`, `--output=${logFolder}/%A_%a.log`];
}

/**
 * Options of `sbatch` for the merge, which starts when every task is over, however it ended: it writes
 * what is there and says what lacks. With `afterok` it would wait for ever once a task had failed.
 */
export function mergeOptions(job: ArrayJob, { logFolder }: SlurmOptions, array: string): string[] {
  return [...jobOptions(job), `--output=${logFolder}/%j.log`, `--dependency=afterany:${array}`];
}

/**
 * Runs a command, once more if it fails, and writes its exit code beside its log, as Slurm forgets jobs
 * after minutes. Slurm has no retries of its own but for lost nodes.
 */
function formatScript(
  command: readonly string[],
  hopeless: readonly number[],
  { logFolder }: SlurmOptions,
): string {
  return [
    "#!/bin/sh",
    "attempt() {",
    formatCommand(command),
    "}",
    "attempt",
    "code=$?",
    "case $code in",
    `  ${[EXIT.done, ...hopeless].join("|")}) ;;`,
    `  *) echo ${quote(RETRY_LINE)}`,
    "     attempt",
    "     code=$? ;;",
    "esac",
    `echo $code > ${quote(logFolder)}/` +
    '"${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}.exit"',
    "exit $code",
    "",
  ].join("\n");
}
