import { type DelayBounds, drawDelay } from "../../util/timing.ts";
import { StorageError } from "../protocol/storage_error.ts";
import { RequestLimit } from "./request_limit.ts";
import { RequestTimes } from "../protocol/request_times.ts";

/** A server that asks for a longer wait than this gets another request after it. */
const MAX_RETRY_AFTER_MS = 300_000;

/** How a server is treated. */
export interface HostPolicy extends DelayBounds {
  /** Most requests at once. */
  maxRequests: number;
  /** A server is given up after failing this long without one success, and for the same time. */
  giveUpAfterMs: number;
  /** Whether any server has served a request. @default {() => true} */
  hasAnyServed?: () => boolean;
}

/** Pauses after which an address counts as mistaken, where no server has served. */
const MISTAKEN_PAUSES = 3;

/** Wrong answers with no right one between them that count like a refusal. */
const WRONG_IN_ROW = 4;

/** The right to send one request. */
export interface Permit {
  readonly host: Host;
  /** When it was given. */
  readonly sinceMs: number;
  /** Pauses of the host before it was given. */
  readonly epoch: number;
  /** Requests at once when it was given, its own included. */
  readonly underWay: number;
}

/** A request in the queue of one or several hosts. */
interface Waiter {
  /** Whether it could be sent to hosts whose queues it is not in. */
  readonly hasOthers: boolean;
  admit(permit: Permit): void;
  /** Ends its wait; the host will not serve it soon. */
  turnAway(): void;
}

/** It is sent nothing until `untilMs`, and requests to it fail at once. */
export interface GivenUp {
  readonly name: "givenUp";
  readonly untilMs: number;
  readonly failedForMs: number;
  readonly last: StorageError;
}

/**
 * How a host is doing:
 * - `healthy`: it is sent as many requests as its limit
 * - `paused`: it is sent nothing until `untilMs`, and requests wait
 * - `probing`: a pause has ended; it is sent a few requests until one succeeds
 * - `givenUp`: see {@linkcode GivenUp}
 */
export type HostState =
  | { readonly name: "healthy" }
  | { readonly name: "paused"; readonly untilMs: number }
  | { readonly name: "probing" }
  | GivenUp;

const HEALTHY: HostState = { name: "healthy" };
const PROBING: HostState = { name: "probing" };

/**
 * A server, and how many requests it gets.
 *
 * A request needs a permit; those that wait for one are served in turn. A failure of the server (not
 * of an object) cuts the limit and pauses the host, and so do wrong answers with no right one between
 * them. The pause ends when a request under way succeeds,
 * or after a back-off; then two probes are sent, and the others follow when a probe succeeds.
 * Failures of requests that were sent before the last pause say nothing new. `Retry-After` is always
 * obeyed.
 *
 * Reading a property changes nothing: a pause that is over reads as ended, but the limit is restarted
 * by {@linkcode resumeIfDue} alone.
 */
export class Host {
  /** How long it took for what it answered. */
  readonly times = new RequestTimes();
  readonly #policy: HostPolicy;
  readonly #limit: RequestLimit;
  readonly #queue = new Set<Waiter>();
  #state: HostState = HEALTHY;
  #underWay = 0;
  #hasServed = false;
  #wrongInRow = 0;
  /** Called when a request under way ends. */
  #onEnd: (() => void)[] = [];
  #epoch = 0;
  #pausesInRow = 0;
  #retryAfterMs = 0;
  #failingSinceMs: number | undefined;
  #lastFailureMs = 0;
  #lastFailure: StorageError | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param name for status lines and errors. */
  constructor(readonly name: string, policy: HostPolicy) {
    this.#policy = policy;
    this.#limit = new RequestLimit(policy.maxRequests);
  }

  /** Whether it has served a request. */
  get hasServed(): boolean {
    return this.#hasServed;
  }

  /** Requests that it has at present. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Requests that wait for their turn. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Waits until a request under way ends. */
  nextEnd(): Promise<void> {
    return new Promise((resolve) => this.#onEnd.push(resolve));
  }

  get state(): HostState {
    return this.#isPauseOver ? this.#stateAfterPause : this.#state;
  }

  /** Requests that it gets at once, if it is not paused. */
  get limit(): number {
    return this.#isPauseOver ? this.#limit.afterRestart : this.#limit.allowed;
  }

  /** Whether more requests would be sent if it had refused fewer. */
  get isThrottling(): boolean {
    return this.isPaused || this.#limit.isFelt;
  }

  /** Whether it is sent nothing at present: paused, or given up. */
  get isPaused(): boolean {
    return pauseEnd(this.state) !== undefined;
  }

  /** Whether it serves: neither paused, nor being probed. */
  get isHealthy(): boolean {
    return this.state.name === "healthy";
  }

  /** Set while requests to it fail at once. */
  get givenUp(): GivenUp | undefined {
    const { state } = this;
    return state.name === "givenUp" ? state : undefined;
  }

  /** Ends a pause that is over: the next requests are probes. */
  resumeIfDue(): void {
    if (!this.#isPauseOver) return;
    this.#state = this.#stateAfterPause;
    this.#limit.restart();
  }

  /** A permit, if one is free and no request waits. */
  tryAdmit(): Permit | undefined {
    if (this.#queue.size > 0) return undefined;
    this.resumeIfDue();
    return this.#hasRoom ? this.#issue() : undefined;
  }

  /** Adds a request to the queue. */
  join(waiter: Waiter): void {
    this.#queue.add(waiter);
    if (this.#queue.size === 1) this.#setTimer();
  }

  /** Removes a request from the queue. */
  leave(waiter: Waiter): void {
    this.#queue.delete(waiter);
    if (this.#queue.size === 0) clearTimeout(this.#timer);
  }

  /** Sends a request, takes the permit back, and learns from the result. */
  async use<T>(permit: Permit, request: () => Promise<T>): Promise<T> {
    try {
      const result = await request();
      this.#hasServed = true;
      this.#noteSuccess();
      return result;
    } catch (error) {
      if (error instanceof StorageError) this.#noteFailure(error, permit);
      throw error;
    } finally {
      this.#underWay--;
      this.#admitNext();
      for (const resolve of this.#onEnd.splice(0)) resolve();
    }
  }

  get #isPauseOver(): boolean {
    return performance.now() >= (pauseEnd(this.#state) ?? Infinity);
  }

  get #stateAfterPause(): HostState {
    return this.#pausesInRow > 0 ? PROBING : HEALTHY;
  }

  get #hasRoom(): boolean {
    return pauseEnd(this.#state) === undefined && this.#underWay < this.#limit.allowed;
  }

  #issue(): Permit {
    this.#underWay++;
    const sinceMs = performance.now();
    return { host: this, sinceMs, epoch: this.#epoch, underWay: this.#underWay };
  }

  #admitNext(): void {
    if (this.#queue.size > 0) this.resumeIfDue();
    for (const waiter of this.#queue) {
      if (!this.#hasRoom) break;
      waiter.admit(this.#issue());
    }
    this.#setTimer();
  }

  #noteSuccess(): void {
    this.#limit.grow(this.#underWay);
    this.#pausesInRow = 0;
    this.#wrongInRow = 0;
    this.#failingSinceMs = undefined;
    const mustWait = this.#retryAfterMs > performance.now();
    this.#state = mustWait ? { name: "paused", untilMs: this.#retryAfterMs } : HEALTHY;
  }

  #noteFailure(error: StorageError, permit: Permit): void {
    const nowMs = performance.now();
    if (error.retryAfterMs) {
      const waitMs = Math.min(error.retryAfterMs, MAX_RETRY_AFTER_MS);
      this.#retryAfterMs = Math.max(this.#retryAfterMs, nowMs + waitMs);
      this.#pause(this.#retryAfterMs);
    }
    const isWrong = error.kind === "corrupt" && ++this.#wrongInRow >= WRONG_IN_ROW;
    if (error.isHostFailure || isWrong) this.#noteHostFailure(error, permit, nowMs);
    // A server that answers "no such object" works; other answers say nothing about it.
    else if (isAnswer(error)) this.#noteSuccess();
  }

  #noteHostFailure(error: StorageError, permit: Permit, nowMs: number): void {
    const { giveUpAfterMs } = this.#policy;
    // Time without requests is not time of failure; that of a request that gets no answer is.
    if (permit.sinceMs - this.#lastFailureMs > giveUpAfterMs) this.#failingSinceMs = undefined;
    this.#failingSinceMs ??= nowMs;
    this.#lastFailureMs = nowMs;
    this.#lastFailure = error;
    if (permit.epoch === this.#epoch) {
      this.#epoch++;
      if (this.#pausesInRow === 0) this.#limit.cut(Math.max(permit.underWay, this.#underWay));
      this.#pause(nowMs + drawDelay(this.#policy, this.#pausesInRow));
      this.#pausesInRow++;
    }
    const { hasAnyServed = () => true } = this.#policy;
    const isMistaken = error.mistake !== undefined && this.#pausesInRow >= MISTAKEN_PAUSES;
    if (isMistaken && !hasAnyServed()) this.#giveUp(nowMs);
    else this.#giveUpIfDue();
  }

  /** Starts a pause, or makes the present one longer; a host that was given up stays so. */
  #pause(fromNowMs: number): void {
    const untilMs = Math.max(pauseEnd(this.#state) ?? 0, fromNowMs);
    this.#state = this.#state.name === "givenUp"
      ? { ...this.#state, untilMs }
      : { name: "paused", untilMs };
    for (const waiter of [...this.#queue]) if (waiter.hasOthers) waiter.turnAway();
  }

  #giveUpIfDue(): void {
    const nowMs = performance.now();
    if (this.#lastFailure && nowMs >= this.#giveUpAtMs) this.#giveUp(nowMs);
  }

  #giveUp(nowMs: number): void {
    if (this.#state.name === "givenUp") return;
    this.#state = {
      name: "givenUp",
      untilMs: Math.max(this.#retryAfterMs, nowMs + this.#policy.giveUpAfterMs),
      failedForMs: nowMs - this.#failingSinceMs!,
      last: this.#lastFailure!,
    };
    for (const waiter of [...this.#queue]) waiter.turnAway();
  }

  get #giveUpAtMs(): number {
    return (this.#failingSinceMs ?? Infinity) + this.#policy.giveUpAfterMs;
  }

  /** Only while a request waits: a pause must not keep the process alive. */
  #setTimer(): void {
    clearTimeout(this.#timer);
    const untilMs = pauseEnd(this.#state);
    if (this.#queue.size === 0 || untilMs === undefined) return;
    const dueMs = Math.min(untilMs, this.#giveUpAtMs) - performance.now();
    this.#timer = setTimeout(() => {
      this.#giveUpIfDue();
      this.#admitNext();
    }, Math.max(0, Math.ceil(dueMs)));
  }
}

/** Whether a server that fails would not have said so. */
function isAnswer({ kind, status = 500, isDoubtful }: StorageError): boolean {
  return kind !== "corrupt" && !isDoubtful && status < 500;
}

/** When a pause ends; `undefined` where there is none. */
function pauseEnd(state: HostState): number | undefined {
  return "untilMs" in state ? state.untilMs : undefined;
}

/**
 * Waits in the queues of all `hosts`, and leaves them when one gives a permit; an earlier host is
 * preferred.
 *
 * @param hasOthers whether the request could be sent elsewhere, should one of them pause.
 * @returns `undefined` when the caller should look at the hosts again.
 * @throws The signal's reason when it aborts.
 */
export function waitForPermit(
  hosts: readonly Host[],
  hasOthers: boolean,
  signal: AbortSignal | undefined,
): Promise<Permit | undefined> {
  signal?.throwIfAborted();
  for (const host of hosts) {
    const permit = host.tryAdmit();
    if (permit) return Promise.resolve(permit);
  }
  return new Promise((resolve, reject) => {
    const leave = () => {
      for (const host of hosts) host.leave(waiter);
      signal?.removeEventListener("abort", onAbort);
    };
    const onAbort = () => {
      leave();
      reject(signal?.reason);
    };
    const waiter: Waiter = {
      hasOthers,
      admit(permit) {
        leave();
        resolve(permit);
      },
      turnAway() {
        leave();
        resolve(undefined);
      },
    };
    signal?.addEventListener("abort", onAbort);
    for (const host of hosts) host.join(waiter);
  });
}
