/**
 * Coiled's REST API, as far as batch jobs need it.
 *
 * | fact | source |
 * | --- | --- |
 * | server, `POST …/jobs/single-job-script/`, token header, `script` | docs.coiled.io/user_guide/rest-api.html |
 * | `COILED_BATCH_TASK_ID`, counting from 0; `ntasks`, `array`, `container` | docs.coiled.io/user_guide/batch.html, …/api.html |
 * | names of the other fields: those of `coiled.batch.run` | docs.coiled.io/_modules/coiled/batch.html |
 * | state of the tasks, log and its pages, stopping | the client of Python, coiled 1.1 (`cli/batch/{status,wait,logs}.py`, `v2/core.py`) |
 *
 * The first two are documented. The client's paths are what its own commands use; Coiled promises
 * nothing of them, nor which fields the answer to a submission has: {@linkcode PATHS} and the
 * interfaces below are all that there is to change. Nothing of this has been tried against Coiled itself.
 *
 * @module
 */
import { delay, type DelayBounds, drawDelay } from "../util/timing.ts";
import { EngineError } from "./array_engine.ts";

/** Coiled's server. */
export const COILED_SERVER = "https://cloud.coiled.io";

/** Where things are on it. */
export const PATHS = {
  submit: "/api/v2/jobs/single-job-script/",
  jobs: (cluster: number) => `/api/v2/jobs/cluster/${cluster}`,
  cluster: (workspace: string, cluster: number) =>
    `/api/v2/clusters/account/${encodeURIComponent(workspace)}/id/${cluster}`,
  logs: (workspace: string, cluster: number) => `${PATHS.cluster(workspace, cluster)}/better-logs`,
} as const;

/** A job: a script that runs once for each task, each on a machine of its own. */
export interface CoiledJobRequest {
  /** Text of a shell script. */
  script: string;
  name: string;
  workspace: string;
  /** Image of the container that the script runs in. */
  container: string;
  /** Of the cloud provider; that of the workspace where there is none. */
  region?: string;
  /** Processors of a machine. */
  cpu: number;
  /** Memory of a machine: `4096MiB`. */
  memory: string;
  /** Which tasks: `0-8` or `2,5`. */
  array: string;
  /** Variables; Coiled keeps them only as long as the job runs. */
  secret_env: Readonly<Record<string, string>>;
}

/** The answer to a submission. */
export interface CoiledJobAnswer {
  job_id?: number;
  cluster_id?: number;
}

/** A job as its cluster tells of it. */
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

/** How Coiled is reached. */
export interface CoiledAccess {
  /** Secret: it appears in no error. */
  token: string;
  workspace: string;
  /** @default {COILED_SERVER} */
  server?: string;
  /** @default {1000} */
  minDelayMs?: number;
  /** @default {30_000} */
  maxDelayMs?: number;
  /** Requests for one answer, at most. @default {6} */
  maxAttempts?: number;
  /** Ends questions; what starts or stops machines is carried through. */
  signal?: AbortSignal;
}

/** Asks Coiled, patiently: what a busy or a failing server did not take is asked again. */
export class CoiledApi {
  readonly #access: CoiledAccess;
  readonly #bounds: DelayBounds;

  constructor(access: CoiledAccess) {
    const { minDelayMs = 1000, maxDelayMs = 30_000 } = access;
    this.#access = access;
    this.#bounds = { minDelayMs, maxDelayMs };
  }

  /**
   * Submits a job. What may have reached Coiled is not sent twice: machines cost money.
   *
   * @throws {EngineError}
   */
  async submit(job: CoiledJobRequest): Promise<Required<CoiledJobAnswer>> {
    const { job_id, cluster_id } = await this.#ask<CoiledJobAnswer>("POST", PATHS.submit, job);
    if (job_id !== undefined && cluster_id !== undefined) return { job_id, cluster_id };
    throw new EngineError(
      "Cannot follow the job: Coiled took it, but names no job_id and cluster_id; " +
        `it runs on, stop it at ${this.#server}`,
    );
  }

  /** The jobs of a cluster with all their tasks. */
  readJobs(cluster: number): Promise<CoiledJob[]> {
    return this.#ask("GET", PATHS.jobs(cluster));
  }

  /**
   * The log of a task. It comes in pages: each is asked for from the time of the last event of the
   * one before it, until one brings nothing new.
   */
  async readLog(cluster: number, job: number, task: number): Promise<CoiledLogEvent[]> {
    const events = new Map<string, CoiledLogEvent>();
    const query = new URLSearchParams({
      dask: "True",
      filter_pattern: `__BATCH ${job}.${task}__`,
    });
    while (true) {
      const path = `${PATHS.logs(this.#access.workspace, cluster)}?${query}`;
      const page = await this.#ask<CoiledLogEvent[]>("GET", path);
      const known = events.size;
      for (const event of page) {
        events.set(JSON.stringify([event.timestamp, event.instance_id, event.message]), event);
      }
      if (events.size === known) return [...events.values()];
      query.set("since_ms", String(page.at(-1)!.timestamp));
    }
  }

  /** Stops the machines of a cluster, and with them its jobs; those that are stopped stay so. */
  async stop(cluster: number): Promise<void> {
    await this.#ask("DELETE", PATHS.cluster(this.#access.workspace, cluster));
  }

  get #server(): string {
    return this.#access.server ?? COILED_SERVER;
  }

  async #ask<Answer>(method: Method, path: string, body?: object): Promise<Answer> {
    const { maxAttempts = 6 } = this.#access;
    const signal = method === "GET" ? this.#access.signal : undefined;
    for (let failures = 0;;) {
      const response = await this.#send(method, path, body, signal);
      if (response instanceof Response && response.ok) return await response.json();
      if (++failures === maxAttempts || !mayPass(method, response)) {
        throw await this.#explain(method, path, response, failures);
      }
      const askedMs = await readRetryAfter(response);
      await delay(Math.max(askedMs, drawDelay(this.#bounds, failures - 1)), signal);
    }
  }

  /** The answer, or why there is none. */
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
    const tries = attempts === 1 ? "" : ` (asked ${attempts} times)`;
    if (!(response instanceof Response)) {
      return new EngineError(`${what}: ${response.message}${tries}`, { cause: response });
    }
    const { status } = response;
    const said = this.#hide(await response.text());
    const remedy = REMEDIES[status] ?? "";
    return new EngineError(`${what}: Coiled answered ${status}${tries}${remedy}${said}`);
  }

  /** What the server said, without the token. */
  #hide(text: string): string {
    const said = readMessage(text).replaceAll(this.#access.token, "…").slice(0, MOST_SAID);
    return said === "" ? "" : `: ${said}`;
  }
}

type Method = "GET" | "POST" | "DELETE";

const VERBS: Record<Method, string> = { GET: "read", POST: "submit to", DELETE: "stop" };
const REMEDIES: Partial<Record<number, string>> = {
  401: ", check the token",
  403: ", check the token and what it may do in the workspace",
  404: ", check the workspace",
};
const MOST_SAID = 500;

/** The `message` or `detail` of a refusal, else all that was said. */
function readMessage(text: string): string {
  try {
    const { message, detail } = JSON.parse(text);
    return String(message ?? detail ?? text);
  } catch {
    return text.trim();
  }
}

/** Whether the same request may be taken later. */
function mayPass(method: Method, response: Response | TypeError): boolean {
  if (!(response instanceof Response)) return method !== "POST";
  const { status } = response;
  // A server that is too busy has not done it; of other failures nobody knows.
  if (status === 429 || status === 503) return true;
  return status >= 500 && method !== "POST";
}

/** Milliseconds that the server asks for, the answer put away. */
async function readRetryAfter(response: Response | TypeError): Promise<number> {
  if (!(response instanceof Response)) return 0;
  await response.body?.cancel();
  const seconds = Number(response.headers.get("retry-after") ?? 0);
  return Number.isFinite(seconds) ? seconds * 1000 : 0;
}
