/**
 * Kubernetes: an Indexed Job of the tasks, then a Job of the merge, by way of `kubectl`.
 *
 * Cluster, namespace and credentials are those of kubectl's current context. Kubernetes retries a
 * task by itself, once; see `kubernetes_manifest.ts`.
 *
 * @module
 */
import { formatManifest, jobNameOf, withoutValues } from "./container.ts";
import {
  type ArrayJob,
  type Engine,
  EngineError,
  type EngineFile,
  type JobStatus,
  MERGE,
  type Submission,
  type TaskId,
} from "./array_engine.ts";
import { type KubernetesOptions, mergeManifest, taskManifest } from "./kubernetes_manifest.ts";
import { type KubernetesList, newestPod, readMerge, readTasks } from "./kubernetes_status.ts";
import { runProgram } from "./program.ts";

const KUBECTL = "kubectl";
const LOG_LINES = 40;

/** Opens Kubernetes. */
export function openKubernetes(options: KubernetesOptions = {}): Engine {
  return {
    name: "kubernetes",
    program: KUBECTL,
    plan: (job) => planFiles(withoutValues(job), options),
    describeSteps: ({ name }) => [
      `${KUBECTL} create --filename tasks.yaml`,
      `${KUBECTL} wait job/${name} --for=condition=Complete --timeout=24h`,
      `${KUBECTL} create --filename merge.yaml`,
      `${KUBECTL} wait job/${name}-${MERGE} --for=condition=Complete --timeout=1h`,
    ],
    async submit(job) {
      const submission = new KubernetesSubmission(job, options);
      await submission.start("tasks");
      return submission;
    },
  };
}

function planFiles(job: ArrayJob, options: KubernetesOptions): EngineFile[] {
  return [
    { name: "tasks.yaml", text: formatManifest(taskManifest(job, options)) },
    { name: "merge.yaml", text: formatManifest(mergeManifest(job, options)) },
  ];
}

class KubernetesSubmission implements Submission {
  readonly #selector: string;

  constructor(private readonly job: ArrayJob, private readonly options: KubernetesOptions) {
    this.#selector = `app.kubernetes.io/instance=${job.name}`;
  }

  get id(): string {
    return `job/${this.job.name}`;
  }

  /** Creates a Job; one of the same name that is there already is an error. */
  async start(part: "tasks" | typeof MERGE): Promise<void> {
    const manifest = part === MERGE ? mergeManifest : taskManifest;
    await runProgram(KUBECTL, ["create", "--filename", "-"], {
      input: formatManifest(manifest(this.job, this.options)),
      secrets: Object.values(this.job.environment),
    });
  }

  merge(): Promise<void> {
    return this.start(MERGE);
  }

  async poll(): Promise<JobStatus> {
    const list = await this.#list();
    return {
      tasks: readTasks(list, this.job.name, this.job.tasks),
      merge: readMerge(list, jobNameOf(this.job, MERGE)),
    };
  }

  async log(task: TaskId): Promise<string> {
    const jobName = jobNameOf(this.job, task);
    try {
      const pod = newestPod(await this.#list(), jobName, task === MERGE ? undefined : task);
      if (!pod) return `there is no pod of it any more: ${KUBECTL} describe job/${jobName}`;
      return await runProgram(KUBECTL, ["logs", pod.metadata.name, `--tail=${LOG_LINES}`]);
    } catch (error) {
      if (error instanceof EngineError) return error.message;
      throw error;
    }
  }

  async cancel(): Promise<void> {
    const flags = ["--selector", this.#selector, "--ignore-not-found", "--wait=false"];
    await runProgram(KUBECTL, ["delete", "jobs", ...flags]);
  }

  async #list(): Promise<KubernetesList> {
    const args = ["get", "jobs,pods", "--selector", this.#selector, "--output", "json"];
    return JSON.parse(await runProgram(KUBECTL, args));
  }
}
