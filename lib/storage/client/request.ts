import { Attempt } from "../protocol/attempt.ts";
import { type Candidate, chooseRefusal, describeAt, isRefusal } from "./candidate.ts";
import { delay, type DelayBounds, drawDelay } from "../../util/timing.ts";
import { FetchFailure, readError, StorageError } from "../protocol/storage_error.ts";
import { type GivenUp, type Host, type Permit, waitForPermit } from "./host.ts";
import type { Remote } from "../protocol/attempt.ts";
import type { StatusTeller } from "./host_status.ts";
import type { StorageCounters } from "../protocol/objects.ts";

/** How long to go on trying. */
export interface RequestPolicy extends DelayBounds {
  /** Attempts that may fail because of the object. */
  maxAttempts: number;
  /**
   * After so long a host is given up; after twice that, and `maxAttempts`, an object that its host
   * goes on refusing while it serves others.
   */
  giveUpAfterMs: number;
  /** An attempt fails when no byte has come for so long. */
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/** What requests have in common. */
export interface RequestContext {
  policy: RequestPolicy;
  counters: StorageCounters;
  status: StatusTeller;
  open(candidate: Candidate): Promise<Source>;
}

/** A server that may have the object, and how to ask it. */
export interface Source {
  candidate: Candidate;
  remote: Remote;
  host: Host;
}

/** Sends a request, once, to the server of `source`. */
export type Send<T> = (source: Source, attempt: Attempt) => Promise<T>;

/**
 * Sends a request to the first candidate that serves, until one succeeds. A failure that may pass is
 * followed by an attempt at the next candidate, and by a wait when none is left; what one candidate
 * lacks or refuses is asked of the next.
 *
 * @param url what errors call the object, whoever was asked.
 * @throws {StorageError} `missing` only if all candidates say so, `unreachable` if one was given up
 *   and no other has the object; else the last failure, when the object itself failed `maxAttempts`
 *   times.
 * @throws The signal's reason when it aborts.
 */
export async function sendRequest<T>(
  url: string,
  candidates: readonly Candidate[],
  context: RequestContext,
  send: Send<T>,
): Promise<T> {
  return await new Pursuit(url, candidates, context).run(send);
}

/** The sources in whose lines a request can wait. */
interface Choice {
  sources: Source[];
  /** Whether there are others behind them. */
  hasOthers: boolean;
  /** Why there may be none. */
  givenUp: { name: string; state: GivenUp }[];
}

class Pursuit {
  /** Those that have not refused. */
  #candidates: readonly Candidate[];
  readonly #refusals: { name: string; error: StorageError }[] = [];
  /** Those that have failed since the last wait. */
  readonly #failed = new Set<Candidate>();
  /** Wait before they are tried again. */
  #delayMs = 0;
  #attempts = 0;
  #objectFailures = 0;
  #firstFailureMs: number | undefined;

  constructor(
    private readonly url: string,
    candidates: readonly Candidate[],
    private readonly context: RequestContext,
  ) {
    this.#candidates = candidates;
  }

  async run<T>(send: Send<T>): Promise<T> {
    for (;;) {
      const { source, permit } = await this.#admit();
      try {
        const result = await source.host.use(permit, () => this.#sendOnce(source, send));
        this.context.status.noteSuccess(source.host);
        return result;
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        this.#goOnAfter(error, source);
      }
    }
  }

  /** Waits until one of the candidates may be asked. */
  async #admit(): Promise<{ source: Source; permit: Permit }> {
    for (;;) {
      const { sources, hasOthers, givenUp } = await this.#choose();
      if (sources.length > 0) {
        const hosts = sources.map(({ host }) => host);
        const permit = await waitForPermit(hosts, hasOthers, this.context.policy.signal);
        const source = sources.find(({ host }) => host === permit?.host);
        if (permit && source) return { source, permit };
      } else if (this.#failed.size > 0) {
        await this.#startRound();
      } else {
        throw this.#conclude(givenUp);
      }
    }
  }

  /** Goes through the candidates up to the first that is healthy. */
  async #choose(): Promise<Choice> {
    const choice: Choice = { sources: [], hasOthers: false, givenUp: [] };
    const left = this.#candidates.filter((candidate) => !this.#failed.has(candidate));
    for (const candidate of left) {
      const source = await this.context.open(candidate);
      const { name, givenUp, isPaused, isHealthy } = source.host;
      if (givenUp) choice.givenUp.push({ name, state: givenUp });
      // Who has failed elsewhere does not wait here for the end of a pause.
      if (givenUp || isPaused && this.#failed.size > 0) continue;
      choice.sources.push(source);
      choice.hasOthers = isHealthy && candidate !== left.at(-1);
      if (isHealthy) break;
    }
    return choice;
  }

  async #startRound(): Promise<void> {
    this.#failed.clear();
    const delayMs = this.#delayMs;
    this.#delayMs = 0;
    if (delayMs > 0) await delay(delayMs, this.context.policy.signal);
  }

  async #sendOnce<T>(source: Source, send: Send<T>): Promise<T> {
    const { policy: { timeoutMs, signal }, counters } = this.context;
    const { candidate: { url }, host: { name } } = source;
    signal?.throwIfAborted();
    using attempt = new Attempt(url, timeoutMs, counters, signal);
    if (this.#attempts > 0) counters.retries++;
    this.#attempts++;
    counters.requests++;
    counters.requestsByHost[name] = (counters.requestsByHost[name] ?? 0) + 1;
    try {
      const result = await send(source, attempt);
      if (attempt.timing) source.host.times.note(attempt.timing);
      return result;
    } catch (error) {
      // What comes up after an abort is an echo of it, often wrapped by a library.
      if (attempt.signal.aborted) throw attempt.signal.reason;
      throw error instanceof FetchFailure ? error.describe(url) : error;
    }
  }

  /** Decides what to do differently next time; throws what no other attempt can mend. */
  #goOnAfter(error: StorageError, source: Source): void {
    const told = describeAt(error, this.url, source.candidate);
    if (isRefusal(error)) this.#noteRefusal(told, source);
    else if (error.isRetriable) this.#noteFailure(told, source);
    else throw told;
    this.context.status.noteFailure(source.host, error);
  }

  #noteRefusal(error: StorageError, { candidate, host: { name } }: Source): void {
    this.#refusals.push({ name, error });
    this.#candidates = this.#candidates.filter((it) => it !== candidate);
    if (this.#candidates.length > 0) return;
    throw chooseRefusal(this.#refusals.map(({ error }) => error));
  }

  #noteFailure(error: StorageError, { candidate }: Source): void {
    const { policy } = this.context;
    this.#failed.add(candidate);
    this.#firstFailureMs ??= performance.now();
    if (error.isObjectFailure) this.#delayMs = drawDelay(policy, this.#objectFailures++);
    const forMs = performance.now() - this.#firstFailureMs;
    const isRefused = this.#attempts >= policy.maxAttempts && forMs >= 2 * policy.giveUpAfterMs;
    if (isRefused || this.#objectFailures >= policy.maxAttempts) {
      throw giveUp(error, this.#attempts);
    }
  }

  /** The error when every candidate has refused or was given up. */
  #conclude(givenUp: Choice["givenUp"]): StorageError {
    const last = givenUp[0]!.state.last;
    const states = [
      ...givenUp.map(({ name, state: { failedForMs, last } }) =>
        `${name} has failed for ${formatDuration(failedForMs)} without one success ` +
        `(last: ${last.answer ?? last.message})`
      ),
      ...this.#refusals.map(({ name, error }) => `${name} answered ${error.answer ?? error.kind}`),
    ];
    return readError("unreachable", this.url, `${states.join("; ")}; try again later`, {
      status: last.status,
      answer: last.answer,
      attempts: this.#attempts,
      cause: last,
    });
  }
}

function giveUp(error: StorageError, attempts: number): StorageError {
  const message = `${error.message} (gave up after ${attempts} attempts)`;
  return new StorageError(error.kind, error.url, message, { ...error, attempts, cause: error });
}

function formatDuration(ms: number): string {
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}
