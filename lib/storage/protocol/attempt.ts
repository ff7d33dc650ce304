import { readError } from "./storage_error.ts";
import type { RequestTiming } from "./request_times.ts";
import type { StorageCounters } from "./types.ts";

/**
 * One attempt at a request. Its signal fires when the caller aborts, when nothing has come or gone
 * for `timeoutMs`, and at its end, so that what is still being received is dropped.
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

  /** How it went; `undefined` before an answer that has a body. */
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

  /** Notes that bytes of the body have come. */
  noteReceived(bytes: number): void {
    this.#counters.bytesReceived += bytes;
    this.#receivedBytes += bytes;
    this.noteProgress();
  }

  /** Notes that something went over the network, either way. */
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
