/**
 * Waits between attempts, and how long the phases of some work take.
 *
 * @module
 */
import { setTimeout as wait } from "node:timers/promises";

/** Bounds of the waits after failures. */
export interface DelayBounds {
  /** Longest wait after the first failure; doubled for each one after it. */
  minDelayMs: number;
  /** Longest wait of all. */
  maxDelayMs: number;
}

/**
 * The wait after a failure, in milliseconds: drawn between zero and the back-off (full jitter), so
 * that clients struck together do not come back together.
 *
 * @param before failures before this one.
 * @param random from 0 to 1.
 */
export function drawDelay(
  { minDelayMs, maxDelayMs }: DelayBounds,
  before: number,
  random = Math.random(),
): number {
  return random * Math.min(maxDelayMs, minDelayMs * 2 ** before);
}

/**
 * Waits.
 *
 * @throws The signal's reason when it aborts.
 */
export async function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => signal?.throwIfAborted());
}

/** Adds up how long each phase of some work takes. */
export class PhaseTimer {
  readonly #phases: Record<string, number> = {};
  #current: string | undefined;
  #startedMs = 0;

  /** Ends the current phase, if any, and begins another. */
  start(phase: string): void {
    this.end();
    this.#current = phase;
    this.#startedMs = performance.now();
  }

  /** Ends the phase; gives the milliseconds of all so far, by name. */
  end(): Readonly<Record<string, number>> {
    if (this.#current !== undefined) {
      const elapsed = Math.round(performance.now() - this.#startedMs);
      this.#phases[this.#current] = (this.#phases[this.#current] ?? 0) + elapsed;
    }
    this.#current = undefined;
    return this.#phases;
  }
}
