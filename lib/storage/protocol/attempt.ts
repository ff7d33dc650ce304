/**
 * One attempt at a request, and what a backend does in it.
 *
 * @module
 */
import { readError } from "./storage_error.ts";
import { type LineMark, RequestTimes, type RequestTiming } from "./request_times.ts";
import type { ByteRange, ListedObject, ObjectInfo, StorageCounters } from "./objects.ts";
import type { Received } from "./versions.ts";

/** The most that is read into memory of an object whose range is not given (64 MiB). */
export const MAX_WHOLE_BYTES = 64 * 1024 * 1024;

/** Of the text of an error: nobody waits long for it, its status says enough. */
const MAX_ERROR_TEXT_MS = 5000;

/** What an attempt is for, and what it may take. */
export interface AttemptOptions {
  /** What errors call the object. */
  url: string;
  /** An attempt fails when nothing, or next to nothing, has moved for this long. */
  timeoutMs: number;
  counters: Pick<StorageCounters, "bytesReceived">;
  /** Of the caller. */
  signal?: AbortSignal | undefined;
  /** Of the server. @default {new RequestTimes()} */
  times?: RequestTimes;
  /** The most that is read of a whole object. @default MAX_WHOLE_BYTES */
  maxBytes?: number;
  /** How many times as long as usual the answer may take. @default {1} */
  patience?: number;
}

/** Why the signal of an attempt fires at its end: one for all, as each that is made takes a stack trace. */
const ENDED = new DOMException("The attempt has ended", "AbortError");

/**
 * One attempt at a request. Its signal fires when the caller aborts, when the server makes no
 * progress for `timeoutMs`, when the answer takes far longer than the last ones of this server, and
 * at its end, so that what is still being received is dropped.
 */
export class Attempt implements Disposable {
  readonly maxBytes: number;
  /** How long the text of an error is waited for. */
  readonly maxErrorTextMs: number;
  readonly #options: AttemptOptions;
  readonly #times: RequestTimes;
  readonly #controller = new AbortController();
  readonly #onCallerAbort = () => this.#controller.abort(this.#options.signal?.reason);
  readonly #startMs = performance.now();
  #answerMs: number | undefined;
  #receivedBytes = 0;
  #lastProgressMs = this.#startMs;
  /** When the progress of the body was last judged; `undefined` before its begin. */
  #judged: LineMark | undefined;
  #deadlineMs = Infinity;
  #isOverdue = false;
  #timer: ReturnType<typeof setTimeout>;

  constructor(options: AttemptOptions) {
    const { signal, timeoutMs } = this.#options = options;
    this.#times = options.times ?? new RequestTimes();
    this.maxBytes = options.maxBytes ?? MAX_WHOLE_BYTES;
    this.maxErrorTextMs = Math.min(MAX_ERROR_TEXT_MS, timeoutMs / 2);
    signal?.addEventListener("abort", this.#onCallerAbort);
    this.#timer = setTimeout(() => this.#judge(), timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether it took too long for what the server has shown: the next one should be given longer. */
  get isOverdue(): boolean {
    return this.#isOverdue;
  }

  /** How long it took; `undefined` before an answer with the bytes of an object. */
  get timing(): RequestTiming | undefined {
    if (this.#answerMs === undefined) return undefined;
    return {
      waitMs: this.#answerMs - this.#startMs,
      bodyMs: this.#lastProgressMs - this.#answerMs,
      bytes: this.#receivedBytes,
    };
  }

  /**
   * Notes that an answer has begun, whose body is an object or a part of it.
   *
   * @param bytes its length, or the most that it may have.
   */
  noteAnswer(bytes: number): void {
    this.noteBody(bytes);
    this.#answerMs = this.#lastProgressMs;
  }

  /** Notes that any body begins. */
  noteBody(bytes: number): void {
    const { timeoutMs, patience = 1 } = this.#options;
    this.#lastProgressMs = performance.now();
    if (!this.#judged) this.#times.bodies++;
    this.#judged = this.#markLine(this.#lastProgressMs);
    const longestMs = Math.max(timeoutMs, this.#times.longestMs(bytes)) * patience;
    this.#deadlineMs = this.#startMs + longestMs;
  }

  /** Notes that bytes of an object have arrived. */
  noteReceived(bytes: number): void {
    this.#options.counters.bytesReceived += bytes;
    this.noteBodyBytes(bytes);
  }

  /** Notes that bytes of any body have arrived. */
  noteBodyBytes(bytes: number): void {
    this.#receivedBytes += bytes;
    this.#times.lineBytes += bytes;
    this.#lastProgressMs = performance.now();
  }

  /** Notes that bytes were sent. */
  noteProgress(): void {
    this.#lastProgressMs = performance.now();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    if (this.#judged) this.#times.bodies--;
    this.#options.signal?.removeEventListener("abort", this.#onCallerAbort);
    this.#controller.abort(ENDED);
  }

  /** A timer set once and looked at when due is cheaper than one reset for every chunk. */
  #judge(): void {
    const { timeoutMs } = this.#options;
    const nowMs = performance.now();
    const fault = this.#findFault(nowMs);
    if (fault !== undefined) return this.#fail(fault);
    const judgedMs = this.#judged?.ms ?? Infinity;
    const dueMs = Math.min(this.#lastProgressMs, judgedMs) + timeoutMs;
    // Timers may be early by less than their resolution.
    const waitMs = Math.max(1, Math.min(dueMs, this.#deadlineMs) - nowMs);
    this.#timer = setTimeout(() => this.#judge(), waitMs);
  }

  #findFault(nowMs: number): string | undefined {
    const { timeoutMs } = this.#options;
    if (nowMs - this.#lastProgressMs >= timeoutMs) return `sent nothing for ${timeoutMs / 1000} s`;
    if (!this.#judged) return undefined;
    const mark = this.#markLine(nowMs);
    if (nowMs - this.#judged.ms >= timeoutMs) {
      const bytes = mark.bytes - this.#judged.bytes;
      const isProgress = this.#times.isProgress(this.#judged, mark);
      if (!isProgress) return `sent no more than ${bytes} bytes in ${timeoutMs / 1000} s`;
      this.#judged = mark;
    }
    this.#isOverdue = nowMs >= this.#deadlineMs;
    if (!this.#isOverdue) return undefined;
    const seconds = ((nowMs - this.#startMs) / 1000).toFixed(1);
    return `sent ${mark.bytes} bytes in ${seconds} s, far less than before`;
  }

  #markLine(ms: number): LineMark {
    return { ms, bytes: this.#receivedBytes, lineBytes: this.#times.lineBytes };
  }

  #fail(state: string): void {
    const error = readError("unreachable", this.#options.url, `the server ${state}`);
    this.#controller.abort(error);
  }
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
