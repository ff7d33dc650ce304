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

/** How long a server took for the last requests, and what that says about the connection to it. */
export class RequestTimes {
  readonly #waitsMs: number[] = [];
  /** In bytes per millisecond. */
  readonly #rates: number[] = [];

  /** Learns from a request. */
  note({ waitMs, bodyMs, bytes }: RequestTiming): void {
    if (bytes < MIN_BODY_BYTES) return;
    remember(this.#waitsMs, waitMs);
    remember(this.#rates, bytes / Math.max(MIN_BODY_MS, bodyMs));
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
    if (this.#rates.length < ENOUGH) return undefined;
    return median(this.#waitsMs) * median(this.#rates);
  }
}

function remember(values: number[], value: number): void {
  if (values.push(value) > REMEMBERED) values.shift();
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
