/**
 * The engine of Kubernetes: an Indexed Job of the tasks, then a Job of the merge, through `kubectl`.
 *
 * Cluster, namespace and credentials are those of kubectl's current context. Kubernetes itself retries
 * a task once.
 *
 * @module
 */
import { formatManifest, nameJobPart, withoutValues } from "./container.ts";
import {
  type ArrayJob,
  type Engine,
  type EngineFile,
  type JobPart,
  type JobStatus,
  LOG_LINES,
  MERGE,
  readLogOrReason,
  type Submission,
  type TaskId,
} from "./array_engine.ts";
import { type KubernetesOptions, mergeManifest, taskManifest } from "./kubernetes_manifest.ts";
import {
  type KubernetesList,
  newestPod,
  readKubernetesTasks,
  readMerge,
} from "./kubernetes_status.ts";
import { runProgram } from "./program.ts";

const KUBECTL = "kubectl";

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

  /** Creates a Job; kubectl fails when there is one of the same name. */
  async start(part: JobPart): Promise<void> {
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
      tasks: readKubernetesTasks(list, this.job.name, this.job.tasks),
      merge: readMerge(list, nameJobPart(this.job, MERGE)),
    };
  }

  log(task: TaskId): Promise<string> {
    const [part, index] = task === MERGE ? [MERGE, undefined] as const : ["tasks", task] as const;
    const jobName = nameJobPart(this.job, part);
    return readLogOrReason(async () => {
      const pod = newestPod(await this.#list(), jobName, index);
      if (!pod) return `its pod was deleted; see ${KUBECTL} describe job/${jobName}`;
      return await runProgram(KUBECTL, ["logs", pod.metadata.name, `--tail=${LOG_LINES}`]);
    });
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
