/**
 * The part of Coiled's REST API that batch jobs use.
 *
 * | fact | source |
 * | --- | --- |
 * | server, `POST …/jobs/single-job-script/`, token header, `script` | docs.coiled.io/user_guide/rest-api.html |
 * | `COILED_BATCH_TASK_ID`, counting from 0; `ntasks`, `array`, `container` | docs.coiled.io/user_guide/batch.html, …/api.html |
 * | names of the other fields: those of `coiled.batch.run` | docs.coiled.io/_modules/coiled/batch.html |
 * | state of the tasks, log and its pages, stopping | the client of Python, coiled 1.1 (`cli/batch/{status,wait,logs}.py`, `v2/core.py`) |
 *
 * The first two rows are documented. The paths of the client are those of its own commands, and may
 * change, as may the fields of the answer to a submission: then change {@linkcode PATHS} and the
 * interfaces below. Nothing of this has been tried against Coiled itself.
 *
 * @module
 */
import { delay } from "jsr:@std/async@^1.1.0";
import { type DelayBounds, drawDelay } from "../util/timing.ts";
import { EngineError } from "./array_engine.ts";

/** Address of Coiled. */
const COILED_SERVER = "https://cloud.coiled.io";

/** Paths on the server. */
export const PATHS = {
  submit: "/api/v2/jobs/single-job-script/",
  jobs: (cluster: number) => `/api/v2/jobs/cluster/${cluster}`,
  cluster: (workspace: string, cluster: number) =>
    `/api/v2/clusters/account/${encodeURIComponent(workspace)}/id/${cluster}`,
  logs: (workspace: string, cluster: number) => `${PATHS.cluster(workspace, cluster)}/better-logs`,
} as const;

/** A job: a script that runs once for each task, on a machine of its own. */
export interface CoiledJobRequest {
  /** Text of a shell script. */
  script: string;
  name: string;
  workspace: string;
  /** Image of the container that the script runs in. */
  container: string;
  /** Region of the cloud provider. @default {undefined} (that of the workspace) */
  region?: string;
  /** Processors of a machine. */
  cpu: number;
  /** Memory of a machine: `4096MiB`. */
  memory: string;
  /** Indexes of the tasks: `0-8` or `2,5`. */
  array: string;
  /** Variables; Coiled stores them only while the job runs. */
  secret_env: Readonly<Record<string, string>>;
}

/** The answer to a submission. */
export interface CoiledJobAnswer {
  job_id?: number;
  cluster_id?: number;
}

/** A job in the list of its cluster. */
export interface CoiledJob {
  id: number;
  /** `error` when the machines did not start. */
  cluster_state: string;
  tasks: CoiledTask[];
}

/** A task. */
export interface CoiledTask {
  array_task_id: number;
  /** `pending`, `assigned`, `running`, `done` or `error`. */
  state: string;
  exit_code: number | null;
}

/** An entry of the log. */
export interface CoiledLogEvent {
  /** Milliseconds since 1970. */
  timestamp: number;
  instance_id?: number;
  message: string;
}

/** Access to Coiled. */
export interface CoiledAccess {
  /** Secret: no error shows it. */
  token: string;
  workspace: string;
  /** @default {COILED_SERVER} */
  server?: string;
  /** @default {1000} */
  minDelayMs?: number;
  /** @default {30_000} */
  maxDelayMs?: number;
  /** Attempts for one answer, at most. @default {6} */
  maxAttempts?: number;
  /** Ends requests that only read; those that start or stop machines run to their end. */
  signal?: AbortSignal;
}

/** A client of Coiled that retries what a busy or failing server did not accept. */
export class CoiledApi {
  readonly #access: CoiledAccess;
  readonly #bounds: DelayBounds;

  constructor(access: CoiledAccess) {
    const { minDelayMs = 1000, maxDelayMs = 30_000 } = access;
    this.#access = access;
    this.#bounds = { minDelayMs, maxDelayMs };
  }

  /**
   * Submits a job. A request that may have reached Coiled is not repeated: machines cost money.
   *
   * @throws {EngineError} when Coiled refuses, does not answer, or does not name the job.
   */
  async submit(job: CoiledJobRequest): Promise<Required<CoiledJobAnswer>> {
    const { job_id, cluster_id } = await this.#request<CoiledJobAnswer>("POST", PATHS.submit, job);
    if (job_id !== undefined && cluster_id !== undefined) return { job_id, cluster_id };
    throw new EngineError(
      "Cannot follow the job: Coiled accepted it, but gave no job_id and cluster_id; " +
        `it still runs, stop it at ${this.#server}`,
    );
  }

  /** The jobs of a cluster with all their tasks. */
  readJobs(cluster: number): Promise<CoiledJob[]> {
    return this.#request("GET", PATHS.jobs(cluster));
  }

  /**
   * The log of a task. Costs one GET a page: each page starts at the time of the last event before it,
   * until one has no new events.
   */
  async readLog(cluster: number, job: number, task: number): Promise<CoiledLogEvent[]> {
    const events = new Map<string, CoiledLogEvent>();
    const query = new URLSearchParams({
      dask: "True",
      filter_pattern: `__BATCH ${job}.${task}__`,
    });
    while (true) {
      const path = `${PATHS.logs(this.#access.workspace, cluster)}?${query}`;
      const page = await this.#request<CoiledLogEvent[]>("GET", path);
      const known = events.size;
      for (const event of page) {
        events.set(JSON.stringify([event.timestamp, event.instance_id, event.message]), event);
      }
      if (events.size === known) return [...events.values()];
      query.set("since_ms", String(page.at(-1)!.timestamp));
    }
  }

  /** Stops the machines of a cluster, and its jobs with them; machines that are stopped stay stopped. */
  async stop(cluster: number): Promise<void> {
    await this.#request("DELETE", PATHS.cluster(this.#access.workspace, cluster));
  }

  get #server(): string {
    return this.#access.server ?? COILED_SERVER;
  }

  async #request<Answer>(method: Method, path: string, body?: object): Promise<Answer> {
    const { maxAttempts = 6 } = this.#access;
    const signal = method === "GET" ? this.#access.signal : undefined;
    for (let failures = 0;;) {
      const response = await this.#send(method, path, body, signal);
      if (response instanceof Response && response.ok) return await response.json();
      if (++failures === maxAttempts || !isRetriable(method, response)) {
        throw await this.#explain(method, path, response, failures);
      }
      const retryAfterMs = await readRetryAfter(response);
      await delay(Math.max(retryAfterMs, drawDelay(this.#bounds, failures - 1)), { signal });
    }
  }

  /** The answer, or the error of the connection. */
  async #send(
    method: Method,
    path: string,
    body: object | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Response | TypeError> {
    try {
      return await fetch(this.#server + path, {
        method,
        headers: {
          authorization: `ApiToken ${this.#access.token}`,
          ...(body ? { "content-type": "application/json" } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      if (error instanceof TypeError) return error;
      throw error;
    }
  }

  async #explain(
    method: Method,
    path: string,
    response: Response | TypeError,
    attempts: number,
  ): Promise<EngineError> {
    const what = `Cannot ${VERBS[method]} ${this.#server}${path.replace(/\?.*$/, "")}`;
    const tries = attempts === 1 ? "" : ` (${attempts} attempts)`;
    if (!(response instanceof Response)) {
      return new EngineError(`${what}: ${response.message}${tries}`, { cause: response });
    }
    const { status } = response;
    const answer = this.#hide(await response.text());
    const remedy = REMEDIES[status] ?? "";
    return new EngineError(`${what}: Coiled answered ${status}${tries}${remedy}${answer}`);
  }

  /** The text of an answer, without the token. */
  #hide(text: string): string {
    const message = readMessage(text).replaceAll(this.#access.token, "…");
    return message === "" ? "" : `: ${message.slice(0, MAX_MESSAGE_LENGTH)}`;
  }
}

type Method = "GET" | "POST" | "DELETE";

const VERBS: Record<Method, string> = { GET: "read", POST: "submit to", DELETE: "stop" };
const REMEDIES: Partial<Record<number, string>> = {
  401: ", check the token",
  403: ", check the token and what it may do in the workspace",
  404: ", check the workspace",
};
const MAX_MESSAGE_LENGTH = 500;

/** The `message` or `detail` of a refusal, else the whole text. */
function readMessage(text: string): string {
  try {
    const { message, detail } = JSON.parse(text);
    return String(message ?? detail ?? text);
  } catch {
    return text.trim();
  }
}

/** Whether the same request may be accepted later. */
function isRetriable(method: Method, response: Response | TypeError): boolean {
  if (!(response instanceof Response)) return method !== "POST";
  const { status } = response;
  // A busy server has not accepted the job; after other failures it may have.
  if (status === 429 || status === 503) return true;
  return status >= 500 && method !== "POST";
}

/** The wait in `Retry-After`, in milliseconds. Discards the answer. */
async function readRetryAfter(response: Response | TypeError): Promise<number> {
  if (!(response instanceof Response)) return 0;
  await response.body?.cancel();
  const seconds = Number(response.headers.get("retry-after") ?? 0);
  return Number.isFinite(seconds) ? seconds * 1000 : 0;
}
