/**
 * The engine of Coiled Batch: a job with one machine for each task, then a job of one machine for the
 * merge, through Coiled's REST API.
 *
 * The machines read references from, and write fields to, Google Cloud Storage, with the service account
 * of the workspace. See `coiled_api.ts` for the part of the API that is documented.
 *
 * @module
 */
import {
  type CoiledAccess,
  CoiledApi,
  type CoiledJob,
  type CoiledJobAnswer,
  type CoiledJobRequest,
  type CoiledTask,
} from "./coiled_api.ts";
import {
  type ArrayJob,
  type Engine,
  EngineError,
  type JobStatus,
  LOG_LINES,
  MERGE,
  mergeCommand,
  readLogOrReason,
  type Submission,
  taskCommand,
  type TaskId,
  type TaskState,
  type TaskStatus,
} from "./array_engine.ts";
import { withoutValues } from "./container.ts";
import { formatCommand } from "./program.ts";
import { countUp, toMebibytes } from "../util/numbers.ts";

/** The account, workspace and region on Coiled. */
export interface CoiledOptions extends CoiledAccess {
  /** Region of the cloud provider. @default {undefined} (that of the workspace) */
  region?: string;
}

/** Opens Coiled. */
export function openCoiled(options: CoiledOptions): Engine {
  return {
    name: "coiled",
    plan(job) {
      const safe = withoutValues(job);
      return [["tasks", describeTasks(safe, options)], ["merge", describeMerge(safe, options)]]
        .map(([name, request]) => {
          return { name: `${name}.json`, text: `${JSON.stringify(request, null, 2)}\n` };
        });
    },
    async submit(job) {
      const submission = new CoiledSubmission(job, options);
      await submission.start();
      return submission;
    },
  };
}

/** The newest attempt of a task. */
interface Attempt {
  cluster: number;
  job: number;
  /** Index in the job. */
  task: number;
}

class CoiledSubmission implements Submission {
  readonly #api: CoiledApi;
  readonly #attempts = new Map<TaskId, Attempt>();

  constructor(private readonly job: ArrayJob, private readonly options: CoiledOptions) {
    this.#api = new CoiledApi(options);
  }

  get id(): string {
    return `cluster ${this.#attempts.get(0)!.cluster}`;
  }

  start(): Promise<void> {
    return this.#submitTasks(countUp(this.job.tasks));
  }

  async merge(): Promise<void> {
    const { cluster_id, job_id } = await this.#submit(describeMerge(this.job, this.options));
    this.#attempts.set(MERGE, { cluster: cluster_id, job: job_id, task: 0 });
  }

  async retry(tasks: readonly TaskId[]): Promise<void> {
    const indexes = tasks.filter((task) => task !== MERGE);
    if (indexes.length > 0) await this.#submitTasks(indexes);
    if (tasks.includes(MERGE)) await this.merge();
  }

  async poll(): Promise<JobStatus> {
    const clusters = await this.#readClusters();
    const read = (task: TaskId) => {
      const attempt = this.#attempts.get(task);
      return attempt
        ? readTask(clusters.get(attempt.cluster)!, attempt)
        : { state: "queued" as const };
    };
    return { tasks: countUp(this.job.tasks).map(read), merge: read(MERGE) };
  }

  log(task: TaskId): Promise<string> {
    const { cluster, job, task: index } = this.#attempts.get(task)!;
    return readLogOrReason(async () => {
      const events = await this.#api.readLog(cluster, job, index);
      return events.slice(-LOG_LINES).map(({ message }) => message).join("\n");
    });
  }

  async cancel(): Promise<void> {
    for (const cluster of this.#clusters) await this.#api.stop(cluster);
  }

  get #clusters(): Set<number> {
    return new Set([...this.#attempts.values()].map(({ cluster }) => cluster));
  }

  async #submitTasks(tasks: readonly number[]): Promise<void> {
    const { cluster_id, job_id } = await this.#submit(
      describeTasks(this.job, this.options, tasks),
    );
    for (const task of tasks) this.#attempts.set(task, { cluster: cluster_id, job: job_id, task });
  }

  /** The name is made unique: Coiled would put jobs of one name on one cluster. */
  #submit(request: CoiledJobRequest): Promise<Required<CoiledJobAnswer>> {
    const name = `${request.name}-${crypto.randomUUID().slice(0, 8)}`;
    return this.#api.submit({ ...request, name });
  }

  async #readClusters(): Promise<Map<number, CoiledJob[]>> {
    const clusters = [...this.#clusters];
    const jobs = await Promise.all(clusters.map((cluster) => this.#api.readJobs(cluster)));
    return new Map(clusters.map((cluster, i) => [cluster, jobs[i]!]));
  }
}

/** The job of some tasks, by default of all. */
function describeTasks(
  job: ArrayJob,
  options: CoiledOptions,
  tasks: readonly number[] = countUp(job.tasks),
): CoiledJobRequest {
  return describeJob(job, options, job.name, taskCommand(job), tasks);
}

function describeMerge(job: ArrayJob, options: CoiledOptions): CoiledJobRequest {
  return describeJob(job, options, `${job.name}-${MERGE}`, mergeCommand(job), [0]);
}

function describeJob(
  job: ArrayJob,
  { workspace, region }: CoiledOptions,
  name: string,
  command: readonly string[],
  tasks: readonly number[],
): CoiledJobRequest {
  return {
    script: `${formatCommand(command)}\n`,
    name,
    workspace,
    container: job.image,
    ...(region === undefined ? {} : { region }),
    cpu: job.cpus,
    memory: `${toMebibytes(job.memoryBytes)}MiB`,
    array: tasks.join(","),
    secret_env: job.environment,
  };
}

/** The state of a task; one that its cluster does not list is queued. */
function readTask(jobs: readonly CoiledJob[], { job, task }: Attempt): TaskStatus {
  const found = jobs.find(({ id }) => id === job);
  const entry = found?.tasks.find(({ array_task_id }) => array_task_id === task);
  const state = entry ? readState(entry) : "queued";
  const exitCode = entry?.exit_code ?? undefined;
  if (state === "done") return { state, exitCode: exitCode ?? 0 };
  if (state !== "failed" && found?.cluster_state === "error") {
    return { state: "failed", reason: "its machines did not start, or were lost" };
  }
  if (state === "failed") {
    return {
      state,
      ...(exitCode === undefined ? { reason: "Coiled reports an error" } : { exitCode }),
    };
  }
  return { state };
}

function readState({ state, exit_code }: CoiledTask): TaskState {
  if (exit_code) return "failed";
  const known = STATES[state];
  if (known) return known;
  throw new EngineError(
    `Cannot read the state of a task: Coiled calls it "${state}", expected ${
      Object.keys(STATES).join(", ")
    }`,
  );
}

const STATES: Readonly<Record<string, TaskState>> = {
  pending: "queued",
  assigned: "running",
  running: "running",
  done: "done",
  error: "failed",
};
