/**
 * Natural logarithm of what a refusal divides the pace by: three quarters remain, as of the limit of
 * requests at once (`request_limit.ts`).
 */
const DEPTH = Math.log(4 / 3);
/** Time after a refusal in which the pace comes back to where it was refused, for each sharer. */
const RETURN_MS = 300;
/** The same of a client that has the server to itself, or nearly so. */
const LEAST_RETURN_MS = 1500;
/** Returns later the growth is no steeper. */
const STEEPEST = 3;
/** Fewer successes than this between two refusals: a limit of requests at once does not help. */
const FREQUENT = 16;
/** Frequent refusals in a row after which a client without sharers takes up a pace. */
const IN_ROW = 4;
/** A first pace that is not refused doubles in this time. */
const DOUBLING_MS = 1000;
const MOST_DOUBLINGS = 8;
/** Served requests that show the rate of the server. */
const REMEMBERED = 32;
/** A shorter time shows no rate while fewer were served. */
const LEAST_SERVED_MS = 250;
/** A pace cannot have been refused that is so many times what was served. */
const MOST_OF_SERVED = 2;
/** Requests that were not sent in this time may be sent at once. */
const SLACK_MS = 100;
/** Longest time between two requests. */
const MAX_SPACING_MS = 4000;

/**
 * How many requests a second a server is sent: any number, until refusals show that it limits their
 * rate; then about as many as it serves.
 *
 * A server that answers in 20 ms gets 50 requests a second from a client that sends one at a time:
 * twenty clients that share 50 a second must send less than one at once. The pace is what a limit of
 * requests at once cannot be. It follows TCP's CUBIC (RFC 9438), which depends on time and not on the
 * number of answers, so that a slow client grows as fast as a quick one and their shares become
 * alike: a refusal takes a quarter of the pace; it comes back to the refused level, waits there, and
 * grows ever faster if nothing is refused. The more clients share a server, the longer that takes, so
 * that all together are refused about as often as one.
 */
export class RequestPace {
  /** Requests a millisecond where the last one was refused; `Infinity` while there is no pace. */
  #level = Infinity;
  #cutMs = 0;
  /** Whether the pace is a first estimate, which nothing has refused yet. */
  #isFirst = false;
  #dueMs = -Infinity;
  #frequentInRow = 0;
  /** Served requests since the last refusal. */
  #servedInRow = Infinity;
  #firstMs: number | undefined;
  readonly #servedMs: number[] = [];

  /** @param sharers clients that send requests to the server, this one included. */
  constructor(private readonly sharers: number) {}

  /** When the next request is due, in milliseconds of `performance.now()`. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Mean time between two requests, in milliseconds; 0 while there is no pace. */
  spacingMs(nowMs: number): number {
    const sinceMs = nowMs - this.#cutMs;
    if (this.#level === Infinity) return 0;
    if (this.#isFirst) {
      return 1 / (this.#level * 2 ** Math.min(MOST_DOUBLINGS, sinceMs / DOUBLING_MS));
    }
    const returnMs = Math.max(LEAST_RETURN_MS, RETURN_MS * this.sharers);
    const way = Math.min(STEEPEST, sinceMs / returnMs - 1);
    return 1 / (this.#level * Math.exp(DEPTH * way ** 3));
  }

  /**
   * Notes that a request is sent.
   *
   * @returns whether the pace has set its time.
   */
  noteSent(nowMs: number): boolean {
    this.#firstMs ??= nowMs;
    if (this.#level === Infinity) return false;
    const isPaced = nowMs - this.#dueMs < SLACK_MS / 2;
    this.#dueMs = Math.max(this.#dueMs, nowMs - SLACK_MS) + this.spacingMs(nowMs);
    return isPaced;
  }

  /** Notes that a request was served. */
  noteServed(nowMs: number): void {
    this.#servedInRow++;
    this.#servedMs.push(nowMs);
    if (this.#servedMs.length > REMEMBERED) this.#servedMs.shift();
  }

  /** Notes that a request was refused which was sent after the last refusal. */
  noteRefused(nowMs: number): void {
    const isFrequent = this.#servedInRow > 0 && this.#servedInRow < FREQUENT;
    this.#frequentInRow = isFrequent ? this.#frequentInRow + 1 : 0;
    this.#servedInRow = 0;
    const served = this.#measureServed(nowMs);
    if (this.#level < Infinity) {
      this.#cut(Math.min(1 / this.spacingMs(nowMs), MOST_OF_SERVED * served), nowMs);
      this.#isFirst = false;
    } else if (this.sharers > 1 || this.#frequentInRow >= IN_ROW) {
      this.#cut(served, nowMs);
      this.#isFirst = true;
      this.#dueMs = nowMs;
    }
  }

  #cut(level: number, nowMs: number): void {
    this.#level = Math.max(level, 1 / MAX_SPACING_MS);
    this.#cutMs = nowMs;
  }

  /** Served requests a millisecond; not zero, because a client that was never served must try. */
  #measureServed(nowMs: number): number {
    const count = this.#servedMs.length;
    if (count === REMEMBERED) return count / Math.max(1, nowMs - this.#servedMs[0]!);
    return (1 + count) / Math.max(LEAST_SERVED_MS, nowMs - (this.#firstMs ?? nowMs));
  }
}
