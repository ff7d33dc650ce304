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
  /** A server that fails for so long without one success is given up, for as long again. */
  giveUpAfterMs: number;
}

/** The right to send one request. */
export interface Permit {
  readonly host: Host;
  /** Pauses of the host before it was given. */
  readonly epoch: number;
  /** Requests at once when it was given, its own included. */
  readonly underWay: number;
}

/** A request in the line of one or several hosts. */
interface Waiter {
  /** Whether it could go to hosts in whose lines it does not stand. */
  readonly hasOthers: boolean;
  admit(permit: Permit): void;
  /** Ends its waiting; the host will not serve it soon. */
  turnAway(): void;
}

/** What is known of a host that was given up. */
export interface GivenUp {
  failedForMs: number;
  last: StorageError;
}

/**
 * A server, and how many requests it gets.
 *
 * A request needs a permit; who waits for one is served in turn. A failure of the server (not of an
 * object) cuts the limit and pauses the host: nobody is let in until a request under way succeeds,
 * or until a back-off has passed; then two probes are sent, and the rest follow when they succeed.
 * Failures of requests that were sent before the last pause say nothing new. `Retry-After` is waited
 * for in any case.
 */
export class Host {
  /** How long it took for what it answered. */
  readonly times = new RequestTimes();
  readonly #policy: HostPolicy;
  readonly #limit: RequestLimit;
  readonly #line = new Set<Waiter>();
  #underWay = 0;
  #epoch = 0;
  #pausesInRow = 0;
  #pausedUntilMs: number | undefined;
  #retryAfterMs = 0;
  #failingSinceMs: number | undefined;
  #lastFailureMs = 0;
  #lastFailure: StorageError | undefined;
  #givenUp: GivenUp | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param name for lines and errors. */
  constructor(readonly name: string, policy: HostPolicy) {
    this.#policy = policy;
    this.#limit = new RequestLimit(policy.maxRequests);
  }

  /** Requests that it gets at once, if it is not paused. */
  get limit(): number {
    return this.#limit.allowed;
  }

  /** Whether more requests would be sent if it had not refused so many. */
  get isThrottling(): boolean {
    return this.isPaused || this.#limit.isFelt;
  }

  get isPaused(): boolean {
    this.#resumeIfDue();
    return this.#pausedUntilMs !== undefined;
  }

  /** Whether it serves: neither paused, nor being probed. */
  get isHealthy(): boolean {
    return !this.isPaused && this.#pausesInRow === 0;
  }

  /** Set while requests to it fail at once. */
  get givenUp(): GivenUp | undefined {
    this.#resumeIfDue();
    return this.#givenUp;
  }

  /** A permit, if there is one to have and nobody waits. */
  tryAdmit(): Permit | undefined {
    return this.#line.size === 0 && this.#hasRoom() ? this.#issue() : undefined;
  }

  /** Stands in line. */
  join(waiter: Waiter): void {
    this.#line.add(waiter);
    if (this.#line.size === 1) this.#setTimer();
  }

  /** Leaves the line. */
  leave(waiter: Waiter): void {
    this.#line.delete(waiter);
    if (this.#line.size === 0) clearTimeout(this.#timer);
  }

  /** Sends a request, takes the permit back, and learns from how it ends. */
  async use<T>(permit: Permit, request: () => Promise<T>): Promise<T> {
    try {
      const result = await request();
      this.#noteSuccess();
      return result;
    } catch (error) {
      if (error instanceof StorageError) this.#noteFailure(error, permit);
      throw error;
    } finally {
      this.#underWay--;
      this.#admitNext();
    }
  }

  #hasRoom(): boolean {
    return !this.isPaused && this.#underWay < this.#limit.allowed;
  }

  #issue(): Permit {
    this.#underWay++;
    return { host: this, epoch: this.#epoch, underWay: this.#underWay };
  }

  #admitNext(): void {
    for (const waiter of this.#line) {
      if (!this.#hasRoom()) break;
      waiter.admit(this.#issue());
    }
    this.#setTimer();
  }

  #noteSuccess(): void {
    this.#limit.grow(this.#underWay);
    this.#pausesInRow = 0;
    this.#failingSinceMs = undefined;
    this.#givenUp = undefined;
    this.#pausedUntilMs = this.#retryAfterMs > performance.now() ? this.#retryAfterMs : undefined;
  }

  #noteFailure(error: StorageError, permit: Permit): void {
    const nowMs = performance.now();
    if (error.retryAfterMs) {
      const waitMs = Math.min(error.retryAfterMs, MAX_RETRY_AFTER_MS);
      this.#retryAfterMs = Math.max(this.#retryAfterMs, nowMs + waitMs);
      this.#pause(this.#retryAfterMs);
    }
    if (error.isHostFailure) this.#noteHostFailure(error, permit, nowMs);
    // To be told that there is no such object is to be served.
    else if (error.status !== undefined && error.status < 500) this.#noteSuccess();
  }

  #noteHostFailure(error: StorageError, permit: Permit, nowMs: number): void {
    const { giveUpAfterMs } = this.#policy;
    // Time in which nobody asked is not time in which it failed.
    if (nowMs - this.#lastFailureMs > giveUpAfterMs) this.#failingSinceMs = undefined;
    this.#failingSinceMs ??= nowMs;
    this.#lastFailureMs = nowMs;
    this.#lastFailure = error;
    if (permit.epoch === this.#epoch) {
      this.#epoch++;
      if (this.#pausesInRow === 0) this.#limit.cut(Math.max(permit.underWay, this.#underWay));
      this.#pause(nowMs + drawDelay(this.#policy, this.#pausesInRow));
      this.#pausesInRow++;
    }
    this.#giveUpIfDue();
  }

  #pause(untilMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs ?? 0, untilMs);
    for (const waiter of [...this.#line]) if (waiter.hasOthers) waiter.turnAway();
  }

  #resumeIfDue(): void {
    if (this.#pausedUntilMs === undefined || performance.now() < this.#pausedUntilMs) return;
    this.#pausedUntilMs = undefined;
    this.#givenUp = undefined;
    this.#limit.restart();
  }

  #giveUpIfDue(): void {
    const nowMs = performance.now();
    if (this.#givenUp || !this.#lastFailure || nowMs < this.#giveUpAtMs) return;
    this.#givenUp = { failedForMs: nowMs - this.#failingSinceMs!, last: this.#lastFailure };
    this.#pausedUntilMs = Math.max(this.#retryAfterMs, nowMs + this.#policy.giveUpAfterMs);
    for (const waiter of [...this.#line]) waiter.turnAway();
  }

  get #giveUpAtMs(): number {
    return (this.#failingSinceMs ?? Infinity) + this.#policy.giveUpAfterMs;
  }

  /** Only while somebody waits: a pause keeps no process alive. */
  #setTimer(): void {
    clearTimeout(this.#timer);
    if (this.#line.size === 0 || this.#pausedUntilMs === undefined) return;
    const dueMs = Math.min(this.#pausedUntilMs, this.#giveUpAtMs) - performance.now();
    this.#timer = setTimeout(() => {
      this.#giveUpIfDue();
      this.#admitNext();
    }, Math.max(0, Math.ceil(dueMs)));
  }
}

/**
 * Waits in the lines of all `hosts`, and leaves them when one has a permit; the first in order is
 * preferred.
 *
 * @param hasOthers whether the request could go elsewhere, should one of them pause.
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
