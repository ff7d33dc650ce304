/**
 * What goes wrong with objects, as fields, and the one sentence that they are rendered into.
 *
 * @module
 */
import { UserError } from "../../errors.ts";
import { messageOf } from "../../util/text.ts";

/**
 * Why an object could not be read or written:
 * - `missing`: there is no such object, bucket, file or folder
 * - `denied`: the server or the file system refuses (S3 also answers this for a missing object in a
 *   bucket that may not be listed)
 * - `permission`: Deno refuses; the message names the flag to add
 * - `unreachable`: the network, the server or the disk fails, or does not answer in time
 * - `corrupt`: the answer is not the bytes that were requested
 * - `changed`: the object was replaced after a part of it was read; `forget` it to read the new one
 * - `range`: the object ends before the range does
 * - `unsupported`: the scheme, or the server, does not do this
 */
export type StorageErrorKind =
  | "missing"
  | "denied"
  | "permission"
  | "unreachable"
  | "corrupt"
  | "changed"
  | "range"
  | "unsupported";

/** What was attempted: the verb of the message. */
export type StorageAction =
  | "read"
  | "reach"
  | "list"
  | "write"
  | "remove"
  | "use"
  | "find"
  | "save"
  | "publish"
  | `get a token for ${string} to use`;

/** Statuses of servers that are overloaded, or of a gateway to such a server. */
const BUSY = [408, 429, 502, 503, 504];

/**
 * What is wrong with an address or the network, and what to check. A server that has served may fail
 * likewise for a moment.
 */
export interface Mistake {
  text: string;
  /** Name and port, where it is not the server of the object. */
  server?: string;
}

/** What a {@linkcode StorageError} holds. */
export interface StorageErrorFields {
  kind: StorageErrorKind;
  /** @default {"read"} */
  action?: StorageAction;
  /** Address of the object. */
  url: string;
  /** Name of the mirror that was asked. @default {undefined} (the server of the address itself) */
  mirror?: string;
  /** What the message names instead of the address and the mirror. @default {undefined} */
  subject?: string;
  /** What is wrong, and what to do about it: the message after the colon. */
  state: string;
  /** HTTP status of the last answer. */
  status?: number;
  /** What came instead of the object, in a few words ("503 SlowDown"); absent without any answer. */
  answer?: string;
  /** The wait that the server asked for (`Retry-After`). */
  retryAfterMs?: number;
  /** Attempts before giving up. @default {undefined} (it was not given up: one attempt settled it) */
  attempts?: number;
  /**
   * Whether the server may answer otherwise next time, but seldom does: worth a few attempts, not
   * `maxAttempts` of them. @default {false}
   */
  isDoubtful?: boolean;
  /** Whether any server had served a request before. @default {false} */
  hasServed?: boolean;
  /**
   * Whether the object failed as often as it may, at servers that answer and are not overloaded:
   * others may be served. @default {false}
   */
  isOfObject?: boolean;
  /** What explains it if no server has served yet. @default {undefined} (nothing is known) */
  mistake?: Mistake;
  cause?: unknown;
}

/** An object could not be read or written. The message is rendered from the fields, once. */
export class StorageError extends UserError {
  override readonly name = "StorageError";
  readonly action: StorageAction;
  readonly kind: StorageErrorKind;
  readonly url: string;
  /** The message after the colon. */
  readonly state: string;
  readonly mirror: string | undefined;
  readonly status: number | undefined;
  readonly answer: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly attempts: number;
  /** A few attempts, at any server, may still succeed. */
  readonly isDoubtful: boolean;
  /** Whether any server of the storage had served a request before: only this object is affected. */
  readonly hasServed: boolean;
  /** The object failed as often as it may, at servers that answer and are not overloaded. */
  readonly isOfObject: boolean;
  /** What to check where nothing has been served yet. */
  readonly mistake: Mistake | undefined;
  readonly #fields: StorageErrorFields;

  constructor(fields: StorageErrorFields) {
    const category = fields.kind === "missing" ? "missing" : "unreachable";
    super(category, renderMessage(fields), { cause: fields.cause });
    this.action = fields.action ?? "read";
    this.kind = fields.kind;
    this.url = fields.url;
    this.state = fields.state;
    this.mirror = fields.mirror;
    this.status = fields.status;
    this.answer = fields.answer;
    this.retryAfterMs = fields.retryAfterMs;
    this.attempts = fields.attempts ?? 1;
    this.isDoubtful = fields.isDoubtful ?? false;
    this.hasServed = fields.hasServed ?? false;
    this.isOfObject = fields.isOfObject ?? false;
    this.mistake = fields.mistake;
    this.#fields = fields;
  }

  /** A copy with some fields changed, and its own message. */
  with(changes: Partial<StorageErrorFields>): StorageError {
    return new StorageError({ ...this.#fields, ...changes });
  }

  /** Whether the same request may well succeed later. */
  get isRetriable(): boolean {
    return this.kind === "unreachable" || this.kind === "corrupt";
  }

  /** Whether the server fails or is overloaded: requests for other objects would fail too. */
  get isHostFailure(): boolean {
    return this.kind === "unreachable" && (this.status === undefined || this.#isBusy);
  }

  /** Whether the server answers, but not with the object: waiting may not help. */
  get isObjectFailure(): boolean {
    const hasAnswered = this.status !== undefined || this.answer !== undefined;
    return this.isRetriable && hasAnswered && !this.#isBusy || this.kind === "corrupt";
  }

  /** Whether it is of this object alone, as far as is known: others may be read. */
  get sparesOthers(): boolean {
    switch (this.kind) {
      case "unreachable":
        return this.isOfObject;
      case "denied":
        return this.hasServed;
      case "corrupt":
        return this.action !== "reach";
      default:
        return this.kind !== "permission" && this.kind !== "unsupported";
    }
  }

  get #isBusy(): boolean {
    return BUSY.includes(this.status ?? 0);
  }
}

function renderMessage(fields: StorageErrorFields): string {
  const { action = "read", url, mirror, subject, state, attempts } = fields;
  const object = subject ?? `"${url}"` + (mirror === undefined ? "" : ` from ${mirror}`);
  const end = attempts === undefined
    ? ""
    : ` (gave up after ${attempts} ${attempts === 1 ? "attempt" : "attempts"})`;
  return `Cannot ${action} ${object}: ${state}${end}`;
}

/** What a server has answered, of which not all errors know something. */
type AnswerFields = Pick<
  StorageErrorFields,
  "status" | "answer" | "retryAfterMs" | "isDoubtful" | "mistake" | "cause"
>;

/** An error of reading `url`. */
export function readError(
  kind: StorageErrorKind,
  url: string,
  state: string,
  answer?: AnswerFields,
): StorageError {
  return new StorageError({ kind, url, state, ...answer });
}

/**
 * Checks what a server has sent.
 *
 * @param check says what is wrong with it.
 * @throws {StorageError} `corrupt`, doubtful, with these words.
 */
export function requireRight<Content>(
  url: string,
  content: Content,
  check: ((content: Content) => string | undefined) | undefined,
): void {
  const fault = check?.(content);
  if (fault === undefined) return;
  const isPage = content instanceof Uint8Array &&
    PAGE.test(decoder.decode(content.subarray(0, 99)));
  throw readError("corrupt", url, fault, {
    isDoubtful: true,
    ...(isPage && { mistake: SENDS_PAGES }),
  });
}

const decoder = new TextDecoder();
const PAGE = /^\s*<(?:!doctype html|html|head|body)\b/i;

/** The mistake behind HTML with a good status instead of objects. */
export const SENDS_PAGES: Mistake = {
  text: "it answers with a web page; check the address and gateways on the way",
};

/** Words of Deno's reasons, and the mistakes behind them. */
const MISTAKES: readonly (readonly [reason: RegExp, text: string])[] = [
  [/dns error|failed to lookup/, "no such host name; check it and the network"],
  [/connection refused|actively refused/i, "connection refused; check host and port"],
  [/InvalidContentType/, "it does not speak https there; check the port, or use http://"],
  [/invalid HTTP version/, "it does not speak http there; check the port, or use https://"],
  [/invalid peer certificate/, "its certificate does not fit; check the host name, or DENO_CERT"],
  [/^Fetch failed: Requests to port/, "fetch blocks this port; use another"],
];

/** What Deno puts before its reason: the address, which the message has already, and the layers. */
const NESTING = /^error sending request .*?client error \(\w+\): /;
/** 400 that means nothing: S3 waited too long for the request, or a gateway or HEAD gave no reason. */
const DOUBTFUL_CODES: readonly string[] = ["RequestTimeout", "Bad Request", ""];

/**
 * The error that an HTTP status stands for. It is doubtful for 401, 403, S3's 400 `RequestTimeout` and
 * 400 without a reason: servers and gateways answer so at random to requests without credentials.
 *
 * @param code S3's name for it ("NoSuchKey"), or the reason phrase.
 * @param retryAfter The `Retry-After` header: seconds or a date.
 */
export function statusError(
  url: string,
  status: number,
  code: string,
  retryAfter?: string | null,
): StorageError {
  const answer = `${status} ${code}`.trim();
  const retryAfterMs = parseRetryAfter(retryAfter);
  const fail = (kind: StorageErrorKind, state: string, isDoubtful = false) =>
    readError(kind, url, state, { status, answer, retryAfterMs, isDoubtful });
  if (status === 404) return fail("missing", `the server has no such object (${answer})`);
  if (status === 416) return fail("range", `the object ends before the range begins (${answer})`);
  if (status === 401 || status === 403) {
    const hint = url.startsWith("s3:") ? "; S3 says this of a missing object too" : "";
    return fail("denied", `the server denies access (${answer})${hint}`, true);
  }
  if (status === 408 || status === 429 || status >= 500) {
    return fail("unreachable", `the server is busy or failing (${answer}), try again later`);
  }
  const isDoubtful = status === 400 && DOUBTFUL_CODES.includes(code);
  return fail("denied", `the server refuses the request (${answer})`, isDoubtful);
}

/**
 * What `fetch`, or reading its body, threw. It carries the cause through code that does not know
 * which object it works for.
 */
export class FetchFailure extends Error {
  /** @param answer what had come before, in a few words; `undefined` if nothing. */
  constructor(cause: unknown, readonly answer?: string) {
    super("fetch failed", { cause });
  }

  /** The error of reading `url` that this means. */
  describe(url: string): StorageError {
    const refusal = permissionError(url, this.cause);
    if (refusal) return refusal;
    const nested = messageOf(this.cause);
    const reason = nested.replace(NESTING, "");
    const [, text] = MISTAKES.find(([words]) => words.test(reason)) ?? [];
    const [, server] = /^error sending request .*?https?:\/\/([^/\s)]+)/.exec(nested) ?? [];
    const connection = server === undefined ? "connection" : `connection to ${server}`;
    return readError("unreachable", url, `the ${connection} failed (${reason})`, {
      answer: this.answer,
      cause: this.cause,
      ...(text && this.answer === undefined && { mistake: { text, ...(server && { server }) } }),
    });
  }
}

/** The error for a refusal by Deno, with the flag that lifts it; `undefined` for other errors. */
export function permissionError(url: string, error: unknown): StorageError | undefined {
  if (!(error instanceof Deno.errors.NotCapable)) return undefined;
  const [, access, name] = /Requires (\w+) access to "([^"]+)"/.exec(error.message) ?? [];
  // Only libraries ask for variables, and they work without them.
  const flag = access === "env" ? "--ignore-env" : `--allow-${access}`;
  const state = access
    ? `Deno refuses ${access} access to "${name}", add ${flag}=${name}`
    : `Deno refuses it (${error.message})`;
  return new StorageError({ kind: "permission", action: "use", url, state, cause: error });
}

function parseRetryAfter(header: string | null | undefined): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  const ms = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** Waits for the answer; gives `undefined` when there is no such object. */
export async function unlessMissing<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof StorageError && error.kind === "missing") return undefined;
    throw error;
  }
}
