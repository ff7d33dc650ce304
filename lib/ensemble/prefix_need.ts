/**
 * How much of a message the region needs: believed at first, learnt from messages of the same variable.
 *
 * @module
 */
import type { Variable } from "../ecmwf/variables.ts";
import type { Region } from "../grib/headers.ts";
import { findPrior, type SharePrior } from "./prefix_prior.ts";

/** Messages from which a slope is found, at least. */
const ENOUGH_FOR_SLOPE = 8;
/** The prior's deviation among messages counts as that of so many, and as half when so many were seen. */
const PRIOR_MESSAGES = 8;
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

/** A variable, as far as its messages are alike. */
export type NeededVariable = Pick<Variable, "name" | "param">;

/**
 * The share of a message that a region needs, by variable. Members and steps differ by a few percent,
 * as their weather does, and the weather of one area makes a message longer than others: the share is a
 * linear function of the length, found by least squares. Where little was seen, it is joined with the
 * prior, as a normal distribution with its conjugate prior is. The prediction is too small for about one
 * message in seventy, where shares are distributed normally around it.
 */
export class PrefixNeeds {
  readonly #seen = new Map<string, Seen>();

  constructor(private readonly region: Region) {}

  /** Notes how much of a message its decoding needed. */
  note({ name }: NeededVariable, messageBytes: number, neededBytes: number): void {
    const before = this.#seen.get(name) ?? NOTHING;
    const count = before.count + 1;
    const lengthDifference = messageBytes - before.length;
    const shareDifference = neededBytes / messageBytes - before.share;
    // Welford's method: differences from the means before and after.
    const weight = before.count / count;
    this.#seen.set(name, {
      count,
      length: before.length + lengthDifference / count,
      share: before.share + shareDifference / count,
      lengthSquares: before.lengthSquares + weight * lengthDifference ** 2,
      shareSquares: before.shareSquares + weight * shareDifference ** 2,
      products: before.products + weight * lengthDifference * shareDifference,
    });
  }

  /** How many messages of a variable were seen. */
  countSeen({ name }: NeededVariable): number {
    return this.#seen.get(name)?.count ?? 0;
  }

  /** How much of a message to fetch, in bytes. */
  predict(variable: NeededVariable, messageBytes: number): number {
    const seen = this.#seen.get(variable.name) ?? NOTHING;
    const share = limitShare(seen, findPrior(variable, this.region), messageBytes);
    const asked = Math.ceil(share * messageBytes);
    return Math.min(messageBytes, Math.max(LEAST_BYTES, asked));
  }
}

/** Upper end of a one-sided prediction interval of 98.5 % for the share of a message of a length. */
function limitShare(
  { count, length, share, lengthSquares, shareSquares, products }: Seen,
  prior: SharePrior,
  messageBytes: number,
): number {
  const hasSlope = count >= ENOUGH_FOR_SLOPE && lengthSquares > 0;
  const slope = hasSlope ? products / lengthSquares : 0;
  const difference = messageBytes - length;
  // What the prior counts for: it may be wrong, and is forgotten.
  const memory = 1 / (1 + count / PRIOR_MESSAGES);
  const priorMessages = memory * PRIOR_MESSAGES;
  // Its share counts as that of a fraction of a message.
  const priorWeight = memory * (prior.amongMessages / prior.amongVariables) ** 2;
  const weight = priorWeight + count;
  const mean = (priorWeight * prior.share + count * share) / weight;
  const freedom = priorMessages + count - (hasSlope ? 1 : 0);
  const squares = priorMessages * prior.amongMessages ** 2 +
    Math.max(0, shareSquares - slope * products) +
    priorWeight * count / weight * (share - prior.share) ** 2;
  const leverage = 1 + 1 / weight + (hasSlope ? difference ** 2 / lengthSquares : 0);
  // Approximates Student's t.
  const deviations = (2.17 + 3.3 / (freedom - 1)) * Math.sqrt(leverage);
  const deviation = Math.max(LEAST_DEVIATION, Math.sqrt(squares / freedom));
  return mean + slope * difference + deviations * deviation;
}
