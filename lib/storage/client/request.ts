import { delay } from "jsr:@std/async@^1.1.0";
import { Attempt, type AttemptOptions, type Backend } from "../protocol/attempt.ts";
import type { Mirror, StorageCounters } from "../protocol/objects.ts";
import {
  FetchFailure,
  type Mistake,
  readError,
  StorageError,
  type StorageErrorKind,
} from "../protocol/storage_error.ts";
import { formatDuration } from "../../util/numbers.ts";
import { type DelayBounds, drawDelay } from "../../util/timing.ts";
import { type GivenUp, type Host, type Permit, waitForPermit } from "./host.ts";
import type { StatusReporter } from "./host_status.ts";

/** When to give up. */
export interface RequestPolicy extends DelayBounds {
  /** Attempts that may fail because of the object. */
  maxAttempts: number;
  /**
   * A host is given up after this long without success. After twice this time, and `maxAttempts`, so
   * is an object that its host refuses while it serves others.
   */
  giveUpAfterMs: number;
  /** An attempt fails when it has made no progress for this long. */
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/** What requests have in common. */
export interface RequestContext {
  policy: RequestPolicy;
  counters: StorageCounters;
  status: StatusReporter;
  /** Whether any host has served a request. */
  readonly hasServed: boolean;
  /** Objects that failed as often as they may, and were not served since. */
  readonly failed: Set<string>;
  open(replica: Replica): Promise<Route>;
}

/** An address that should have the object. */
export interface Replica {
  url: string;
  /** `undefined` for the object's own address. */
  mirror?: Mirror;
}

/** A replica, and what a request for it is sent with. */
export interface Route {
  replica: Replica;
  backend: Backend;
  host: Host;
}

/** Sends a request, once, along `route`. */
export type Send<T> = (route: Route, attempt: Attempt) => Promise<T>;

/** The replicas of an object, the preferred one first; its own address if no mirror has it. */
export function findReplicas(url: string, mirrors: readonly Mirror[]): Replica[] {
  const replicas = mirrors.flatMap((mirror) => {
    const located = mirror.locate(url);
    return located === undefined ? [] : [{ url: located, mirror }];
  });
  return replicas.length > 0 ? replicas : [{ url }];
}

/**
 * Sends a request to the first replica that is served, until one succeeds. A failure that may pass is
 * followed by an attempt at the next replica, and by a wait when none is left; what one replica lacks
 * or refuses is requested from the next. A doubtful refusal is believed when it comes three times, and
 * so is a failure of an object that has failed `maxAttempts` times.
 *
 * @param url what errors call the object, whichever replica was asked.
 * @param maxBytes of {@linkcode GetOptions}.
 * @throws {StorageError} `missing` only if all replicas are missing, `unreachable` if a host was given
 *   up and no other has the object; else the last failure, when the object itself failed
 *   `maxAttempts` times.
 * @throws The signal's reason when it aborts.
 */
export async function sendRequest<T>(
  url: string,
  replicas: readonly Replica[],
  context: RequestContext,
  send: Send<T>,
  maxBytes?: number,
): Promise<T> {
  return await new Pursuit(url, replicas, context, maxBytes).run(send);
}

/** A doubtful refusal is believed when a replica gives it this often; the same of a known failure. */
const MAX_DOUBTS = 3;

/** The routes in whose queues a request can wait. */
interface Choice {
  routes: Route[];
  /** Whether there are others behind them. */
  hasOthers: boolean;
  /** Why there may be no routes. */
  givenUp: { name: string; server: string; state: GivenUp }[];
}

/** One request from its first attempt to its end. */
class Pursuit {
  /** Those that have not refused. */
  #replicas: readonly Replica[];
  readonly #refusals: { name: string; error: StorageError }[] = [];
  /** Those that have failed since the last wait. */
  readonly #failed = new Set<Replica>();
  /** How often each has refused doubtfully. */
  readonly #doubts = new Map<Replica, number>();
  /** Wait before they are tried again. */
  #delayMs = 0;
  #attempts = 0;
  #objectFailures = 0;
  /** How many times as long as usual the next attempt may take. */
  #patience = 1;
  #firstFailureMs: number | undefined;

  constructor(
    private readonly url: string,
    replicas: readonly Replica[],
    private readonly context: RequestContext,
    private readonly maxBytes: number | undefined,
  ) {
    this.#replicas = replicas;
  }

  async run<T>(send: Send<T>): Promise<T> {
    for (;;) {
      const { route, permit } = await this.#admit();
      try {
        const result = await route.host.use(permit, () => this.#sendOnce(route, send));
        this.context.status.noteSuccess(route.host);
        this.context.failed.delete(this.url);
        return result;
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        await this.#handleFailure(error, route);
      }
    }
  }

  /** Waits until one of the replicas may be asked. */
  async #admit(): Promise<{ route: Route; permit: Permit }> {
    for (;;) {
      const { routes, hasOthers, givenUp } = await this.#choose();
      if (routes.length > 0) {
        const hosts = routes.map(({ host }) => host);
        const permit = await waitForPermit(hosts, hasOthers, this.context.policy.signal);
        const route = routes.find(({ host }) => host === permit?.host);
        if (permit && route) return { route, permit };
      } else if (this.#failed.size > 0) {
        await this.#startRound();
      } else {
        throw this.#conclude(givenUp);
      }
    }
  }

  /** Chooses from the replicas up to the first whose host is healthy. */
  async #choose(): Promise<Choice> {
    const choice: Choice = { routes: [], hasOthers: false, givenUp: [] };
    const left = this.#replicas.filter((replica) => !this.#failed.has(replica));
    for (const replica of left) {
      const route = await this.context.open(replica);
      route.host.resumeIfDue();
      const { name, givenUp, isPaused, isHealthy } = route.host;
      if (givenUp) choice.givenUp.push({ name, server: serverOf(route), state: givenUp });
      // A request that has failed elsewhere does not wait here for the end of a pause.
      if (givenUp || isPaused && this.#failed.size > 0) continue;
      choice.routes.push(route);
      choice.hasOthers = isHealthy && replica !== left.at(-1);
      if (isHealthy) break;
    }
    return choice;
  }

  async #startRound(): Promise<void> {
    this.#failed.clear();
    const delayMs = this.#delayMs;
    this.#delayMs = 0;
    const { signal } = this.context.policy;
    if (delayMs > 0) await delay(delayMs, { signal });
  }

  async #sendOnce<T>(route: Route, send: Send<T>): Promise<T> {
    const { policy: { timeoutMs, signal }, counters } = this.context;
    const { replica: { url }, host: { name, times } } = route;
    signal?.throwIfAborted();
    const options: AttemptOptions = { url, timeoutMs, counters, signal, times };
    const { maxBytes } = this;
    using attempt = new Attempt({ ...options, maxBytes, patience: this.#patience });
    if (this.#attempts > 0) counters.retries++;
    this.#attempts++;
    counters.requests++;
    counters.requestsByHost[name] = (counters.requestsByHost[name] ?? 0) + 1;
    try {
      const result = await send(route, attempt);
      if (attempt.timing) route.host.times.note(attempt.timing);
      return result;
    } catch (error) {
      // A line that has become slower would otherwise never finish.
      if (attempt.isOverdue) this.#patience *= 2;
      // After an abort, any error is a consequence of it, often wrapped by a library.
      if (attempt.signal.aborted) throw attempt.signal.reason;
      throw error instanceof FetchFailure ? error.describe(url) : error;
    }
  }

  /** Decides how the next attempt differs; throws what no other attempt can mend. */
  async #handleFailure(error: StorageError, route: Route): Promise<void> {
    const { mirror } = route.replica;
    const named = mirror ? error.with({ url: this.url, mirror: mirror.name }) : error;
    if (error.kind === "changed") this.#noteOther(named, route);
    else if (error.isDoubtful) await this.#noteDoubt(named, route);
    else if (isRefusal(error)) this.#noteRefusal(named, route);
    else if (error.isRetriable) this.#noteFailure(named, route);
    else throw named;
    this.context.status.noteFailure(route.host, error);
  }

  /** An address that has another version is left out if it always had, and the next one may not. */
  #noteOther(error: StorageError, route: Route): void {
    const isLast = this.#replicas.every((it) => it === route.replica || this.#failed.has(it));
    if (isLast || !error.isDoubtful) throw error;
    this.#noteRefusal(error, route);
  }

  #noteRefusal(error: StorageError, route: Route): void {
    const { replica, host: { name } } = route;
    const { mistake } = error;
    const isMistaken = mistake !== undefined && !this.context.hasServed;
    this.#refusals.push({
      name,
      error: isMistaken ? mistakeError(error, serverOf(route), mistake) : error,
    });
    this.#replicas = this.#replicas.filter((it) => it !== replica);
    if (this.#replicas.length > 0) return;
    const { hasServed } = this.context;
    throw chooseRefusal(this.#refusals.map(({ error }) => error)).with({ hasServed });
  }

  /** The next replica is asked at once, and this one again after a wait, until it is believed. */
  async #noteDoubt(error: StorageError, route: Route): Promise<void> {
    const { policy } = this.context;
    const { replica, host } = route;
    const before = this.#doubts.get(replica) ?? 0;
    this.#doubts.set(replica, before + 1);
    this.#failed.add(replica);
    if (before + 1 < Math.min(MAX_DOUBTS, policy.maxAttempts)) {
      this.#delayMs = Math.max(this.#delayMs, drawDelay(policy, before));
      return;
    }
    // Whether the server serves anything is seen from the requests that it has.
    while (!this.context.hasServed && host.underWay > 0) await host.nextEnd();
    const attempts = this.#attempts > 1 ? this.#attempts : undefined;
    this.#noteRefusal(error.with({ attempts }), route);
  }

  #noteFailure(error: StorageError, { replica }: Route): void {
    const { policy } = this.context;
    this.#failed.add(replica);
    this.#firstFailureMs ??= performance.now();
    if (error.isObjectFailure) this.#delayMs = drawDelay(policy, this.#objectFailures++);
    const forMs = performance.now() - this.#firstFailureMs;
    const isRefused = this.#attempts >= policy.maxAttempts && forMs >= 2 * policy.giveUpAfterMs;
    const { failed } = this.context;
    const maxFailures = failed.has(this.url)
      ? Math.min(MAX_DOUBTS, policy.maxAttempts)
      : policy.maxAttempts;
    if (isRefused || this.#objectFailures >= maxFailures) {
      const isOfObject = error.isObjectFailure;
      if (isOfObject) failed.add(this.url);
      throw error.with({ attempts: this.#attempts, isOfObject, cause: error });
    }
  }

  /** The error when every replica has refused or its host was given up. */
  #conclude(givenUp: Choice["givenUp"]): StorageError {
    const { last } = givenUp[0]!.state;
    const mistakes = givenUp.flatMap(({ server, state: { last: { mistake } } }) =>
      mistake === undefined ? [] : [{ server, ...mistake }]
    );
    const isServing = this.context.hasServed || this.#refusals.length > 0;
    if (mistakes.length === givenUp.length && !isServing) {
      const [first, ...others] = mistakes as [Required<Mistake>, ...Required<Mistake>[]];
      const text = [first.text, ...others.map((it) => `${it.server}: ${it.text}`)].join("; ");
      return mistakeError(last, first.server, { text }).with({ kind: "unreachable" });
    }
    const states = [
      ...givenUp.map(({ name, state: { failedForMs, last } }) =>
        `${name} has failed for ${formatDuration(failedForMs / 1000)} without one success ` +
        `(last: ${last.answer ?? last.state})`
      ),
      ...this.#refusals.map(({ name, error }) => `${name} answered ${error.answer ?? error.kind}`),
    ];
    return readError("unreachable", this.url, `${states.join("; ")}; try again later`, {
      status: last.status,
      answer: last.answer,
      cause: last,
    });
  }
}

/** Name and port of the server that a route leads to. */
function serverOf({ backend, replica }: Route): string {
  return new URL(backend.origin(replica.url)).host;
}

/** The error for an address that never served, which names the server instead of the object. */
function mistakeError(last: StorageError, server: string, mistake: Mistake): StorageError {
  return last.with({
    action: "reach",
    subject: mistake.server ?? server,
    state: mistake.text,
    isDoubtful: false,
    attempts: undefined,
  });
}

/**
 * Kinds of error in the order in which the first is reported when no server gives the object:
 * `missing` comes after those that leave open whether it exists.
 */
const RANKS: readonly StorageErrorKind[] = ["range", "corrupt", "denied", "missing", "unsupported"];

/** Whether asking this server again is of no use, but asking another one may be. */
function isRefusal({ kind }: StorageError): boolean {
  return kind !== "corrupt" && RANKS.includes(kind);
}

/** The refusal that says most about an object that no server gives. */
function chooseRefusal(refusals: readonly StorageError[]): StorageError {
  const rank = ({ kind }: StorageError) => RANKS.indexOf(kind);
  return refusals.toSorted((a, b) => rank(a) - rank(b))[0]!;
}
