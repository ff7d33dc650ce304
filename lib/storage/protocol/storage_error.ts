import { UserError } from "../../errors.ts";

/**
 * Why bytes could not be had, or kept:
 * - `missing`: there is no such object, bucket, file or folder
 * - `denied`: the server or the file system refuses (S3 says so of missing objects too, where the
 *   bucket may not be listed)
 * - `permission`: Deno refuses; the text names the flag to add
 * - `unreachable`: the network, the server or the disk fails, or does not answer in time
 * - `corrupt`: the answer is not the bytes that were asked for
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

/** Statuses of servers that are overloaded, or that stand before one that is. */
const BUSY = [408, 429, 502, 503, 504];

/** What is known beside the kind. */
export interface StorageErrorDetail {
  /** HTTP status of the last answer. */
  status?: number;
  /** What came instead of the object, in a few words ("503 SlowDown"); absent without any answer. */
  answer?: string;
  /** The wait that the server asked for (`Retry-After`). */
  retryAfterMs?: number;
  /** How often it was tried. */
  attempts?: number;
  cause?: unknown;
}

/** Something could not be read from, or written to, the place that `url` names. */
export class StorageError extends UserError {
  override readonly name = "StorageError";
  readonly kind: StorageErrorKind;
  readonly url: string;
  readonly status: number | undefined;
  readonly answer: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly attempts: number;

  constructor(
    kind: StorageErrorKind,
    url: string,
    message: string,
    detail: StorageErrorDetail = {},
  ) {
    super(kind === "missing" ? "missing" : "unreachable", message, { cause: detail.cause });
    this.kind = kind;
    this.url = url;
    this.status = detail.status;
    this.answer = detail.answer;
    this.retryAfterMs = detail.retryAfterMs;
    this.attempts = detail.attempts ?? 1;
  }

  /** Whether the same request may well succeed later. */
  get isRetriable(): boolean {
    return this.kind === "unreachable" || this.kind === "corrupt";
  }

  /** Whether the server is at fault, or overloaded: other objects would fare no better. */
  get isHostFailure(): boolean {
    return this.kind === "unreachable" && (this.status === undefined || this.#isBusy);
  }

  /** Whether the server does answer, but not with the object: that may be so for ever. */
  get isObjectFailure(): boolean {
    const hasAnswered = this.status !== undefined || this.answer !== undefined;
    return this.isRetriable && hasAnswered && !this.#isBusy || this.kind === "corrupt";
  }

  get #isBusy(): boolean {
    return BUSY.includes(this.status ?? 0);
  }
}

/** An error for the state in which reading `url` ended. */
export function readError(
  kind: StorageErrorKind,
  url: string,
  state: string,
  detail?: StorageErrorDetail,
): StorageError {
  return new StorageError(kind, url, `Cannot read "${url}": ${state}`, detail);
}

/**
 * The error that an HTTP status stands for.
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
  const fail = (kind: StorageErrorKind, state: string) =>
    readError(kind, url, state, { status, answer, retryAfterMs: parseRetryAfter(retryAfter) });
  if (status === 404) return fail("missing", `the server has no such object (${answer})`);
  if (status === 416) return fail("range", `the object ends before the range begins (${answer})`);
  if (status === 401 || status === 403) {
    const hint = url.startsWith("s3:") ? "; S3 says this of a missing object too" : "";
    return fail("denied", `the server denies access (${answer})${hint}`);
  }
  if (status === 408 || status === 429 || status >= 500) {
    return fail("unreachable", `the server is busy or failing (${answer}), try again later`);
  }
  return fail("denied", `the server refuses the request (${answer})`);
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

  /** The same, said of the object that was to be read. */
  describe(url: string): StorageError {
    const refusal = permissionError(url, this.cause);
    if (refusal) return refusal;
    const reason = this.cause instanceof Error ? this.cause.message : String(this.cause);
    return readError("unreachable", url, `the connection failed (${reason})`, {
      answer: this.answer,
      cause: this.cause,
    });
  }
}

/** The error for a refusal by Deno, with the flag that lifts it; `undefined` for other errors. */
export function permissionError(url: string, error: unknown): StorageError | undefined {
  if (!(error instanceof Deno.errors.NotCapable)) return undefined;
  const [, access, name] = /Requires (\w+) access to "([^"]+)"/.exec(error.message) ?? [];
  // Only a library asks for variables, ones that it can do without.
  const flag = access === "env" ? "--ignore-env" : `--allow-${access}`;
  const state = access
    ? `Deno refuses ${access} access to "${name}", add ${flag}=${name}`
    : `Deno refuses it (${error.message})`;
  return new StorageError("permission", url, `Cannot use "${url}": ${state}`, { cause: error });
}

function parseRetryAfter(header: string | null | undefined): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  const ms = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** The answer; `undefined` when there is no such object. */
export async function unlessMissing<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof StorageError && error.kind === "missing") return undefined;
    throw error;
  }
}
