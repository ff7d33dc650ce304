/**
 * Time as a watch sees it: the clock of this machine, or one that a test moves.
 *
 * @module
 */
import { delay } from "jsr:@std/async@^1.1.0";
import type { WaitClock } from "../forecast/wait_for_steps.ts";

/** A clock that also ends waits, and calls at intervals. */
export interface WatchClock extends WaitClock {
  /** Waits. Rejects with the reason of the signal. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls at intervals until it is disposed of; no call begins before the last one has ended. What a call
   * rejects with is lost.
   */
  every(ms: number, call: () => Promise<void>): Disposable;
}

/** The clock of this machine. */
export const machineClock: WatchClock = {
  now: () => Date.now(),
  sleep: (ms, signal) => delay(ms, { signal }),
  random: Math.random,
  every(ms, call) {
    let isUnderWay = false;
    const timer = setInterval(async () => {
      if (isUnderWay) return;
      isUnderWay = true;
      await call().catch(() => {});
      isUnderWay = false;
    }, ms);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
};

/** A clock whose waits a signal ends. */
export function bindClock(clock: WatchClock, signal: AbortSignal): WatchClock {
  return { ...clock, sleep: (ms) => clock.sleep(ms, signal) };
}
