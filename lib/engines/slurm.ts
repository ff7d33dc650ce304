/**
 * Array jobs on a Slurm cluster: a job array, and a merge that depends on it.
 *
 * @module
 */
import {
  type ArrayJob,
  type Engine,
  EngineError,
  type JobStatus,
  MERGE,
  type Submission,
  type TaskId,
  type TaskStatus,
} from "./array_engine.ts";
import { runProgram } from "./program.ts";
import {
  ACCOUNTS_FORMAT,
  parseAccounts,
  parseJobExit,
  parseQueue,
  QUEUE_FORMAT,
  type QueueEntry,
} from "./slurm_output.ts";
import {
  allTasks,
  arrayOptions,
  mergeOptions,
  planFiles,
  SCRIPTS,
  type SlurmOptions,
} from "./slurm_script.ts";

const LOG_LINES = 40;

/**
 * Slurm, by its own programs. Partition, account and time limit are those of the variables that
 * `sbatch` reads: `SBATCH_PARTITION`, `SBATCH_ACCOUNT`, `SBATCH_TIMELIMIT`.
 *
 * A task whose node is lost is put back into the queue by Slurm itself.
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
        // The array may be there without its merge.
        await submission.cancel().catch((reason) => {
          throw new EngineError(`${messageOf(error)}; ${messageOf(reason)}`, { cause: error });
        });
        throw error;
      }
      return submission;
    },
  };
}

/** The name finds the job and nothing else, even when its identifier never arrived here. */
function nameUniquely({ name }: ArrayJob): string {
  return `${name}-${crypto.randomUUID().slice(0, 8)}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

class SlurmSubmission implements Submission {
  /** Identifier of the newest attempt's job. */
  readonly #jobs = new Map<TaskId, string>();
  /** Newest attempts that are over, so that Slurm need not be asked of them again. */
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
    await this.#submitTasks(allTasks(this.job));
    await this.#submitMerge([`--dependency=${this.#formatDependency()}`]);
  }

  async poll(): Promise<JobStatus> {
    const text = await runProgram("squeue", [...QUEUE_FORMAT, `--name=${this.job.name}`]);
    const queue = parseQueue(text);
    const tasks: TaskStatus[] = [];
    for (let task = 0; task < this.job.tasks; task++) tasks.push(await this.#status(task, queue));
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
    if (id === undefined) throw new EngineError(`Cannot submit to Slurm: sbatch says "${text}"`);
    return id;
  }

  /** The merge waits for the newest attempt of every task that is not known to be done. */
  #formatDependency(): string {
    const waiting = allTasks(this.job).filter((task) => !this.#ended.has(task));
    return `afterok:${waiting.map((task) => this.#nameOf(task)).join(":")}`;
  }

  /** Whether a task has failed for good: then the merge does not start by itself any more. */
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

  /** What became of a task that is over; the queue forgets it after some minutes (MinJobAge). */
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
    return parseAccounts(accounts ?? "") ?? { state: "failed", reason: "Slurm has forgotten it" };
  }

  /** As Slurm's programs take it. */
  #nameOf(task: TaskId): string {
    const job = this.#jobs.get(task)!;
    return task === MERGE ? job : `${job}_${task}`;
  }

  /** Log and exit code of the newest attempt, without their endings. */
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

/** What a program prints; `undefined` where it fails, as `sacct` does without accounting. */
async function tryProgram(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return await runProgram(program, args);
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}
