/**
 * Bounded concurrency.
 *
 * @module
 */
import { pooledMap } from "jsr:@std/async@^1.1.0/pool";

/**
 * Applies a function to items, at most `limit` at a time, and yields the results in the order of the
 * items.
 *
 * A caller that stops reading goes on when the calls under way have ended; no others begin.
 *
 * @throws the first error of the function, after the calls under way have ended.
 */
export async function* mapInParallel<Item, Result>(
  limit: number,
  items: Iterable<Item>,
  map: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  let stopped = false;
  function* takeItems() {
    for (const item of items) {
      if (stopped) return;
      yield item;
    }
  }
  const results = pooledMap(limit, takeItems(), map);
  try {
    for (let next = await results.next(); !next.done; next = await results.next()) yield next.value;
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  } finally {
    // Whoever leaves early leaves results behind. Cancelled, they would reject where nobody catches.
    stopped = true;
    while (!(await results.next().catch(() => ({ done: true }))).done);
  }
}

/**
 * Runs items as they come, as many at a time as their weights together allow; one that is heavier
 * than the limit runs alone. Items are drawn when there is room for them.
 *
 * @throws the first error of `run`, after the calls under way have ended; no others begin.
 */
export async function runWithin<Item>(
  limit: number,
  items: Iterable<Item>,
  weigh: (item: Item) => number,
  run: (item: Item) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const errors: unknown[] = [];
  let load = 0;
  for (const item of items) {
    const weight = weigh(item);
    while (underWay.size > 0 && load + weight > limit) await Promise.race(underWay);
    if (errors.length > 0) break;
    load += weight;
    const call = run(item).catch((error) => void errors.push(error)).finally(() => {
      load -= weight;
      underWay.delete(call);
    });
    underWay.add(call);
  }
  await Promise.all(underWay);
  if (errors.length > 0) throw errors[0];
}

/** A caller that has at most `limit` calls under way; the others wait in the order they came. */
export function limitCalls(
  limit: number,
): <Result>(call: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = [];
  let underWay = 0;
  return async (call) => {
    if (underWay < limit) underWay++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await call();
    } finally {
      // Whoever waits takes the place over.
      const next = waiting.shift();
      if (next) next();
      else underWay--;
    }
  };
}
