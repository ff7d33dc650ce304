import { setTimeout as delay } from "node:timers/promises";
import { retry, RetryError } from "jsr:@std/async@^1.1.0/retry";
import { Attempt } from "./attempt.ts";
import { FetchFailure, StorageError } from "./error.ts";
import type { StorageCounters } from "./types.ts";

/** A server that asks for a longer wait than this gets another request after it. */
const MAX_RETRY_AFTER_MS = 300_000;

/** An attempt failed and another will follow. */
export interface RetryEvent {
  url: string;
  /** The attempt that failed, from 1. */
  attempt: number;
  maxAttempts: number;
  error: StorageError;
}

/** How long to go on trying. */
export interface RetryPolicy {
  maxAttempts: number;
  /** Longest wait before the second attempt; doubled for each one after it. */
  minDelayMs: number;
  /** Longest wait of all, unless the server asks for more. */
  maxDelayMs: number;
  /** An attempt fails when no byte has come for so long. */
  timeoutMs: number;
  signal?: AbortSignal;
  onRetry?: (event: RetryEvent) => void;
}

/**
 * Runs `request` until it succeeds, fails for good, or has failed `maxAttempts` times. Waits are
 * drawn between zero and the back-off (full jitter), so that clients struck together do not come
 * back together; `Retry-After` sets the least.
 *
 * @throws {StorageError} of the last attempt, with the number of attempts.
 * @throws The signal's reason when it aborts.
 */
export async function retryRequest<T>(
  url: string,
  policy: RetryPolicy,
  counters: StorageCounters,
  request: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const { maxAttempts, signal, onRetry } = policy;
  let attempts = 0;
  let earliestMs = 0;
  const runAttempt = async () => {
    await waitUntil(earliestMs, signal);
    attempts++;
    try {
      return await runOnce(url, policy, counters, request);
    } catch (error) {
      if (isRetriable(error) && attempts < maxAttempts) {
        earliestMs = performance.now() + Math.min(error.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
        counters.retries++;
        onRetry?.({ url, attempt: attempts, maxAttempts, error });
      }
      throw error;
    }
  };
  try {
    return await retry(runAttempt, {
      maxAttempts,
      minTimeout: policy.minDelayMs,
      maxTimeout: policy.maxDelayMs,
      isRetriable,
      signal,
    });
  } catch (error) {
    if (error instanceof RetryError) throw giveUp(error.cause as StorageError, attempts);
    throw error;
  }
}

async function runOnce<T>(
  url: string,
  { timeoutMs, signal }: RetryPolicy,
  counters: StorageCounters,
  request: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  using attempt = new Attempt(url, timeoutMs, counters, signal);
  counters.requests++;
  try {
    return await request(attempt);
  } catch (error) {
    // What comes up after an abort is an echo of it, often wrapped by a library.
    if (attempt.signal.aborted) throw attempt.signal.reason;
    throw error instanceof FetchFailure ? error.describe(url) : error;
  }
}

function isRetriable(error: unknown): error is StorageError {
  return error instanceof StorageError && error.isRetriable;
}

async function waitUntil(timeMs: number, signal: AbortSignal | undefined): Promise<void> {
  const waitMs = timeMs - performance.now();
  if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
}

function giveUp(error: StorageError, attempts: number): StorageError {
  const message = `${error.message} (gave up after ${attempts} attempts)`;
  const { kind, url, status, retryAfterMs } = error;
  return new StorageError(kind, url, message, { status, retryAfterMs, attempts, cause: error });
}
