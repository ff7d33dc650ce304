import type { Attempt } from "./attempt.ts";
import { FetchFailure, readError, SENDS_PAGES, type StorageError } from "./storage_error.ts";
import type { ByteRange } from "./objects.ts";
import type { Received } from "./versions.ts";

/** Characters that are read of the text of an error: the reason is near its beginning. */
const MAX_ERROR_TEXT = 16_384;

const decoder = new TextDecoder();

/** An answer to GET, independent of the library that received it. */
export interface Answer {
  status: number;
  /** The `Content-Range` header. */
  contentRange: string | null | undefined;
  /** The `Content-Length` header; `undefined` for a chunked body. */
  contentLength: string | null | undefined;
  /** The `Content-Type` header. */
  contentType: string | null | undefined;
  /** The `Content-Encoding` header. */
  contentEncoding: string | null | undefined;
  /** The `ETag` header. */
  etag: string | null | undefined;
  /** A byte stream, as `fetch` gives it; `null` for an empty body. */
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
}

/** The `Range` header for a range. */
export function formatRange({ offset, length }: ByteRange): string {
  return `bytes=${offset}-${offset + length - 1}`;
}

/**
 * The size that an answer to HEAD gives.
 *
 * @throws {StorageError} `unsupported` if it gives none, `corrupt` if it is no number, or not that of
 *   the whole object.
 */
export function requireSize(
  url: string,
  contentLength: string | null | undefined,
  status = 200,
): number {
  if (status !== 200) {
    const state = `the size was asked for and the server answers ${status}`;
    throw readError("corrupt", url, state, { status });
  }
  const size = parseLength(url, contentLength);
  if (size !== undefined) return size;
  throw readError("unsupported", url, "the server does not give the size (no Content-Length)");
}

function parseLength(url: string, contentLength: string | null | undefined): number | undefined {
  if (contentLength === undefined || contentLength === null) return undefined;
  const length = Number(contentLength);
  if (/^\d+$/.test(contentLength) && Number.isSafeInteger(length)) return length;
  throw readError("corrupt", url, `the server gives the size as "${contentLength}"`);
}

/**
 * Reads an answer's body, which must be exactly the requested range, or the whole object, with the
 * length that the headers give.
 *
 * @throws {StorageError} `corrupt` for another range or length, or for a whole object of more than
 *   `attempt.maxBytes`; `range` if the object ends inside the range, `unsupported` if the server
 *   ignores ranges, or compresses the body.
 */
export async function readAnswer(
  url: string,
  answer: Answer,
  range: ByteRange | undefined,
  attempt: Attempt,
): Promise<Received> {
  checkEncoding(url, answer);
  const size = range ? checkRange(url, answer, range) : checkWhole(url, answer, attempt.maxBytes);
  const length = range?.length ?? size;
  attempt.noteAnswer(length ?? attempt.maxBytes);
  const body = answer.body ?? new Blob().stream();
  const note = (bytes: number) => attempt.noteReceived(bytes);
  const bytes = length === undefined
    ? await readToEnd(url, body, attempt.maxBytes, note)
    : await readExactly(url, body, length, attempt);
  return { bytes, size, etag: answer.etag ?? undefined };
}

/** Compressed bytes are not the object's, and their ranges are not its ranges. */
function checkEncoding(url: string, { status, contentEncoding }: Answer): void {
  if (!contentEncoding || contentEncoding.toLowerCase() === "identity") return;
  const state = `the server sends it compressed (Content-Encoding "${contentEncoding}"), ` +
    "store it uncompressed";
  throw readError("unsupported", url, state, { status });
}

/** @returns the size of the object, if the answer gives it. */
function checkWhole(url: string, answer: Answer, maxBytes: number): number | undefined {
  const { status } = answer;
  if (status !== 200) {
    const state = `the whole object was asked for and the server answers ${status}`;
    throw readError("corrupt", url, state, { status });
  }
  const length = parseLength(url, answer.contentLength);
  if (length !== undefined && length > maxBytes) throw sizeError(url, maxBytes);
  return length;
}

function sizeError(url: string, maxBytes: number): StorageError {
  const state = `the server sends more than ${maxBytes} bytes, the most that is read of it`;
  return readError("corrupt", url, state, { status: 200, isDoubtful: true });
}

/** HTML and nothing that names a version of it is what gateways send; a file has an `ETag`. */
export function requireObject(url: string, { headers, status }: Response): void {
  if (headers.has("etag") || !isHtml(headers.get("content-type"))) return;
  const answer = { status, isDoubtful: true, mistake: SENDS_PAGES };
  throw readError("corrupt", url, "the server sends a page", answer);
}

function isHtml(contentType: string | null | undefined): boolean {
  return /^text\/html\b/i.test(contentType ?? "");
}

/** A page about an error is not the object, whatever its status says. */
function isPage({ contentType }: Answer): boolean {
  return /^(?:text\/html|(?:text|application)\/xml)\b/i.test(contentType ?? "");
}

/** @returns the size of the object, if the answer gives it. */
function checkRange(
  url: string,
  answer: Answer,
  { offset, length }: ByteRange,
): number | undefined {
  const end = offset + length - 1;
  const contentLength = parseLength(url, answer.contentLength);
  const { status } = answer;
  const isOther = status !== 200 || isPage(answer) || (contentLength ?? Infinity) < length;
  if (status !== 206 && isOther) {
    const state = `bytes ${offset}-${end} were asked for and the server sent ` +
      `${contentLength ?? "an unknown number of"} bytes of something else (status ${status})`;
    const isWrongServer = status === 200 && isHtml(answer.contentType) && !answer.etag;
    throw readError("corrupt", url, state, {
      status,
      ...(isWrongServer && { mistake: SENDS_PAGES }),
    });
  }
  if (status !== 206) {
    const state = `the server ignores ranges (status ${status}), only whole objects can be read`;
    throw readError("unsupported", url, state, { status });
  }
  const header = answer.contentRange ?? "";
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header);
  const [first, last, size] = (match ?? []).slice(1).map(Number);
  if (first === offset && last! < end && last === size! - 1) {
    const state = `bytes ${offset}-${end} were asked for and the object has only ${size}`;
    throw readError("range", url, state, { status });
  }
  const isContradiction = last! >= size!;
  const isRight = first === offset && last === end && !isContradiction;
  if (!isRight || (contentLength ?? length) !== length) {
    const state = `bytes ${offset}-${end} were asked for and the server sent "${header}", ` +
      `${contentLength ?? "an unknown number of"} bytes`;
    throw readError("corrupt", url, state, { status });
  }
  return Number.isNaN(size) ? undefined : size;
}

/** Reads into one buffer of the final size, so that the bytes are copied once. */
async function readExactly(
  url: string,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  length: number,
  attempt: Attempt,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(length);
  let filled = 0;
  while (filled < length) {
    const { done, value } = await reader.read(new Uint8Array(buffer, filled)).catch(failRead);
    if (done) throw readError("corrupt", url, `the body ends after ${filled} of ${length} bytes`);
    filled += value.length;
    buffer = value.buffer;
    attempt.noteReceived(value.length);
  }
  const { done } = await reader.read(new Uint8Array(1)).catch(failRead);
  if (!done) throw readError("corrupt", url, `the body goes on after ${length} bytes`);
  return new Uint8Array(buffer);
}

/** Reads a body whose end HTTP itself marks. */
async function readToEnd(
  url: string,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
  note: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let received = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(failRead);
    if (done) return await new Blob(chunks).bytes();
    received += value.length;
    note(value.length);
    if (received > maxBytes) throw sizeError(url, maxBytes);
    chunks.push(value);
  }
}

/**
 * Reads the text of an answer that is not an object: a listing, a token.
 *
 * @throws {StorageError} `corrupt` if it has more than `attempt.maxBytes`.
 */
export async function readText(
  url: string,
  { body, headers }: Pick<Response, "body" | "headers">,
  attempt: Attempt,
): Promise<string> {
  if (!body) return "";
  const length = parseLength(url, headers.get("content-length"));
  if (length !== undefined && length > attempt.maxBytes) throw sizeError(url, attempt.maxBytes);
  attempt.noteBody(attempt.maxBytes);
  const note = (bytes: number) => attempt.noteBodyBytes(bytes);
  return decoder.decode(await readToEnd(url, body, attempt.maxBytes, note));
}

/**
 * Reads the beginning of the text of an error. Its status says what it is: a text that breaks off,
 * goes on and on or does not come is as good as none.
 */
export async function readErrorText(
  { body }: Pick<Response, "body">,
  { maxErrorTextMs, signal }: Pick<Attempt, "maxErrorTextMs" | "signal">,
): Promise<string> {
  if (!body) return "";
  const reader = body.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  const timer = setTimeout(stop, maxErrorTextMs);
  signal.addEventListener("abort", stop);
  const streaming = new TextDecoder();
  let text = "";
  try {
    while (text.length < MAX_ERROR_TEXT) {
      const { done, value } = await reader.read();
      if (done) break;
      text += streaming.decode(value, { stream: true });
    }
  } catch {
    // What has arrived may still name the reason.
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    stop();
  }
  return text;
}

function failRead(cause: unknown): never {
  throw new FetchFailure(cause, "a broken body");
}
