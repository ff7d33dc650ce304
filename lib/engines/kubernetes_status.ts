/**
 * The states of tasks in the output of `kubectl get jobs,pods --output json`.
 *
 * The Job has the indexes of finished tasks (`completedIndexes`, `failedIndexes`, `conditions`), its pods
 * have the exit codes and what is running; pods may have been deleted: https://kubernetes.io/docs/reference/
 * kubernetes-api/workload-resources/job-v1/#JobStatus and …/pod-v1/#PodStatus.
 *
 * @module
 */
import { EngineError, type TaskStatus } from "./array_engine.ts";

/** The fields of kubectl's list that are used. */
export interface KubernetesList {
  items: (KubernetesJob | KubernetesPod)[];
}

interface Metadata {
  name: string;
  creationTimestamp: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** A Job. */
export interface KubernetesJob {
  kind: "Job";
  metadata: Metadata;
  status?: {
    completedIndexes?: string;
    failedIndexes?: string;
    conditions?: { type: string; status: string; reason?: string }[];
  };
}

/** A pod: one attempt of a task. */
export interface KubernetesPod {
  kind: "Pod";
  metadata: Metadata;
  status?: {
    phase?: string;
    containerStatuses?: { state?: { terminated?: { exitCode: number; reason?: string } } }[];
  };
}

const JOB_LABEL = "batch.kubernetes.io/job-name";
const INDEX_ANNOTATION = "batch.kubernetes.io/job-completion-index";

/** The tasks of an Indexed Job. A Job that is not in the list was deleted: its tasks have failed. */
export function readKubernetesTasks(
  list: KubernetesList,
  jobName: string,
  tasks: number,
): TaskStatus[] {
  const job = findJob(list, jobName);
  const done = new Set(parseIndexes(job?.status?.completedIndexes ?? ""));
  const failed = new Set(parseIndexes(job?.status?.failedIndexes ?? ""));
  return Array.from({ length: tasks }, (_, index) => {
    if (done.has(index)) return { state: "done", exitCode: 0 };
    const pod = newestPod(list, jobName, index);
    if (failed.has(index)) return failedStatus(pod);
    return unfinishedStatus(job, pod);
  });
}

/** The merge, a Job of one pod. A Job that is not in the list has not been started. */
export function readMerge(list: KubernetesList, jobName: string): TaskStatus {
  const job = findJob(list, jobName);
  if (!job) return { state: "queued" };
  if (hasCondition(job, "Complete")) return { state: "done", exitCode: 0 };
  const pod = newestPod(list, jobName);
  return hasCondition(job, "Failed") ? failedStatus(pod) : unfinishedStatus(job, pod);
}

/** The newest attempt of a task, or of a Job of one pod. */
export function newestPod(
  list: KubernetesList,
  jobName: string,
  index?: number,
): KubernetesPod | undefined {
  const wanted = index === undefined ? undefined : String(index);
  return list.items
    .filter((item) => item.kind === "Pod")
    .filter(({ metadata: { labels, annotations } }) =>
      labels?.[JOB_LABEL] === jobName && annotations?.[INDEX_ANNOTATION] === wanted
    )
    .sort((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp))
    .at(-1);
}

function findJob(list: KubernetesList, name: string): KubernetesJob | undefined {
  return list.items.filter((item) => item.kind === "Job").find(({ metadata }) =>
    metadata.name === name
  );
}

function hasCondition({ status }: KubernetesJob, type: string): boolean {
  return status?.conditions?.some((it) => it.type === type && it.status === "True") ?? false;
}

/** A task without an end in the status of its Job; when the Job itself failed, so did the task. */
function unfinishedStatus(
  job: KubernetesJob | undefined,
  pod: KubernetesPod | undefined,
): TaskStatus {
  if (!job) return { state: "failed", reason: "its Job was deleted" };
  const end = job.status?.conditions?.find(({ type, status }) =>
    type === "Failed" && status === "True"
  );
  if (end) return { state: "failed", reason: end.reason ?? "Failed" };
  return { state: pod?.status?.phase === "Running" ? "running" : "queued" };
}

function failedStatus(pod: KubernetesPod | undefined): TaskStatus {
  const end = pod?.status?.containerStatuses?.[0]?.state?.terminated;
  if (!end) return { state: "failed", reason: "its pod was deleted" };
  const { exitCode, reason } = end;
  const isOrdinary = reason === undefined || reason === "Error";
  return { state: "failed", exitCode, ...(isOrdinary ? {} : { reason }) };
}

/**
 * Parses the indexes in the status of a Job: `1,3-5,7`.
 *
 * @throws {EngineError} for another text.
 */
function parseIndexes(text: string): number[] {
  return text.split(",").filter((part) => part !== "").flatMap((part) => {
    const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === undefined) {
      throw new EngineError(
        `Cannot read the indexes "${text}": "${part}" is neither an index nor a range`,
      );
    }
    const from = Number(first);
    return Array.from({ length: Number(last ?? first) - from + 1 }, (_, i) => from + i);
  });
}
