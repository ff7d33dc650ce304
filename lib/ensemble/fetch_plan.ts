/**
 * Which ranges of files to ask for, so that wanted parts of messages come in few requests and with
 * few bytes that nobody wants.
 *
 * @module
 */
import type { Reference } from "../references.ts";
import type { ByteRange } from "../storage/mod.ts";

/** What requests and bytes are worth. It changes what is fetched, never a value. */
export interface FetchPolicy {
  /** Only the beginning of a message is asked for, as much of it as the region takes. @default {true} */
  prefixes: boolean;
  /** Added to the share of a message that the region is expected to take. @default {0} */
  marginShare: number;
  /** So many bytes between two wanted parts cost less than another request. @default {262_144} */
  gapBytes: number;
  /** Longest request that several messages share; 0: each has its own. @default {2_097_152} */
  maxJoinedBytes: number;
  /** Messages up to this length are asked for whole. @default {16_384} */
  wholeBytes: number;
}

export const DEFAULT_POLICY: FetchPolicy = {
  prefixes: true,
  marginShare: 0,
  gapBytes: 256 * 1024,
  maxJoinedBytes: 2 * 1024 * 1024,
  wholeBytes: 16 * 1024,
};

/** A range of a file, and the messages whose wanted parts lie in it, in the order of the file. */
export interface FetchRequest<Message> extends ByteRange {
  url: string;
  messages: Message[];
}

/**
 * Plans the requests for messages. The wanted part of a message is its beginning; what follows up to
 * the next message is a gap, which is fetched with both when it costs less than a request.
 *
 * @param wantBytes length of a message's wanted part.
 * @returns requests in the order of the files; every message is in one of them.
 */
export function planRequests<Message extends { reference: Reference }>(
  messages: readonly Message[],
  wantBytes: (message: Message) => number,
  { gapBytes, maxJoinedBytes }: FetchPolicy,
): FetchRequest<Message>[] {
  const requests: FetchRequest<Message>[] = [];
  for (const message of messages.toSorted(byPlace)) {
    const { url, offset } = message.reference;
    const end = offset + wantBytes(message);
    const open = requests.at(-1);
    const openEnd = open ? open.offset + open.length : 0;
    const joins = open?.url === url && offset - openEnd <= gapBytes &&
      Math.max(end, openEnd) - open.offset <= maxJoinedBytes;
    if (joins) {
      open.messages.push(message);
      open.length = Math.max(end, openEnd) - open.offset;
    } else {
      requests.push({ url, offset, length: end - offset, messages: [message] });
    }
  }
  return requests;
}

/** Compares messages by their place in the files. */
export function byPlace(a: { reference: Reference }, b: { reference: Reference }): number {
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
