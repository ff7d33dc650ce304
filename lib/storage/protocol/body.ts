import type { Attempt } from "./attempt.ts";
import { FetchFailure, readError } from "./storage_error.ts";
import type { ByteRange } from "./objects.ts";
import type { Received } from "./versions.ts";

/** An answer to GET, independent of the library that received it. */
export interface Answer {
  status: number;
  /** The `Content-Range` header. */
  contentRange: string | null | undefined;
  /** The `Content-Length` header; `undefined` for a chunked body. */
  contentLength: number | undefined;
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
 * @throws {StorageError} `unsupported` if it gives none.
 */
export function requireSize(url: string, contentLength: number | undefined): number {
  if (contentLength !== undefined) return contentLength;
  throw readError("unsupported", url, "the server does not give the size (no Content-Length)");
}

/**
 * Reads an answer's body, which must be exactly the requested range, or the whole object, with the
 * length that the headers give.
 *
 * @throws {StorageError} `corrupt` for another range or length, `range` if the object ends inside
 *   the range, `unsupported` if the server ignores ranges, or compresses the body.
 */
export async function readAnswer(
  url: string,
  answer: Answer,
  range: ByteRange | undefined,
  attempt: Attempt,
): Promise<Received> {
  attempt.noteAnswer();
  checkEncoding(url, answer);
  const size = range ? checkRange(url, answer, range) : checkWhole(url, answer);
  const length = range?.length ?? size;
  const body = answer.body ?? new Blob().stream();
  const bytes = length === undefined
    ? await readToEnd(body, attempt)
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
function checkWhole(url: string, { status, contentLength }: Answer): number | undefined {
  if (status === 200) return contentLength;
  const state = `the whole object was asked for and the server answers ${status}`;
  throw readError("corrupt", url, state, { status });
}

/** @returns the size of the object, if the answer gives it. */
function checkRange(
  url: string,
  answer: Answer,
  { offset, length }: ByteRange,
): number | undefined {
  const end = offset + length - 1;
  if (answer.status !== 206) {
    const state =
      `the server ignores ranges (status ${answer.status}), only whole objects can be read`;
    throw readError("unsupported", url, state, { status: answer.status });
  }
  const header = answer.contentRange ?? "";
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header);
  const [first, last, size] = (match ?? []).slice(1).map(Number);
  if (first === offset && last! < end && last === size! - 1) {
    const state = `bytes ${offset}-${end} were asked for and the object has only ${size}`;
    throw readError("range", url, state, { status: answer.status });
  }
  const isContradiction = last! >= size!;
  const isRight = first === offset && last === end && !isContradiction;
  if (!isRight || (answer.contentLength ?? length) !== length) {
    const state = `bytes ${offset}-${end} were asked for and the server sent "${header}", ` +
      `${answer.contentLength ?? "an unknown number of"} bytes`;
    throw readError("corrupt", url, state, { status: answer.status });
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

/** Reads a chunked body, whose end HTTP itself marks. */
async function readToEnd(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  attempt: Attempt,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (;;) {
    const { done, value } = await reader.read().catch(failRead);
    if (done) return await new Blob(chunks).bytes();
    chunks.push(value);
    attempt.noteReceived(value.length);
  }
}

function failRead(cause: unknown): never {
  throw new FetchFailure(cause, "a broken body");
}
