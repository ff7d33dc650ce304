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
/** Deviations above the mean that one message in seventy exceeds, of a normal distribution. */
const MOST_DEVIATIONS = 2.17;
/** The part of messages that may be short, at most: what is believed of them is less sure than it seems. */
const MOST_SHORT = 0.1;
/** A third request costs as much as so many: the belief was wrong, and may be again. */
const THIRD_REQUEST = 4;
/** A logistic distribution of this rate per deviation is near to the normal one, and can be inverted. */
const LOGISTIC_RATE = 1.702;

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

/** What is believed of the share of a message: a mean, and the deviation of the messages around it. */
interface ShareBelief {
  mean: number;
  deviation: number;
}

/** A variable, as far as its messages are alike. */
export type NeededVariable = Pick<Variable, "name" | "param">;

/**
 * The share of a message that a region needs, by variable. Members and steps differ by a few percent,
 * as their weather does, and the weather of one area makes a message longer than others: the share is a
 * linear function of the length, found by least squares. Where little was seen, it is joined with the
 * prior, as a normal distribution with its conjugate prior is.
 *
 * A byte that is fetched in vain costs a byte, one that is missing costs another request. The prediction
 * is where the sum of both is least to be expected. It is too small for about one message in seventy,
 * and for more only of variables whose messages differ so much that bytes for all of them would cost more.
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

  /**
   * How much of a message to fetch, in bytes.
   *
   * @param requestBytes bytes that cost as much as a second request.
   */
  predict(variable: NeededVariable, messageBytes: number, requestBytes: number): number {
    const { mean, deviation } = this.#believe(variable, messageBytes);
    const short = chooseShort(1, requestBytes / (deviation * messageBytes));
    const deviations = Math.min(MOST_DEVIATIONS, findDeviations(Math.min(MOST_SHORT, short)));
    const asked = Math.ceil((mean + deviations * deviation) * messageBytes);
    return Math.min(messageBytes, Math.max(LEAST_BYTES, asked));
  }

  /**
   * How much more of a message to fetch, in bytes, whose beginning was too short.
   *
   * @param givenBytes its length.
   * @param requestBytes as of `predict()`.
   */
  predictRest(
    variable: NeededVariable,
    messageBytes: number,
    givenBytes: number,
    requestBytes: number,
  ): number {
    const { mean, deviation } = this.#believe(variable, messageBytes);
    const given = findShare((givenBytes / messageBytes - mean) / deviation);
    const price = THIRD_REQUEST * requestBytes;
    const short = chooseShort(given, price / (deviation * messageBytes));
    const asked = Math.ceil((mean + findDeviations(short) * deviation) * messageBytes) - givenBytes;
    return Math.min(messageBytes - givenBytes, Math.max(LEAST_BYTES, asked));
  }

  #believe(variable: NeededVariable, messageBytes: number): ShareBelief {
    const seen = this.#seen.get(variable.name) ?? NOTHING;
    return believeShare(seen, findPrior(variable, this.region), messageBytes);
  }
}

/**
 * Which part of all messages should need more than is asked for, so that asking costs least. Another
 * byte is in vain for those that need less, and saves a request for those that need just it.
 *
 * @param left the part of all messages that may still need more: 1 before the first request.
 * @param price what a request costs, in deviations.
 */
function chooseShort(left: number, price: number): number {
  // Of a logistic distribution the density where the part p exceeds it is `LOGISTIC_RATE * p * (1 - p)`.
  const density = LOGISTIC_RATE * price;
  const sum = 1 + density;
  return 2 * left / (sum + Math.sqrt(sum ** 2 - 4 * density * left));
}

/** The deviations above the mean that a part of all messages exceeds. */
function findDeviations(part: number): number {
  return Math.log((1 - part) / part) / LOGISTIC_RATE;
}

/** The part of all messages that exceeds some deviations above the mean. */
function findShare(deviations: number): number {
  return 1 / (1 + Math.exp(LOGISTIC_RATE * deviations));
}

/** The share of a message of a length, of what was seen and the prior. */
function believeShare(
  { count, length, share, lengthSquares, shareSquares, products }: Seen,
  prior: SharePrior,
  messageBytes: number,
): ShareBelief {
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
  const deviation = Math.max(LEAST_DEVIATION, Math.sqrt(squares / freedom));
  // Approximates Student's t by a wider normal distribution.
  const wider = (1 + 1.52 / (freedom - 1)) * Math.sqrt(leverage);
  return { mean: mean + slope * difference, deviation: wider * deviation };
}
