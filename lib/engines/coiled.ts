/**
 * Coiled Batch: a job of one machine for each task, then a job of one machine for the merge.
 *
 * Jobs are submitted to Coiled's REST API; no Python is needed. The machines read references from, and
 * write fields to, Google Cloud Storage with the service account that the workspace gives them. See
 * `coiled_api.ts` for what of the API is documented.
 *
 * @module
 */
import { CoiledApi, type CoiledAccess, type CoiledJob, type CoiledJobRequest, type CoiledTask } from "./coiled_api.ts";
import {
  type ArrayJob,
  type Engine,
  EngineError,
  type JobStatus,
  MERGE,
  mergeCommand,
  type Submission,
  taskCommand,
  type TaskId,
  type TaskStatus,
} from "./engine.ts";
import { formatCommand } from "./shell.ts";
import { withoutValues } from "./container.ts";

/** How Coiled is used. */
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

/** Where the newest attempt of a task runs. */
interface Attempt {
  cluster: number;
  job: number;
  /** Its number in the job. */
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
    return this.#submitTasks(Array.from({ length: this.job.tasks }, (_, task) => task));
  }

  async merge(): Promise<void> {
    const answer = await this.#api.submit(describeMerge(this.job, this.options));
    this.#attempts.set(MERGE, { cluster: answer.cluster_id, job: answer.job_id, task: 0 });
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
      return attempt ? readTask(clusters.get(attempt.cluster)!, attempt) : { state: "queued" as const };
    };
    const tasks = Array.from({ length: this.job.tasks }, (_, task) => read(task));
    return { tasks, merge: read(MERGE) };
  }

  async log(task: TaskId): Promise<string> {
    const { cluster, job, task: index } = this.#attempts.get(task)!;
    try {
      const events = await this.#api.readLog(cluster, job, index);
      return events.slice(-LOG_LINES).map(({ message }) => message).join("\n");
    } catch (error) {
      if (error instanceof EngineError) return error.message;
      throw error;
    }
  }

  async cancel(): Promise<void> {
    for (const cluster of this.#clusters) await this.#api.stop(cluster);
  }

  get #clusters(): Set<number> {
    return new Set([...this.#attempts.values()].map(({ cluster }) => cluster));
  }

  async #submitTasks(tasks: readonly number[]): Promise<void> {
    const { cluster_id, job_id } = await this.#api.submit(
      describeTasks(this.job, this.options, tasks),
    );
    for (const task of tasks) this.#attempts.set(task, { cluster: cluster_id, job: job_id, task });
  }

  async #readClusters(): Promise<Map<number, CoiledJob[]>> {
    const clusters = [...this.#clusters];
    const jobs = await Promise.all(clusters.map((cluster) => this.#api.readJobs(cluster)));
    return new Map(clusters.map((cluster, i) => [cluster, jobs[i]!]));
  }
}

const LOG_LINES = 40;
