/**
 * A problem that comes and goes → messages to an address when it has come and when it is over, one an
 * hour at most.
 *
 * @module
 */

import { messageOf } from "../util/text.ts";

/** The message that is posted, as JSON. */
export interface Notification {
  event: "failure" | "recovery";
  /** What is wrong, or was. */
  problem: string;
  host: string;
  /** UTC, ISO 8601. */
  time: string;
}

/** Sends a message. Rejects when that fails. */
export type Post = (url: string, message: Notification) => Promise<void>;

/** What was posted last; kept across restarts. */
export interface NotifierState {
  /** The problem that was posted and is not over. @default {undefined} (none) */
  posted?: string;
  /** When a message was last sent, also in vain: milliseconds since 1970. @default {undefined} */
  sentMs?: number;
}

const HOUR_MS = 3_600_000;
const TIMEOUT_MS = 10_000;

/** {@linkcode Post} by HTTP. An answer that is no success is an error; where it leads is not followed. */
export async function postMessage(url: string, message: Notification): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(message),
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
}

/** The address may hold a secret, also as `fetch` spells it: with the host in small letters. */
function hideAddress(text: string, url: string): string {
  const { href } = new URL(url);
  return [url, href, href.replace(/\/\/[^/]*@/, "//")]
    .reduce((text, secret) => text.replaceAll(secret, "the address"), text);
}

/** Posts when the state has changed since the last message. */
export class Notifier {
  constructor(
    private readonly url: string | undefined,
    private readonly host: string,
    private readonly post: Post,
    private readonly warn: (line: string) => void,
    public state: NotifierState = {},
  ) {}

  /**
   * Posts a failure, a recovery, or nothing. What changes within an hour of the last message is posted
   * after it, if it is still so; a message that could not be sent is sent again after it, too.
   *
   * @param problem `undefined` when there is none.
   */
  async update(problem: string | undefined, nowMs: number): Promise<void> {
    const { posted, sentMs = -Infinity } = this.state;
    const hasChanged = (problem === undefined) !== (posted === undefined);
    // One that lies ahead is of a clock that was set back since.
    const isTooSoon = sentMs <= nowMs && nowMs - sentMs < HOUR_MS;
    if (this.url === undefined || !hasChanged || isTooSoon) return;
    const message: Notification = {
      event: problem === undefined ? "recovery" : "failure",
      problem: problem ?? posted!,
      host: this.host,
      time: new Date(nowMs).toISOString(),
    };
    this.state = { ...this.state, sentMs: nowMs };
    try {
      await this.post(this.url, message);
      this.state = { sentMs: nowMs, ...(problem !== undefined && { posted: problem }) };
    } catch (error) {
      this.warn(`Cannot post to --notify: ${hideAddress(messageOf(error), this.url)}`);
    }
  }
}
