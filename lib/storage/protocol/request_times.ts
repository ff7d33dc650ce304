/** How long one successful request took. */
export interface RequestTiming {
  /** From sending it to the head of the answer. */
  waitMs: number;
  /** From there to the last byte of the body. */
  bodyMs: number;
  /** Length of the body. */
  bytes: number;
}

/** Requests that are remembered: the connection of a minute ago is not the one of now. */
const REMEMBERED = 64;
/** Requests that it takes for an estimate. */
const ENOUGH = 8;
/** A shorter body often arrives with the head, and its time says nothing about the connection. */
const MIN_BODY_BYTES = 64 * 1024;
/** Some bodies take less than the clock resolves. */
const MIN_BODY_MS = 0.1;

/** In bytes per millisecond: a body that brings less makes no progress. */
const LEAST_RATE = 1024 / 1000;
/** A body may be slower than others by this factor: the servers of a crowd are not all alike. */
const UNFAIRNESS = 8;
/** An answer may take this many times as long as the last ones did. */
const SLACK = 32;

/** What the line to a server had brought at some moment. */
export interface LineMark {
  /** On the clock of `performance.now()`. */
  readonly ms: number;
  /** Of the body that is watched. */
  readonly bytes: number;
  /** Of all bodies. */
  readonly lineBytes: number;
}

/** How long a server took for the last requests, and what that says about the connection to it. */
export class RequestTimes {
  /** Bodies that are being received. */
  bodies = 0;
  /** Bytes of all bodies so far. */
  lineBytes = 0;
  readonly #waitsMs = new LastNumbers();
  /** In bytes per millisecond. */
  readonly #rates = new LastNumbers();

  /** Learns from a request. */
  note({ waitMs, bodyMs, bytes }: RequestTiming): void {
    if (bytes < MIN_BODY_BYTES) return;
    this.#waitsMs.add(waitMs);
    this.#rates.add(bytes / Math.max(MIN_BODY_MS, bodyMs));
  }

  /**
   * What a request costs beside its own bytes: the bytes that one stream would bring in the time
   * until the answer begins. Small for a narrow connection, large for a wide one with a long delay.
   * Estimated from medians: a stall, of the server or of this process, is no property of the
   * connection.
   *
   * @returns `undefined` until enough requests were seen.
   */
  get costBytes(): number | undefined {
    if (this.#rates.count < ENOUGH) return undefined;
    return this.#waitsMs.median * this.#rates.median;
  }

  /**
   * Whether a body has made progress from one moment to another. It has where it brings 1 KiB/s, or a
   * sixteenth of that where the line has never shown more. Below that it has if it gets its share of
   * a busy line: one that brings 1 KiB/s in all.
   */
  isProgress(from: LineMark, to: LineMark): boolean {
    const ms = to.ms - from.ms;
    const bytes = to.bytes - from.bytes;
    const shownRate = this.#rates.count < ENOUGH ? Infinity : this.#rates.median;
    if (bytes >= ms * Math.min(LEAST_RATE, shownRate / 16)) return true;
    const lineBytes = to.lineBytes - from.lineBytes;
    return lineBytes >= ms * LEAST_RATE && bytes * this.bodies * UNFAIRNESS >= lineBytes;
  }

  /**
   * The longest time that an answer of this many bytes may take, in milliseconds, by what the last
   * ones took; by 1 KiB/s until enough were seen.
   */
  longestMs(bytes: number): number {
    const isKnown = this.#rates.count >= ENOUGH;
    const usualMs = isKnown
      ? this.#waitsMs.median + bytes / this.#rates.median
      : bytes / LEAST_RATE;
    return SLACK * usualMs;
  }
}

/** The last numbers of a series, and their median, which is asked for more often than one is added. */
class LastNumbers {
  readonly #numbers: number[] = [];
  #median: number | undefined;

  get count(): number {
    return this.#numbers.length;
  }

  add(number: number): void {
    if (this.#numbers.push(number) > REMEMBERED) this.#numbers.shift();
    this.#median = undefined;
  }

  get median(): number {
    return this.#median ??= findMedian(this.#numbers);
  }
}

function findMedian(numbers: readonly number[]): number {
  const sorted = Float64Array.from(numbers).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
