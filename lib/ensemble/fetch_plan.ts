/**
 * Which ranges of files to ask for, so that wanted parts of messages come in few requests and with
 * few bytes that nobody wants.
 *
 * @module
 */
import type { Reference } from "../references/store.ts";
import type { ByteRange, RequestCost } from "../storage/mod.ts";

/** What requests and bytes are worth. It changes what is fetched, never a value. */
export interface FetchPolicy {
  /** Only the beginning of a message is asked for, as much of it as the region takes. @default {true} */
  prefixes: boolean;
  /**
   * So many bytes between two wanted parts cost less than another request: until it has been
   * measured, and at most. @default {262_144}
   */
  gapBytes: number;
  /** The same, at least, however narrow the line. @default {131_072} */
  leastGapBytes: number;
  /** The same, when the server refuses requests. @default {1_048_576} */
  throttledGapBytes: number;
  /** Longest request that several messages share; 0: each has its own. @default {2_621_440} */
  maxJoinedBytes: number;
  /** Messages up to this length are asked for whole. @default {16_384} */
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

/** How many messages ahead are looked at to find where a request had best end. */
const MESSAGES_AHEAD = 64;

/** A range of a file, and the messages whose wanted parts lie in it, in the order of the file. */
export interface FetchRequest<Message> extends ByteRange {
  url: string;
  messages: Message[];
}

/** The bytes that may be fetched for nothing to save a request. */
export function chooseGap(
  { gapBytes, leastGapBytes, throttledGapBytes }: FetchPolicy,
  { bytes = gapBytes, isThrottled }: RequestCost,
): number {
  return isThrottled ? throttledGapBytes : Math.min(gapBytes, Math.max(leastGapBytes, bytes));
}

/**
 * Plans the requests for messages. The wanted part of a message is its beginning; what follows up to
 * the next message is a gap, which is fetched with both where that costs less than a request.
 *
 * Each request is planned when it is drawn, with what is known by then.
 *
 * @param wantBytes length of a message's wanted part.
 * @param gapBytes what a request for a file costs.
 * @returns requests in the order of the files; every message is in one of them.
 */
export function* planRequests<Message extends { reference: Reference }>(
  messages: readonly Message[],
  wantBytes: (message: Message) => number,
  gapBytes: (url: string) => number,
  maxJoinedBytes: number,
): Generator<FetchRequest<Message>> {
  const ordered = messages.toSorted(byFileOrder);
  for (let first = 0; first < ordered.length;) {
    const { url, offset } = ordered[first]!.reference;
    const parts = ordered.slice(first, first + MESSAGES_AHEAD)
      .filter(({ reference }) => reference.url === url)
      .map((message) => ({ message, end: message.reference.offset + wantBytes(message) }));
    const joined = parts.slice(0, countJoined(parts, gapBytes(url), maxJoinedBytes));
    const length = Math.max(...joined.map(({ end }) => end)) - offset;
    yield { url, offset, length, messages: joined.map(({ message }) => message) };
    first += joined.length;
  }
}

/**
 * How many messages the first request of the cheapest plan has. Each request costs its bytes and
 * `requestBytes`; of all ways to divide messages that follow each other, the cheapest is found from
 * the last to the first.
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

/** Compares messages by their place in the files. */
export function byFileOrder(a: { reference: Reference }, b: { reference: Reference }): number {
  const { url: urlA, offset: offsetA } = a.reference;
  const { url: urlB, offset: offsetB } = b.reference;
  return urlA < urlB ? -1 : urlA > urlB ? 1 : offsetA - offsetB;
}

/** How much of a message a request brings. */
export function countBrought(request: ByteRange, { offset, length }: ByteRange): number {
  return Math.min(length, request.offset + request.length - offset);
}

/** The bytes of a request by message: each with the gap behind it. Their sum is the request's. */
export function shareBytes<Message extends { reference: Reference }>(
  { offset, length, messages }: FetchRequest<Message>,
): number[] {
  const starts = messages.map(({ reference }) => reference.offset);
  return starts.map((start, i) => (starts[i + 1] ?? offset + length) - start);
}
