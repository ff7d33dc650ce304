/**
 * Resources of Cloud Run: the jobs that are submitted, one for the tasks and one for the merge, and the
 * tasks that gcloud lists.
 *
 * Jobs are those of `run.googleapis.com/v1`, https://cloud.google.com/run/docs/reference/yaml/v1 and
 * …/reference/rest/v1/namespaces.jobs. At most 10,000 tasks; a task sees `CLOUD_RUN_TASK_INDEX` and
 * `CLOUD_RUN_TASK_COUNT` (https://cloud.google.com/run/docs/create-jobs). Processors are 1, 2, 4, 6 or
 * 8, and set the least and most memory (https://cloud.google.com/run/docs/configuring/jobs/cpu).
 *
 * Tasks are `Task` of https://cloud.google.com/run/docs/reference/rest/v1/namespaces.tasks: condition
 * `Started` is true when a task has begun, `Completed` true when it is done and false when its last
 * attempt failed. An index or an exit code of 0 may be left out, as JSON of Google leaves out zeros.
 *
 * @module
 */
import { type ArrayJob, type JobPart, MERGE, type TaskStatus } from "./array_engine.ts";
import { describeContainer, nameJobPart } from "./container.ts";

/** Where and as whom the tasks run. */
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

/** A day, as a task waits for overloaded servers. Cloud Run's default is ten minutes. */
const TIMEOUT_SECONDS = 24 * 3600;

/** The job of the tasks, or of the merge; each has two attempts. */
export function cloudRunManifest(
  job: ArrayJob,
  part: JobPart,
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
    metadata: { name: nameJobPart(job, part) },
    spec: {
      template: { spec: { taskCount: count, parallelism: count, template: { spec: task } } },
    },
  };
}

/** The fields of a task that are used. */
export interface CloudRunTask {
  status?: {
    index?: number;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    lastAttemptResult?: { exitCode?: number; termSignal?: number; status?: { message?: string } };
  };
}

/** The tasks of an execution by index; a task that is not in the list is queued. */
export function readCloudRunTasks(list: readonly CloudRunTask[], tasks: number): TaskStatus[] {
  const byIndex = new Map(list.map((task) => [task.status?.index ?? 0, task]));
  return Array.from({ length: tasks }, (_, index) => readTask(byIndex.get(index)));
}

function readTask(task: CloudRunTask | undefined): TaskStatus {
  const condition = (type: string) => task?.status?.conditions?.find((it) => it.type === type);
  const completed = condition("Completed");
  if (completed?.status === "True") return { state: "done", exitCode: 0 };
  if (completed?.status === "False") return readFailure(task!, completed.reason);
  return { state: condition("Started")?.status === "True" ? "running" : "queued" };
}

function readFailure({ status }: CloudRunTask, reason = "Failed"): TaskStatus {
  const { exitCode, termSignal, status: last } = status?.lastAttemptResult ?? {};
  if (exitCode) return { state: "failed", exitCode };
  return { state: "failed", reason: termSignal ? `signal ${termSignal}` : last?.message ?? reason };
}
