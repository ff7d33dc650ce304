/**
 * Manifests for Kubernetes: an Indexed Job for the tasks and a Job for the merge.
 *
 * Fields are those of `batch/v1`, https://kubernetes.io/docs/concepts/workloads/
 * controllers/job/. A limit of retries for each index needs Kubernetes 1.33, or 1.29 with the beta
 * enabled: https://kubernetes.io/blog/2025/05/13/kubernetes-v1-33-jobs-backoff-limit-per-index-goes-ga.
 *
 * @module
 */
import { EXIT } from "../errors.ts";
import { describeContainer, nameJobPart } from "./container.ts";
import { type ArrayJob, type JobPart, MERGE } from "./array_engine.ts";

/** As whom the tasks run. */
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

/** The working folder of containers with a key file, and the folder in it for keys. */
const FOLDER = "/stream";
const KEYS = "keys";
/** How long Kubernetes keeps a finished Job, so that it can be read; its name is taken meanwhile. */
const TTL_SECONDS = 24 * 3600;
/** A pod that lost its node, or was evicted, does not count as an attempt. */
const DISRUPTED = {
  action: "Ignore",
  onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
};

/** Labels of all pods and Jobs of an array job. */
function labelsOf(job: ArrayJob): Record<string, string> {
  return { "app.kubernetes.io/name": "gik-deno", "app.kubernetes.io/instance": job.name };
}

/** The tasks: each index has two attempts, and the failure of one does not end the others. */
export function taskManifest(job: ArrayJob, options: KubernetesOptions): object {
  return describeJob(job, "tasks", options, {
    completionMode: "Indexed",
    completions: job.tasks,
    parallelism: job.tasks,
    backoffLimitPerIndex: 1,
    podFailurePolicy: { rules: [DISRUPTED, failWithoutRetry("FailIndex", [EXIT.usage])] },
  });
}

/** The merge, retried once for failures that may pass. */
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
  part: JobPart,
  options: KubernetesOptions,
  rules: object,
): object {
  const labels = labelsOf(job);
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: nameJobPart(job, part), labels },
    spec: {
      ...rules,
      ttlSecondsAfterFinished: TTL_SECONDS,
      template: { metadata: { labels }, spec: describePod(job, part, options) },
    },
  };
}

function describePod(
  job: ArrayJob,
  part: JobPart,
  { serviceAccount, secret }: KubernetesOptions,
): object {
  const container = describeContainer(job, part);
  // Without requests as high as the limits, a pod may be put on a node that has less.
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
