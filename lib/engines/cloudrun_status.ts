/**
 * What `gcloud run jobs executions tasks list --format=json` says of an execution.
 *
 * The resource is `Task` of https://cloud.google.com/run/docs/reference/rest/v1/namespaces.tasks:
 * condition `Started` is true when a task has begun, `Completed` true when it is done and false when it
 * has failed for good. An index, or an exit code, of 0 may be left out, as JSON of Google leaves zeros.
 *
 * @module
 */
import type { TaskStatus } from "./array_engine.ts";

/** A task of an execution, as far as it is looked at. */
export interface CloudRunTask {
  status?: {
    index?: number;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    lastAttemptResult?: { exitCode?: number; termSignal?: number; status?: { message?: string } };
  };
}

/** The tasks of an execution by index; those that are not in the list are not there yet. */
export function readTasks(list: readonly CloudRunTask[], tasks: number): TaskStatus[] {
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
