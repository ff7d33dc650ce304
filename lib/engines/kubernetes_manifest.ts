/**
 * Manifests of Kubernetes: an Indexed Job for the tasks and a Job for the merge.
 *
 * Fields and their meaning are those of `batch/v1`, https://kubernetes.io/docs/concepts/workloads/
 * controllers/job/. A limit of retries for each index needs Kubernetes 1.33, or 1.29 where the beta
 * is on: https://kubernetes.io/blog/2025/05/13/kubernetes-v1-33-jobs-backoff-limit-per-index-goes-ga.
 *
 * @module
 */
import { EXIT } from "../errors.ts";
import { describeContainer, jobNameOf } from "./container.ts";
import { type ArrayJob, MERGE } from "./array_engine.ts";

/** What the tasks are allowed to reach. */
export interface KubernetesOptions {
  /**
   * Service account of the pods. On Google's clusters, Workload Identity gives it access to buckets.
   *
   * @default {undefined} (that of the namespace)
   */
  serviceAccount?: string;
  /** Secret that holds the key file of a Google service account as `key.json`. @default {undefined} */
  secret?: string;
}

/** The working folder of containers that are given a key, and the folder in it for keys. */
const FOLDER = "/stream";
const KEYS = "keys";
/** How long a finished Job can be asked about; meanwhile there can be no other of its name. */
const KEPT_SECONDS = 24 * 3600;
/** A pod that lost its node, or was evicted, has not failed. */
const DISRUPTED = {
  action: "Ignore",
  onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
};

/** What is common to the pods and Jobs of an array job. */
function labelsOf(job: ArrayJob): Record<string, string> {
  return { "app.kubernetes.io/name": "gik-deno", "app.kubernetes.io/instance": job.name };
}

/** The tasks: each index is tried twice, and the failure of one does not end the others. */
export function taskManifest(job: ArrayJob, options: KubernetesOptions): object {
  return describeJob(job, "tasks", options, {
    completionMode: "Indexed",
    completions: job.tasks,
    parallelism: job.tasks,
    backoffLimitPerIndex: 1,
    podFailurePolicy: { rules: [DISRUPTED, failWithoutRetry("FailIndex", [EXIT.usage])] },
  });
}

/** The merge, tried again only when that could help. */
export function mergeManifest(job: ArrayJob, options: KubernetesOptions): object {
  const hopeless = [EXIT.usage, EXIT.missing, EXIT.incomplete];
  return describeJob(job, MERGE, options, {
    backoffLimit: 1,
    podFailurePolicy: { rules: [DISRUPTED, failWithoutRetry("FailJob", hopeless)] },
  });
}

function failWithoutRetry(action: string, values: number[]): object {
  return { action, onExitCodes: { operator: "In", values } };
}

function describeJob(
  job: ArrayJob,
  part: "tasks" | typeof MERGE,
  options: KubernetesOptions,
  rules: object,
): object {
  const labels = labelsOf(job);
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: jobNameOf(job, part === MERGE ? MERGE : 0), labels },
    spec: {
      ...rules,
      ttlSecondsAfterFinished: KEPT_SECONDS,
      template: { metadata: { labels }, spec: describePod(job, part, options) },
    },
  };
}

function describePod(
  job: ArrayJob,
  part: "tasks" | typeof MERGE,
  { serviceAccount, secret }: KubernetesOptions,
): object {
  const container = describeContainer(job, part);
  // Without a request for as much, a pod may land where there is less.
  const resources = { ...container.resources, requests: container.resources.limits };
  const account = serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount };
  if (secret === undefined) {
    return { restartPolicy: "Never", ...account, containers: [{ ...container, resources }] };
  }
  const key = { name: "GCS_SERVICE_ACCOUNT_FILE", value: `${KEYS}/key.json` };
  const mount = { name: "gcs", mountPath: `${FOLDER}/${KEYS}`, readOnly: true };
  const given = { env: [...container.env, key], volumeMounts: [mount], workingDir: FOLDER };
  return {
    restartPolicy: "Never",
    ...account,
    volumes: [{ name: "gcs", secret: { secretName: secret } }],
    containers: [{ ...container, resources, ...given }],
  };
}
