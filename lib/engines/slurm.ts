/**
 * The engine of a Slurm cluster: a job array, and a merge that starts when all of it is over. Both come
 * to their end without this process.
 *
 * @module
 */
import {
  type ArrayJob,
  type Engine,
  EngineError,
  type JobStatus,
  LOG_LINES,
  MERGE,
  type Submission,
  type TaskId,
  type TaskStatus,
} from "./array_engine.ts";
import { runProgram } from "./program.ts";
import { countUp } from "../util/numbers.ts";
import { messageOf } from "../util/text.ts";
import {
  ACCOUNTS_FORMAT,
  parseAccounts,
  parseJobExit,
  parseQueue,
  QUEUE_FORMAT,
  type QueueEntry,
} from "./slurm_output.ts";
import {
  arrayOptions,
  mergeOptions,
  planFiles,
  RETRY_LINE,
  SCRIPTS,
  type SlurmOptions,
} from "./slurm_script.ts";

/**
 * Opens Slurm, through its own programs. Partition, account and time limit come from the variables that
 * `sbatch` reads: `SBATCH_PARTITION`, `SBATCH_ACCOUNT`, `SBATCH_TIMELIMIT`.
 *
 * Slurm itself puts a task whose node is lost back into the queue.
 */
export function openSlurm(options: SlurmOptions): Engine {
  return {
    name: "slurm",
    plan: (job) => planFiles(job, options),
    async submit(job) {
      const name = nameUniquely(job);
      const logFolder = `${options.logFolder}/${name}`;
      try {
        return await SlurmSubmission.start({ ...job, name }, { ...options, logFolder });
      } catch (error) {
        // The array may have been submitted, and the merge not.
        await cancelJobs(name).catch((reason) => {
          throw new EngineError(`${messageOf(error)}; ${messageOf(reason)}`, { cause: error });
        });
        throw error;
      }
    },
  };
}

/** A name that finds this job and no other, even when its identifier never arrived here. */
function nameUniquely({ name }: ArrayJob): string {
  return `${name}-${crypto.randomUUID().slice(0, 8)}`;
}

/** Identifiers of the jobs of Slurm. */
interface SlurmJobs {
  array: string;
  merge: string;
}

/** A job that Slurm runs to its end by itself: {@linkcode formatScript} retries, the merge depends. */
class SlurmSubmission implements Submission {
  /** Ends, so that Slurm is not asked again. */
  readonly #ended = new Map<TaskId, TaskStatus>();

  private constructor(
    private readonly job: ArrayJob,
    private readonly options: SlurmOptions,
    private readonly jobs: SlurmJobs,
  ) {}

  get id(): string {
    return this.job.name;
  }

  static async start(job: ArrayJob, options: SlurmOptions): Promise<SlurmSubmission> {
    const { logFolder } = options;
    await Deno.mkdir(logFolder, { recursive: true });
    for (const { name, text } of planFiles(job, options)) {
      await Deno.writeTextFile(`${logFolder}/${name}`, text);
    }
    const submit = (args: readonly string[], script: string) =>
      submitScript([...args, `${logFolder}/${script}`], job);
    const array = await submit(arrayOptions(job, options), SCRIPTS.array);
    const merge = await submit(mergeOptions(job, options, array), SCRIPTS.merge);
    return new SlurmSubmission(job, options, { array, merge });
  }

  async poll(): Promise<JobStatus> {
    const text = await runProgram("squeue", [...QUEUE_FORMAT, `--name=${this.job.name}`]);
    const queue = parseQueue(text);
    const tasks: TaskStatus[] = [];
    for (const task of countUp(this.job.tasks)) tasks.push(await this.#status(task, queue));
    return { tasks, merge: await this.#status(MERGE, queue) };
  }

  async log(task: TaskId): Promise<string> {
    const path = `${this.#pathOf(task)}.log`;
    try {
      const newest = (await Deno.readTextFile(path)).split(RETRY_LINE).at(-1)!;
      return newest.trim().split("\n").slice(-LOG_LINES).join("\n");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return `There is no ${path}`;
      throw error;
    }
  }

  /** Slurm starts it when all tasks are over. */
  merge(): Promise<void> {
    return Promise.resolve();
  }

  cancel(): Promise<void> {
    return cancelJobs(this.job.name);
  }

  async #status(task: TaskId, queue: readonly QueueEntry[]): Promise<TaskStatus> {
    const known = this.#ended.get(task);
    if (known) return known;
    const [job, index] = task === MERGE ? [this.jobs.merge] : [this.jobs.array, task];
    const entry = queue.find((entry) => entry.job === job && entry.task === index);
    if (entry?.state === "queued" || entry?.state === "running") return { state: entry.state };
    const status = await this.#findEnd(task, entry);
    if (status.state === "done" || status.state === "failed") this.#ended.set(task, status);
    return status;
  }

  /** How a task ended; the queue forgets it after some minutes (MinJobAge). */
  async #findEnd(task: TaskId, entry: QueueEntry | undefined): Promise<TaskStatus> {
    if (entry?.state === "done") return { state: "done", exitCode: 0 };
    if (entry) {
      const shown = await tryProgram("scontrol", ["--oneliner", "show", "job", this.#nameOf(task)]);
      return { state: "failed", reason: entry.slurmState, ...parseJobExit(shown ?? "") };
    }
    const exitCode = await readExitFile(`${this.#pathOf(task)}.exit`);
    if (exitCode !== undefined) return { state: exitCode === 0 ? "done" : "failed", exitCode };
    const accounts = await tryProgram("sacct", [
      ...ACCOUNTS_FORMAT,
      `--jobs=${this.#nameOf(task)}`,
    ]);
    return parseAccounts(accounts ?? "") ?? { state: "failed", reason: "Slurm no longer knows it" };
  }

  /** The name of a task for Slurm's programs. */
  #nameOf(task: TaskId): string {
    return task === MERGE ? this.jobs.merge : `${this.jobs.array}_${task}`;
  }

  /** Path of the log and the exit code of a task, without extension. */
  #pathOf(task: TaskId): string {
    return `${this.options.logFolder}/${this.#nameOf(task)}`;
  }
}

/** Submits a script. @returns the identifier of the job. */
async function submitScript(args: readonly string[], { environment }: ArrayJob): Promise<string> {
  const text = await runProgram("sbatch", args, { environment });
  // "<job>" or "<job>;<cluster>".
  const id = /^\d+/.exec(text)?.[0];
  if (id !== undefined) return id;
  throw new EngineError(
    `Cannot submit to Slurm: sbatch printed "${text}", expected a job's number`,
  );
}

/** Ends all jobs of a name that are queued or running. */
async function cancelJobs(name: string): Promise<void> {
  await runProgram("scancel", ["--quiet", `--name=${name}`]);
}

async function readExitFile(path: string): Promise<number | undefined> {
  try {
    const text = (await Deno.readTextFile(path)).trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The output of a program; `undefined` when it fails, as `sacct` does without accounting. */
async function tryProgram(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return await runProgram(program, args);
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}
