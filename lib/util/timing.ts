/**
 * How long to wait between attempts, and a timer of the phases of work.
 *
 * @module
 */
/** Bounds of the waits between attempts. */
export interface DelayBounds {
  /** Longest wait after the first failure; it doubles with each further one. */
  minDelayMs: number;
  /** Limit of that doubling. */
  maxDelayMs: number;
}

/**
 * The wait after a failure, in milliseconds: drawn between zero and the back-off (full jitter), so
 * that clients that failed together do not retry together.
 *
 * @param failuresBefore failures before this one.
 * @param random from 0 to 1.
 */
export function drawDelay(
  { minDelayMs, maxDelayMs }: DelayBounds,
  failuresBefore: number,
  random = Math.random(),
): number {
  return random * Math.min(maxDelayMs, minDelayMs * 2 ** failuresBefore);
}

/** Adds up how long each phase of work takes. */
export class PhaseTimer {
  readonly #phases: Record<string, number> = {};
  #current: string | undefined;
  #startedMs = 0;

  /** Ends the current phase, if any, and starts another. */
  start(phase: string): void {
    this.end();
    this.#current = phase;
    this.#startedMs = performance.now();
  }

  /** Ends the current phase. @returns the milliseconds of all phases so far, by name. */
  end(): Readonly<Record<string, number>> {
    if (this.#current !== undefined) {
      const elapsed = Math.round(performance.now() - this.#startedMs);
      this.#phases[this.#current] = (this.#phases[this.#current] ?? 0) + elapsed;
    }
    this.#current = undefined;
    return this.#phases;
  }
}
