/**
 * `jsr:@std/async` from npm, typed: the functions that are used.
 *
 * @module
 */
import * as delaying from "npm:deno-std@1.4.0/async/delay.js";
import * as pooling from "npm:deno-std@1.4.0/async/pool.js";

interface DelayOptions {
  signal?: AbortSignal;
  /** Whether the process stays alive while it waits. @default {true} */
  persistent?: boolean;
}

export const delay: (ms: number, options?: DelayOptions) => Promise<void> = delaying.delay;

export const pooledMap: <T, R>(
  poolLimit: number,
  array: Iterable<T> | AsyncIterable<T>,
  iteratorFn: (data: T) => Promise<R>,
) => AsyncIterableIterator<R> = pooling.pooledMap;
