/**
 * How long the phases of a work take.
 *
 * @module
 */

/** Adds up how long phases of a work take. */
export class PhaseTimer {
  readonly #phases: Record<string, number> = {};
  #current: string | undefined;
  #startedMs = 0;

  /** Ends the phase before, if any, and begins the next one. */
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
