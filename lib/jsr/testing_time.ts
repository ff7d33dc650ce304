/**
 * `jsr:@std/testing/time` over Node's mock of `Date`: the std package is not on npm. Of `FakeTime` it
 * has what does not need real time to pass, typed as std types it.
 *
 * @module
 */
// deno-lint-ignore-file no-explicit-any
import { mock } from "node:test";

type Callback = (...args: any[]) => void;

interface Timer {
  dueMs: number;
  /** Wait between calls; `undefined` for a single one. */
  everyMs: number | undefined;
  call: () => void;
}

/** Time is faked twice, or restored twice. */
export class TimeError extends Error {
  override name = "TimeError";
}

let fakeTime: FakeTime | undefined;

/**
 * Replaces `Date`, the global timers and `AbortSignal.timeout()`, and nothing else: a module that
 * waits by `node:timers`, or reads `performance.now()`, is not reached.
 */
export class FakeTime implements Disposable {
  readonly #start: number;
  readonly #real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
  };
  readonly #realTimeout = AbortSignal.timeout;
  /** In the order in which they were set. */
  readonly #timers = new Map<number, Timer>();
  #now: number;
  #lastId = 0;

  constructor(start?: number | string | Date | null) {
    if (fakeTime) throw new TimeError("Cannot construct FakeTime: time is already faked");
    this.#start = start === undefined || start === null
      ? Date.now()
      : typeof start === "number"
      ? Math.floor(start)
      : new Date(start).getTime();
    if (Number.isNaN(this.#start)) {
      throw new TypeError(`Cannot construct FakeTime: invalid start time ${this.#start}`);
    }
    this.#now = this.#start;
    mock.timers.enable({ apis: ["Date"], now: this.#start });
    const clear = (id?: unknown) => void this.#timers.delete(Number(id));
    Object.assign(globalThis, {
      setTimeout: (callback: Callback, ms = 0, ...args: unknown[]) =>
        this.#set(callback, ms, args, false),
      setInterval: (callback: Callback, ms = 0, ...args: unknown[]) =>
        this.#set(callback, ms, args, true),
      clearTimeout: clear,
      clearInterval: clear,
    });
    AbortSignal.timeout = (ms) => {
      const controller = new AbortController();
      const reason = new DOMException("Signal timed out.", "TimeoutError");
      this.#set(() => controller.abort(reason), ms, [], false);
      return controller.signal;
    };
    fakeTime = this;
  }

  /** Milliseconds since 1970. Setting it calls what is due until then, in order. */
  get now(): number {
    return this.#now;
  }

  set now(value: number) {
    if (value < this.#now) {
      throw new RangeError(
        `Cannot set current time in the past, time must be >= ${this.#now}: received ${value}`,
      );
    }
    for (;;) {
      const [id, timer] = this.#findFirst() ?? [];
      if (id === undefined || !timer || timer.dueMs > value) break;
      this.#advance(timer.dueMs);
      // An interval is set anew behind those that are due at the same time.
      this.#timers.delete(id);
      if (timer.everyMs !== undefined) {
        this.#timers.set(id, { ...timer, dueMs: timer.dueMs + timer.everyMs });
      }
      timer.call();
    }
    this.#advance(value);
  }

  get start(): number {
    return this.#start;
  }

  /** Waits in real time. */
  async delay(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.#real.setTimeout.call(globalThis, resolve, ms));
  }

  /** Lets everything proceed that waits for no timer. */
  async runMicrotasks(): Promise<void> {
    await this.delay(0);
  }

  tick(ms = 0): void {
    this.now += ms;
  }

  async tickAsync(ms = 0): Promise<void> {
    await this.runMicrotasks();
    this.now += ms;
  }

  /** Moves to the next timer. @returns whether there was one. */
  next(): boolean {
    const first = this.#findFirst();
    if (first) this.now = first[1].dueMs;
    return first !== undefined;
  }

  async nextAsync(): Promise<boolean> {
    await this.runMicrotasks();
    return this.next();
  }

  runAll(): void {
    while (this.#timers.size > 0) this.next();
  }

  async runAllAsync(): Promise<void> {
    while (this.#timers.size > 0) await this.nextAsync();
  }

  restore(): void {
    if (fakeTime !== this) {
      throw new TimeError("Cannot restore time: time is already restored");
    }
    fakeTime = undefined;
    mock.timers.reset();
    Object.assign(globalThis, this.#real);
    AbortSignal.timeout = this.#realTimeout;
  }

  [Symbol.dispose](): void {
    this.restore();
  }

  #set(callback: Callback, ms: number, args: unknown[], isRepeated: boolean): number {
    const waitMs = Math.max(isRepeated ? 1 : 0, Math.floor(ms));
    this.#timers.set(++this.#lastId, {
      dueMs: this.#now + waitMs,
      everyMs: isRepeated ? waitMs : undefined,
      call: () => callback(...args),
    });
    return this.#lastId;
  }

  /** Of those that are due at the same time, the one that was set first. */
  #findFirst(): [id: number, timer: Timer] | undefined {
    let first: [number, Timer] | undefined;
    for (const entry of this.#timers) {
      if (!first || entry[1].dueMs < first[1].dueMs) first = entry;
    }
    return first;
  }

  #advance(ms: number): void {
    this.#now = ms;
    mock.timers.setTime(Math.floor(ms));
  }
}
