/**
 * The engine of Cloud Run: one job for the tasks and one for the merge, through `gcloud`.
 *
 * Project and credentials are those of gcloud's configuration. Cloud Run itself retries a task once.
 * The jobs stay, at no cost, until one of the same name replaces them; executions under way are not
 * affected by that.
 *
 * @module
 */
import { cloudRunManifest, type CloudRunOptions, readCloudRunTasks } from "./cloudrun_resources.ts";
import { formatManifest, nameJobPart, withoutValues } from "./container.ts";
import {
  type ArrayJob,
  type Engine,
  EngineError,
  JOB_PARTS,
  type JobPart,
  type JobStatus,
  LOG_LINES,
  MERGE,
  readLogOrReason,
  type Submission,
  type TaskId,
  type TaskStatus,
} from "./array_engine.ts";
import { type ProgramInput, runProgram } from "./program.ts";

const GCLOUD = "gcloud";

/** Opens Cloud Run in a region. */
export function openCloudRun(options: CloudRunOptions): Engine {
  const inRegion = `--region=${options.region}`;
  return {
    name: "cloudrun",
    program: GCLOUD,
    plan(job) {
      const safe = withoutValues(job);
      return JOB_PARTS.map((part) => ({
        name: `${part}.yaml`,
        text: formatManifest(cloudRunManifest(safe, part, options)),
      }));
    },
    describeSteps: (job) =>
      JOB_PARTS.flatMap((part) => [
        `${GCLOUD} run jobs replace ${part}.yaml ${inRegion}`,
        `${GCLOUD} run jobs execute ${nameJobPart(job, part)} ${inRegion} --wait`,
      ]),
    async submit(job) {
      const submission = new CloudRunSubmission(job, options);
      await submission.start("tasks");
      return submission;
    },
  };
}

class CloudRunSubmission implements Submission {
  /** Names of the executions. */
  readonly #executions = new Map<JobPart, string>();

  constructor(private readonly job: ArrayJob, private readonly options: CloudRunOptions) {}

  get id(): string {
    return this.#executions.get("tasks") ?? this.job.name;
  }

  /** Creates or replaces a job, and executes it. */
  async start(part: JobPart): Promise<void> {
    const manifest = cloudRunManifest(this.job, part, this.options);
    await this.#run(["jobs", "replace", "-"], {
      input: formatManifest(manifest),
      secrets: Object.values(this.job.environment),
    });
    const name = nameJobPart(this.job, part);
    const execution = await this.#query<{ metadata?: { name?: string } }>(
      ["jobs", "execute", name, "--async"],
    );
    if (!execution.metadata?.name) {
      throw new EngineError(
        `Cannot follow ${name}: gcloud does not name its execution; find it in the console of Cloud Run`,
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

  async #readTasks(part: JobPart, count: number): Promise<TaskStatus[]> {
    const execution = this.#executions.get(part);
    if (execution === undefined) return readCloudRunTasks([], count);
    const args = ["jobs", "executions", "tasks", "list", `--execution=${execution}`];
    return readCloudRunTasks(await this.#query(args), count);
  }

  /** Attempts of a task share a log; the newest is at its end. */
  log(task: TaskId): Promise<string> {
    const execution = this.#executions.get(task === MERGE ? MERGE : "tasks");
    const filter = [
      'resource.type="cloud_run_job"',
      `labels."run.googleapis.com/execution_name"="${execution}"`,
      `labels."run.googleapis.com/task_index"="${task === MERGE ? 0 : task}"`,
    ].join(" AND ");
    const flags = [`--limit=${LOG_LINES}`, "--order=desc", "--format=value(textPayload)"];
    return readLogOrReason(async () => {
      const lines = await runProgram(GCLOUD, ["logging", "read", filter, ...flags]);
      return lines.trimEnd().split("\n").reverse().join("\n");
    });
  }

  async cancel(): Promise<void> {
    for (const execution of this.#executions.values()) {
      const { status } = await this.#query<{ status?: { completionTime?: string } }>(
        ["jobs", "executions", "describe", execution],
      );
      if (status?.completionTime) continue;
      await this.#run(["jobs", "executions", "cancel", execution, "--async", "--quiet"]);
    }
  }

  async #query<Answer>(args: readonly string[]): Promise<Answer> {
    return JSON.parse(await this.#run([...args, "--format=json"]));
  }

  #run(args: readonly string[], input?: ProgramInput): Promise<string> {
    const flags = [`--region=${this.options.region}`];
    return runProgram(GCLOUD, ["run", ...args, ...flags], input);
  }
}
