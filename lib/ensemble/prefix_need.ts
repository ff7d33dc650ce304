/**
 * How much of a message the region takes, learnt from messages of the same variable.
 *
 * @module
 */

/** Messages of a variable to learn from before the share is relied on. */
export const SCOUTS = 4;
/** No spread below this is believed: of the share, in its own unit. */
const LEAST_DEVIATION = 0.002;

/** Headers, so that what does not begin as a message is noticed. */
const LEAST_BYTES = 1024;

/** Shares seen: their count, mean, and sum of squared differences from it. */
interface Seen {
  count: number;
  mean: number;
  squares: number;
}

/**
 * The share of a message that a region takes, by variable. Members and steps differ by a few percent,
 * as their weather does; what is told is seldom too little: for about one message in seventy, where
 * shares are distributed normally.
 */
export class PrefixNeeds {
  readonly #seen = new Map<string, Seen>();

  /** Notes what the decoding of a message took. */
  note(variable: string, messageBytes: number, neededBytes: number): void {
    const { count, mean, squares } = this.#seen.get(variable) ?? { count: 0, mean: 0, squares: 0 };
    const difference = neededBytes / messageBytes - mean;
    const newMean = mean + difference / (count + 1);
    this.#seen.set(variable, {
      count: count + 1,
      mean: newMean,
      squares: squares + difference * (neededBytes / messageBytes - newMean),
    });
  }

  /** How many messages are still to be seen before anything is told. */
  lacking(variable: string): number {
    return Math.max(0, SCOUTS - (this.#seen.get(variable)?.count ?? 0));
  }

  /**
   * How much of a message to ask for; all of it as long as too little is known.
   *
   * @param marginShare added to the share that is expected.
   */
  predict(variable: string, messageBytes: number, marginShare = 0): number {
    const seen = this.#seen.get(variable);
    if (!seen || this.lacking(variable) > 0) return messageBytes;
    const { count, mean, squares } = seen;
    const deviation = Math.max(LEAST_DEVIATION, Math.sqrt(squares / (count - 1)));
    const share = mean + countDeviations(count) * deviation + marginShare;
    return Math.min(messageBytes, Math.max(LEAST_BYTES, Math.ceil(share * messageBytes)));
  }
}

/** Upper end of a one-sided prediction interval of 98.5 %, in deviations (Student's t, nearly). */
function countDeviations(count: number): number {
  return (2.17 + 3.3 / (count - 2)) * Math.sqrt(1 + 1 / count);
}
