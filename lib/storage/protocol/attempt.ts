/**
 * One attempt at a request, and what a backend does in it.
 *
 * @module
 */
import { readError } from "./storage_error.ts";
import type { RequestTiming } from "./request_times.ts";
import type { ByteRange, ListedObject, ObjectInfo, StorageCounters } from "./objects.ts";
import type { Received } from "./versions.ts";

/**
 * One attempt at a request. Its signal fires when the caller aborts, when no byte has moved for
 * `timeoutMs`, and at its end, so that what is still being received is dropped.
 */
export class Attempt implements Disposable {
  readonly #controller = new AbortController();
  readonly #counters: Pick<StorageCounters, "bytesReceived">;
  readonly #caller: AbortSignal | undefined;
  readonly #onCallerAbort = () => this.#controller.abort(this.#caller?.reason);
  readonly #startMs = performance.now();
  #answerMs: number | undefined;
  #receivedBytes = 0;
  #lastProgressMs = this.#startMs;
  #timer: ReturnType<typeof setTimeout>;

  constructor(
    url: string,
    timeoutMs: number,
    counters: Pick<StorageCounters, "bytesReceived">,
    caller: AbortSignal | undefined,
  ) {
    this.#counters = counters;
    this.#caller = caller;
    caller?.addEventListener("abort", this.#onCallerAbort);
    // A timer set once and looked at when due is cheaper than one reset for every chunk.
    const checkProgress = () => {
      const quietMs = performance.now() - this.#lastProgressMs;
      if (quietMs < timeoutMs) this.#timer = setTimeout(checkProgress, timeoutMs - quietMs);
      else this.#controller.abort(timeoutError(url, timeoutMs));
    };
    this.#timer = setTimeout(checkProgress, timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** How long it took; `undefined` before an answer that has a body. */
  get timing(): RequestTiming | undefined {
    if (this.#answerMs === undefined) return undefined;
    return {
      waitMs: this.#answerMs - this.#startMs,
      bodyMs: this.#lastProgressMs - this.#answerMs,
      bytes: this.#receivedBytes,
    };
  }

  /** Notes that an answer has begun, whose body follows. */
  noteAnswer(): void {
    this.noteProgress();
    this.#answerMs = this.#lastProgressMs;
  }

  /** Notes that bytes of the body have arrived. */
  noteReceived(bytes: number): void {
    this.#counters.bytesReceived += bytes;
    this.#receivedBytes += bytes;
    this.noteProgress();
  }

  /** Notes that bytes were sent or received. */
  noteProgress(): void {
    this.#lastProgressMs = performance.now();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener("abort", this.#onCallerAbort);
    this.#controller.abort();
  }
}

function timeoutError(url: string, timeoutMs: number) {
  return readError("unreachable", url, `the server sent nothing for ${timeoutMs / 1000} s`);
}

/** A page of a listing; `next` requests the one after it. */
export interface ListPage {
  objects: ListedObject[];
  next: string | undefined;
}

/** Speaks to one kind of server. Each call but `origin` makes one request, once. */
export interface Backend {
  /** Scheme, name and port of the server that requests for the address are sent to. */
  origin(url: string): string;
  get(url: string, range: ByteRange | undefined, attempt: Attempt): Promise<Received>;
  head(url: string, attempt: Attempt): Promise<ObjectInfo>;
  listPage(prefixUrl: string, next: string | undefined, attempt: Attempt): Promise<ListPage>;
  /**
   * Prepares the writing of an object. The result is called once an attempt, and each call resumes
   * where the one before it ended. Absent where nothing can be written.
   */
  planPut?(url: string, bytes: Uint8Array<ArrayBuffer>): (attempt: Attempt) => Promise<void>;
  /** Absent where nothing can be written. */
  remove?(url: string, attempt: Attempt): Promise<void>;
}
