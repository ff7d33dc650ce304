/**
 * Manifests of Cloud Run jobs, one for the tasks and one for the merge.
 *
 * Fields are those of `run.googleapis.com/v1`, https://cloud.google.com/run/docs/reference/yaml/v1 and
 * …/reference/rest/v1/namespaces.jobs. At most 10,000 tasks; a task sees `CLOUD_RUN_TASK_INDEX` and
 * `CLOUD_RUN_TASK_COUNT` (https://cloud.google.com/run/docs/create-jobs). Processors are 1, 2, 4, 6 or
 * 8, and set the least and most memory (https://cloud.google.com/run/docs/configuring/jobs/cpu).
 *
 * @module
 */
import { describeContainer, jobNameOf } from "./container.ts";
import { type ArrayJob, MERGE } from "./array_engine.ts";

/** What the tasks are allowed to reach. */
export interface CloudRunOptions {
  /** Region of Google Cloud: `europe-west1`. */
  region: string;
  /**
   * E-mail address of the service account of the tasks, which needs access to the bucket.
   *
   * @default {undefined} (the project's default account)
   */
  serviceAccount?: string;
}

/** A day: longer than any task, for a server that asks for patience. The default is ten minutes. */
const TIMEOUT_SECONDS = 24 * 3600;

/** The tasks, each tried twice, or the merge. */
export function cloudRunManifest(
  job: ArrayJob,
  part: "tasks" | typeof MERGE,
  { serviceAccount }: CloudRunOptions,
): object {
  const count = part === MERGE ? 1 : job.tasks;
  const { name: _, ...container } = describeContainer(job, part);
  const task = {
    maxRetries: 1,
    timeoutSeconds: String(TIMEOUT_SECONDS),
    ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
    containers: [container],
  };
  return {
    apiVersion: "run.googleapis.com/v1",
    kind: "Job",
    metadata: { name: jobNameOf(job, part === MERGE ? MERGE : 0) },
    spec: {
      template: { spec: { taskCount: count, parallelism: count, template: { spec: task } } },
    },
  };
}
