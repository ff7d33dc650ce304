/**
 * The engine of a Slurm cluster: a job array, and a merge that depends on it.
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
      const submission = new SlurmSubmission({ ...job, name }, { ...options, logFolder });
      try {
        await submission.start();
      } catch (error) {
        // The array may have been submitted, and the merge not.
        await submission.cancel().catch((reason) => {
          throw new EngineError(`${messageOf(error)}; ${messageOf(reason)}`, { cause: error });
        });
        throw error;
      }
      return submission;
    },
  };
}

/** A name that finds this job and no other, even when its identifier never arrived here. */
function nameUniquely({ name }: ArrayJob): string {
  return `${name}-${crypto.randomUUID().slice(0, 8)}`;
}

class SlurmSubmission implements Submission {
  /** Identifiers of the jobs of the newest attempts. */
  readonly #jobs = new Map<TaskId, string>();
  /** Ends of the newest attempts, so that Slurm is not asked again. */
  readonly #ended = new Map<TaskId, TaskStatus>();

  constructor(
    private readonly job: ArrayJob,
    private readonly options: SlurmOptions,
  ) {}

  get id(): string {
    return this.job.name;
  }

  async start(): Promise<void> {
    const { logFolder } = this.options;
    await Deno.mkdir(logFolder, { recursive: true });
    for (const { name, text } of planFiles(this.job, this.options)) {
      await Deno.writeTextFile(`${logFolder}/${name}`, text);
    }
    await this.#submitTasks(countUp(this.job.tasks));
    await this.#submitMerge([`--dependency=${this.#formatDependency()}`]);
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
      const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
      return lines.slice(-LOG_LINES).join("\n");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return `There is no ${path}`;
      throw error;
    }
  }

  async retry(tasks: readonly TaskId[]): Promise<void> {
    for (const task of tasks) this.#ended.delete(task);
    const indexes = tasks.filter((task) => task !== MERGE);
    if (indexes.length > 0) {
      await this.#submitTasks(indexes);
      if (!this.#hasFailures()) await this.#makeMergeDependOn(this.#formatDependency());
    }
    if (tasks.includes(MERGE)) await this.#submitMerge([]);
  }

  async merge(): Promise<void> {
    if (this.#hasFailures()) await this.#makeMergeDependOn("");
  }

  async cancel(): Promise<void> {
    await runProgram("scancel", ["--quiet", `--name=${this.job.name}`]);
  }

  async #submitTasks(tasks: readonly number[]): Promise<void> {
    const id = await this.#submit([...arrayOptions(this.job, this.options, tasks), SCRIPTS.array]);
    for (const task of tasks) this.#jobs.set(task, id);
  }

  async #submitMerge(dependency: readonly string[]): Promise<void> {
    const options = [...mergeOptions(this.job, this.options), ...dependency];
    this.#jobs.set(MERGE, await this.#submit([...options, SCRIPTS.merge]));
  }

  /** @returns the identifier of the job. */
  async #submit(args: readonly string[]): Promise<string> {
    const { logFolder } = this.options;
    const script = `${logFolder}/${args.at(-1)}`;
    const text = await runProgram("sbatch", [...args.slice(0, -1), script], {
      environment: this.job.environment,
    });
    // "<job>" or "<job>;<cluster>".
    const id = /^\d+/.exec(text)?.[0];
    if (id === undefined) {
      throw new EngineError(
        `Cannot submit to Slurm: sbatch printed "${text}", expected a job's number`,
      );
    }
    return id;
  }

  /** The merge waits for the newest attempts of the tasks that are not over. */
  #formatDependency(): string {
    const waiting = countUp(this.job.tasks).filter((task) => !this.#ended.has(task));
    return `afterok:${waiting.map((task) => this.#nameOf(task)).join(":")}`;
  }

  /** Whether a newest attempt has failed: then the merge does not start by itself. */
  #hasFailures(): boolean {
    return [...this.#ended].some(([task, { state }]) => task !== MERGE && state === "failed");
  }

  async #makeMergeDependOn(dependency: string): Promise<void> {
    const id = this.#jobs.get(MERGE)!;
    await runProgram("scontrol", ["update", `JobId=${id}`, `Dependency=${dependency}`]);
  }

  async #status(task: TaskId, queue: readonly QueueEntry[]): Promise<TaskStatus> {
    const known = this.#ended.get(task);
    if (known) return known;
    const job = this.#jobs.get(task)!;
    const index = task === MERGE ? undefined : task;
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
    const job = this.#jobs.get(task)!;
    return task === MERGE ? job : `${job}_${task}`;
  }

  /** Path of the log and the exit code of the newest attempt, without extension. */
  #pathOf(task: TaskId): string {
    return `${this.options.logFolder}/${this.#nameOf(task)}`;
  }
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
