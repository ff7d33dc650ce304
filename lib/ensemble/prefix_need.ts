/**
 * How much of a message the region needs, learnt from messages of the same variable.
 *
 * @module
 */

/** Messages of a variable to learn from before the first prediction. */
const SCOUTS = 4;
/** Messages from which a slope is found, at least. */
const ENOUGH_FOR_SLOPE = 8;
/** Lower bound of the standard deviation of the share. */
const LEAST_DEVIATION = 0.001;
/** Enough for the headers, so that bytes that are not a message are noticed. */
const LEAST_BYTES = 1024;

/**
 * Lengths and shares seen: their count, their means, and the sums of squares and products of their
 * differences from the means.
 */
interface Seen {
  count: number;
  length: number;
  share: number;
  lengthSquares: number;
  shareSquares: number;
  products: number;
}

const NOTHING: Seen = {
  count: 0,
  length: 0,
  share: 0,
  lengthSquares: 0,
  shareSquares: 0,
  products: 0,
};

/**
 * The share of a message that a region needs, by variable. Members and steps differ by a few percent,
 * as their weather does, and the weather of one area makes a message longer than others: the share is a
 * linear function of the length, found by least squares. The prediction is too small for about one
 * message in seventy, where shares are distributed normally around it.
 */
export class PrefixNeeds {
  readonly #seen = new Map<string, Seen>();

  /** Notes how much of a message its decoding needed. */
  note(variable: string, messageBytes: number, neededBytes: number): void {
    const before = this.#seen.get(variable) ?? NOTHING;
    const count = before.count + 1;
    const lengthDifference = messageBytes - before.length;
    const shareDifference = neededBytes / messageBytes - before.share;
    // Welford's method: differences from the means before and after.
    const weight = before.count / count;
    this.#seen.set(variable, {
      count,
      length: before.length + lengthDifference / count,
      share: before.share + shareDifference / count,
      lengthSquares: before.lengthSquares + weight * lengthDifference ** 2,
      shareSquares: before.shareSquares + weight * shareDifference ** 2,
      products: before.products + weight * lengthDifference * shareDifference,
    });
  }

  /** How many messages are still needed for a prediction. */
  lacking(variable: string): number {
    return Math.max(0, SCOUTS - (this.#seen.get(variable)?.count ?? 0));
  }

  /** How much of a message to fetch, in bytes; all of it while too little is known. */
  predict(variable: string, messageBytes: number): number {
    const seen = this.#seen.get(variable);
    if (!seen || this.lacking(variable) > 0) return messageBytes;
    const asked = Math.ceil(limitShare(seen, messageBytes) * messageBytes);
    return Math.min(messageBytes, Math.max(LEAST_BYTES, asked));
  }
}

/** Upper end of a one-sided prediction interval of 98.5 % for the share of a message of a length. */
function limitShare(
  { count, length, share, lengthSquares, shareSquares, products }: Seen,
  messageBytes: number,
): number {
  const hasSlope = count >= ENOUGH_FOR_SLOPE && lengthSquares > 0;
  const slope = hasSlope ? products / lengthSquares : 0;
  const freedom = hasSlope ? count - 2 : count - 1;
  const difference = messageBytes - length;
  const variance = Math.max(0, shareSquares - slope * products) / freedom;
  const leverage = 1 + 1 / count + (hasSlope ? difference ** 2 / lengthSquares : 0);
  // Approximates Student's t.
  const deviations = (2.17 + 3.3 / (freedom - 1)) * Math.sqrt(leverage);
  return share + slope * difference + deviations * Math.max(LEAST_DEVIATION, Math.sqrt(variance));
}
