/**
 * `jsr:@std/async/retry` from npm, typed.
 *
 * @module
 */
import * as std from "npm:deno-std@1.4.0/async/retry.js";

export interface RetryOptions {
  multiplier?: number;
  maxTimeout?: number;
  maxAttempts?: number;
  minTimeout?: number;
  jitter?: number;
  isRetriable?: (error: unknown) => boolean;
  signal?: AbortSignal;
}

export const retry: <T>(fn: (() => Promise<T>) | (() => T), options?: RetryOptions) => Promise<T> =
  std.retry;

export const RetryError: new (cause: unknown, attempts: number) => Error = std.RetryError;
