/** Requests at once that a server gets before anything is known of it. */
const FIRST = 8;
/** Requests that test after a pause whether the server works again. */
const PROBES = 2;
/** The share of the limit that remains after a refusal. */
const CUT = 0.75;
/** Levels that differ by less than this share of the last refused one count as the same. */
const NEAR = 0.125;
/** The slowest growth near a level that is refused each time: this many times slower. */
const MAX_CARE = 16;

/**
 * How many requests a server is sent at once, found as TCP finds the width of a path: more on
 * success (doubling at first, then one more a round), a share less on refusal.
 *
 * A level that is refused again and again is the capacity of the server. Each refusal there makes the
 * next approach slower: in the end about one request in a hundred is refused. Refusals at varying
 * levels, from a server that fails at random, do not.
 */
export class RequestLimit {
  #limit: number;
  /** Below it, a success adds a whole request. */
  #threshold = Infinity;
  /** Level of the last refusal. */
  #refusedAt = 0;
  #care = 1;
  /** Whether as many requests as allowed were sent when the last one ended. */
  #isInUse = false;

  /**
   * @param ceiling never more than this.
   * @throws {RangeError} if it is not a whole number from 1.
   */
  constructor(readonly ceiling: number) {
    if (!Number.isInteger(ceiling) || ceiling < 1) {
      throw new RangeError(`Cannot send ${ceiling} requests at once: give a whole number from 1`);
    }
    this.#limit = Math.min(FIRST, ceiling);
  }

  /** Requests at once, at least 1. */
  get allowed(): number {
    return Math.floor(this.#limit);
  }

  /** Requests at once that {@linkcode restart} would leave. */
  get afterRestart(): number {
    return Math.min(PROBES, this.allowed);
  }

  /**
   * Notes that a request was answered. The limit grows only while it is in use: a level that was not
   * tried says nothing.
   *
   * @param underWay requests at once before the answer, itself included.
   */
  grow(underWay: number): void {
    this.#isInUse = underWay >= this.allowed;
    if (!this.#isInUse) return;
    this.#limit = Math.min(this.ceiling, this.#limit + this.#step());
  }

  /** Whether refusals have set the limit, and it is in use. */
  get isFelt(): boolean {
    return this.#isInUse && this.#limit < this.#refusedAt + this.#nearness;
  }

  #step(): number {
    if (this.#limit < this.#threshold) return 1;
    const isNear = Math.abs(this.#limit - this.#refusedAt) <= this.#nearness;
    return 1 / (isNear ? this.#limit * this.#care : this.#limit);
  }

  /** The distance from the last refused level that counts as the same level. */
  get #nearness(): number {
    return Math.max(1, Math.floor(this.#refusedAt * NEAR));
  }

  /**
   * Notes that a request was refused.
   *
   * @param underWay requests at once when it was sent, or now if these are more.
   */
  cut(underWay: number): void {
    const level = Math.min(this.allowed, underWay);
    const isSame = Math.abs(level - this.#refusedAt) <= this.#refusedAt * NEAR;
    this.#care = isSame ? Math.min(MAX_CARE, this.#care * 2) : 1;
    this.#refusedAt = level;
    this.#isInUse = true;
    this.#limit = this.#threshold = Math.max(1, this.#refusedAt * CUT);
  }

  /** Begins again with a few; the limit doubles each round up to where the last cut left it. */
  restart(): void {
    this.#limit = Math.min(PROBES, this.#limit);
  }
}
