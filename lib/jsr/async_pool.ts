/**
 * `jsr:@std/async/pool` from npm, typed.
 *
 * @module
 */
import * as std from "npm:deno-std@1.4.0/async/pool.js";

export const pooledMap: <T, R>(
  poolLimit: number,
  array: Iterable<T> | AsyncIterable<T>,
  iteratorFn: (data: T) => Promise<R>,
) => AsyncIterableIterator<R> = std.pooledMap;
