import type { Attempt } from "./attempt.ts";
import { FetchFailure, readError } from "./error.ts";
import type { ByteRange } from "./types.ts";

/** An answer to GET, whichever library brought it. */
export interface Answer {
  status: number;
  /** The `Content-Range` header. */
  contentRange: string | null | undefined;
  /** The `Content-Length` header; `undefined` for a chunked body. */
  contentLength: number | undefined;
  /** A byte stream, as `fetch` gives it; `null` for an empty body. */
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
}

/** The `Range` header for a range. */
export function formatRange({ offset, length }: ByteRange): string {
  return `bytes=${offset}-${offset + length - 1}`;
}

/**
 * The size that an answer to HEAD told.
 *
 * @throws {StorageError} `unsupported` if it told none.
 */
export function requireSize(url: string, contentLength: number | undefined): number {
  if (contentLength !== undefined) return contentLength;
  throw readError("unsupported", url, "the server does not tell the size (no Content-Length)");
}

/**
 * Reads an answer's body, which must be exactly the range asked for, or exactly as long as its
 * headers say.
 *
 * @throws {StorageError} `corrupt` for another range or length, `range` if the object ends inside
 *   the range, `unsupported` if the server does not do ranges.
 */
export async function readAnswer(
  url: string,
  answer: Answer,
  range: ByteRange | undefined,
  attempt: Attempt,
): Promise<Uint8Array<ArrayBuffer>> {
  if (range) checkRange(url, answer, range);
  const length = range?.length ?? answer.contentLength;
  const body = answer.body ?? new Blob().stream();
  if (length === undefined) return await readToEnd(body, attempt);
  return await readExactly(url, body, length, attempt);
}

function checkRange(url: string, answer: Answer, { offset, length }: ByteRange): void {
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
  if (first !== offset || last !== end || (answer.contentLength ?? length) !== length) {
    const state = `bytes ${offset}-${end} were asked for and the server sent "${header}", ` +
      `${answer.contentLength ?? "an unknown number of"} bytes`;
    throw readError("corrupt", url, state, { status: answer.status });
  }
}

/** Reads into one buffer of the final size: the bytes are copied once, out of the network. */
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

/** Reads a chunked body, whose end the protocol itself marks. */
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
