/** How one request went that was answered as it should be. */
export interface RequestTiming {
  /** From its sending to the head of the answer. */
  waitMs: number;
  /** From there to the last byte of the body. */
  bodyMs: number;
  /** Length of the body. */
  bytes: number;
}

/** So many requests are remembered: the line of a minute ago is not that of now. */
const REMEMBERED = 64;
/** Told from so many at least. */
const ENOUGH = 8;
/** A shorter body often comes with the head: its time tells nothing of the line. */
const LEAST_BODY_BYTES = 64 * 1024;
/** Clocks are coarser than some bodies are quick. */
const LEAST_BODY_MS = 0.1;

/** How long a server took for the last requests, and what that says of the line to it. */
export class RequestTimes {
  readonly #waitsMs: number[] = [];
  /** In bytes per millisecond. */
  readonly #rates: number[] = [];

  /** Learns from a request. */
  note({ waitMs, bodyMs, bytes }: RequestTiming): void {
    if (bytes < LEAST_BODY_BYTES) return;
    remember(this.#waitsMs, waitMs);
    remember(this.#rates, bytes / Math.max(LEAST_BODY_MS, bodyMs));
  }

  /**
   * What a request costs beside its own bytes: so many would one stream have brought in the time
   * until the answer began. Few on a narrow line, many on a wide one with a long way. Told from
   * medians: a stall, of the server or of this process, is no property of the line.
   *
   * @returns `undefined` as long as too little was seen.
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
