/**
 * Messages of a plan → the ranges of files to request: few requests, and few bytes between the wanted
 * parts.
 *
 * @module
 */
import type { Reference } from "../references/store.ts";
import type { ByteRange, RequestCost } from "../storage/mod.ts";

/** The cost of requests in bytes. It changes what is fetched, never a value. */
export interface FetchPolicy {
  /** Fetch only the beginning of a message, as much as the region needs. @default {true} */
  prefixes: boolean;
  /**
   * Bytes between two wanted parts that cost as much as another request: the value until it is
   * measured, and its upper bound. @default {262_144}
   */
  gapBytes: number;
  /** Lower bound of the same, however slow the line. @default {131_072} */
  leastGapBytes: number;
  /** The same while the server refuses requests. @default {1_048_576} */
  throttledGapBytes: number;
  /** Longest request that several messages share; 0 gives each its own. @default {2_621_440} */
  maxJoinedBytes: number;
  /** Messages up to this length are fetched whole. @default {16_384} */
  wholeBytes: number;
}

export const DEFAULT_POLICY: FetchPolicy = {
  prefixes: true,
  gapBytes: 256 * 1024,
  leastGapBytes: 128 * 1024,
  throttledGapBytes: 1024 * 1024,
  maxJoinedBytes: 2.5 * 1024 * 1024,
  wholeBytes: 16 * 1024,
};

/** Messages ahead that are considered for the end of a request. */
const MESSAGES_AHEAD = 64;

/** A range of a file, and the messages whose wanted parts lie in it, in the order of the file. */
export interface FetchRequest<Message> extends ByteRange {
  url: string;
  messages: Message[];
}

/** Unwanted bytes that may be fetched to save a request. */
export function chooseGap(
  { gapBytes, leastGapBytes, throttledGapBytes }: FetchPolicy,
  { bytes = gapBytes, isThrottled }: RequestCost,
): number {
  return isThrottled ? throttledGapBytes : Math.min(gapBytes, Math.max(leastGapBytes, bytes));
}

/**
 * Plans the requests for messages. The wanted part of a message is its beginning; the gap from there to
 * the next message is fetched, too, where that costs less than a request.
 *
 * Each request is planned when it is drawn from the generator, with what is known by then.
 *
 * @param wantBytes length of a message's wanted part, where a request costs as much as some bytes.
 * @param gapBytes what a request for a file costs.
 * @returns requests in the order of the files; every message is in one of them.
 */
export function* planRequests<Message extends { reference: Reference }>(
  messages: readonly Message[],
  wantBytes: (message: Message, requestBytes: number) => number,
  gapBytes: (url: string) => number,
  maxJoinedBytes: number,
): Generator<FetchRequest<Message>> {
  const ordered = messages.toSorted(byFileOrder);
  for (let first = 0; first < ordered.length;) {
    const { url, offset } = ordered[first]!.reference;
    const requestBytes = gapBytes(url);
    const parts = ordered.slice(first, first + MESSAGES_AHEAD)
      .filter(({ reference }) => reference.url === url)
      .map((message) => ({
        message,
        end: message.reference.offset + wantBytes(message, requestBytes),
      }));
    const joined = parts.slice(0, countJoined(parts, requestBytes, maxJoinedBytes));
    const length = Math.max(...joined.map(({ end }) => end)) - offset;
    yield { url, offset, length, messages: joined.map(({ message }) => message) };
    first += joined.length;
  }
}

/**
 * Counts the messages in the first request of the cheapest plan. Each request costs its bytes and
 * `requestBytes`; the cheapest division of consecutive messages is found from the last to the first.
 *
 * @param parts of one file, in its order.
 */
function countJoined(
  parts: readonly { message: { reference: Reference }; end: number }[],
  requestBytes: number,
  maxJoinedBytes: number,
): number {
  const costs = new Float64Array(parts.length + 1);
  let joined = 1;
  for (let first = parts.length - 1; first >= 0; first--) {
    const { offset } = parts[first]!.message.reference;
    costs[first] = Infinity;
    let end = 0;
    for (let next = first; next < parts.length; next++) {
      end = Math.max(end, parts[next]!.end);
      if (next > first && end - offset > maxJoinedBytes) break;
      const cost = requestBytes + end - offset + costs[next + 1]!;
      if (cost > costs[first]!) continue;
      costs[first] = cost;
      joined = next + 1 - first;
    }
  }
  return joined;
}

/** Compares messages by file, then by offset. */
export function byFileOrder(a: { reference: Reference }, b: { reference: Reference }): number {
  const { url: urlA, offset: offsetA } = a.reference;
  const { url: urlB, offset: offsetB } = b.reference;
  return urlA < urlB ? -1 : urlA > urlB ? 1 : offsetA - offsetB;
}

/** Bytes of a message that a request fetches. */
export function countBrought(request: ByteRange, { offset, length }: ByteRange): number {
  return Math.min(length, request.offset + request.length - offset);
}

/** The bytes of a request by message, each with the gap behind it; they add up to its length. */
export function shareBytes<Message extends { reference: Reference }>(
  { offset, length, messages }: FetchRequest<Message>,
): number[] {
  const starts = messages.map(({ reference }) => reference.offset);
  return starts.map((start, i) => (starts[i + 1] ?? offset + length) - start);
}
