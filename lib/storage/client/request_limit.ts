/** Requests at once that a server gets before anything is known of it. */
const FIRST = 8;
/** After a pause, these try whether the server is back. */
const PROBES = 2;
/** What a refusal leaves of the limit. */
const CUT = 0.75;
/** What counts as the same level as that of the last refusal, as a share of it. */
const NEAR = 0.125;
/** At most so many times more slowly does the limit grow near a level that is refused each time. */
const MAX_CARE = 16;

/**
 * How many requests a server is sent at once, found as TCP finds the width of a path: more on
 * success (doubling at first, then one more a round), a share less on refusal.
 *
 * A level that is refused again and again is the server's width. It is approached the more slowly the
 * oftener that has happened: in the end about one request in a hundred is refused. Refusals at any
 * level, those of a server that fails by chance, are no reason for that.
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
   * @throws {RangeError} if it is no whole number from 1.
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

  /**
   * A request was answered. The limit grows only while it is in use: what nobody tried says nothing.
   *
   * @param underWay requests at once before it was, itself included.
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

  /** What counts as the level of the last refusal, up and down from it. */
  get #nearness(): number {
    return Math.max(1, Math.floor(this.#refusedAt * NEAR));
  }

  /**
   * A request was refused.
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

  /** Begins again with a few, soon to be as many as the last cut left. */
  restart(): void {
    this.#limit = Math.min(PROBES, this.#limit);
  }
}
