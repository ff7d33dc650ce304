/**
 * Cloud Run: one job for the tasks and one for the merge, by way of `gcloud`.
 *
 * Project and credentials are those of gcloud's configuration. Cloud Run retries a task by itself, once;
 * see `cloudrun_manifest.ts`. The jobs stay where they are, at no cost, and are replaced by the next of
 * the same name; executions that are under way go on as they began.
 *
 * @module
 */
import { cloudRunManifest, type CloudRunOptions } from "./cloudrun_manifest.ts";
import { readTasks } from "./cloudrun_status.ts";
import { formatManifest, jobNameOf, withoutValues } from "./container.ts";
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
import { type ProgramInput, runProgram } from "./program.ts";

const GCLOUD = "gcloud";
const LOG_LINES = 40;

/** Opens Cloud Run in a region. */
export function openCloudRun(options: CloudRunOptions): Engine {
  const inRegion = `--region=${options.region}`;
  return {
    name: "cloudrun",
    program: GCLOUD,
    plan(job) {
      const safe = withoutValues(job);
      return (["tasks", MERGE] as const).map((part) => {
        return {
          name: `${part}.yaml`,
          text: formatManifest(cloudRunManifest(safe, part, options)),
        };
      });
    },
    describeSteps: (job) =>
      (["tasks", MERGE] as const).flatMap((part) => [
        `${GCLOUD} run jobs replace ${part}.yaml ${inRegion}`,
        `${GCLOUD} run jobs execute ${
          jobNameOf(job, part === MERGE ? MERGE : 0)
        } ${inRegion} --wait`,
      ]),
    async submit(job) {
      const submission = new CloudRunSubmission(job, options);
      await submission.start("tasks");
      return submission;
    },
  };
}

class CloudRunSubmission implements Submission {
  /** Names of executions. */
  readonly #executions = new Map<"tasks" | typeof MERGE, string>();

  constructor(private readonly job: ArrayJob, private readonly options: CloudRunOptions) {}

  get id(): string {
    return this.#executions.get("tasks") ?? this.job.name;
  }

  /** Creates or replaces a job, and executes it. */
  async start(part: "tasks" | typeof MERGE): Promise<void> {
    const manifest = cloudRunManifest(this.job, part, this.options);
    await this.#run(["jobs", "replace", "-"], {
      input: formatManifest(manifest),
      secrets: Object.values(this.job.environment),
    });
    const name = jobNameOf(this.job, part === MERGE ? MERGE : 0);
    const execution = await this.#ask<{ metadata?: { name?: string } }>(
      ["jobs", "execute", name, "--async"],
    );
    if (!execution.metadata?.name) {
      throw new EngineError(
        `Cannot follow ${name}: gcloud does not say how its execution is called`,
      );
    }
    this.#executions.set(part, execution.metadata.name);
  }

  merge(): Promise<void> {
    return this.start(MERGE);
  }

  async poll(): Promise<JobStatus> {
    const tasks = await this.#readTasks("tasks", this.job.tasks);
    const [merge] = await this.#readTasks(MERGE, 1);
    return { tasks, merge: merge! };
  }

  async #readTasks(part: "tasks" | typeof MERGE, count: number): Promise<TaskStatus[]> {
    const execution = this.#executions.get(part);
    if (execution === undefined) return readTasks([], count);
    const flags = [`--execution=${execution}`];
    return readTasks(await this.#ask(["jobs", "executions", "tasks", "list", ...flags]), count);
  }

  /** The newest attempt is the last one in the log of a task. */
  async log(task: TaskId): Promise<string> {
    const execution = this.#executions.get(task === MERGE ? MERGE : "tasks");
    const filter = [
      'resource.type="cloud_run_job"',
      `labels."run.googleapis.com/execution_name"="${execution}"`,
      `labels."run.googleapis.com/task_index"="${task === MERGE ? 0 : task}"`,
    ].join(" AND ");
    const flags = [`--limit=${LOG_LINES}`, "--order=desc", "--format=value(textPayload)"];
    try {
      const lines = await runProgram(GCLOUD, ["logging", "read", filter, ...flags]);
      return lines.trimEnd().split("\n").reverse().join("\n");
    } catch (error) {
      if (error instanceof EngineError) return error.message;
      throw error;
    }
  }

  async cancel(): Promise<void> {
    for (const execution of this.#executions.values()) {
      const { status } = await this.#ask<{ status?: { completionTime?: string } }>(
        ["jobs", "executions", "describe", execution],
      );
      if (status?.completionTime) continue;
      await this.#run(["jobs", "executions", "cancel", execution, "--async", "--quiet"]);
    }
  }

  async #ask<Answer>(args: readonly string[]): Promise<Answer> {
    return JSON.parse(await this.#run([...args, "--format=json"]));
  }

  #run(args: readonly string[], input?: ProgramInput): Promise<string> {
    const flags = [`--region=${this.options.region}`];
    return runProgram(GCLOUD, ["run", ...args, ...flags], input);
  }
}
