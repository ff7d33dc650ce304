/**
 * Items and an asynchronous function go in, its results come out, with a limit on the calls under way.
 *
 * This room holds what any program could use: concurrency here, and in its other files numbers, text,
 * waits and timers, and the interface through which work reports what it does.
 *
 * @module
 */
import { pooledMap } from "jsr:@std/async@^1.1.0";

/**
 * Applies a function to items, at most `limit` at a time, and yields the results in the order of the
 * items.
 *
 * When the caller stops reading, no further calls begin, and it continues after those under way have
 * ended.
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
    // A caller that stops early leaves results behind; their rejections would go unhandled.
    stopped = true;
    while (!(await results.next().catch(() => ({ done: true }))).done);
  }
}

/**
 * Runs a function on items in order, while the weights of those under way stay within the limit; an
 * item heavier than the limit runs alone. An item is drawn when its turn comes.
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

/** A function that makes the calls it is given, at most `limit` at a time, first come first served. */
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
      // The next call inherits this one's share of the limit, so the count stays.
      const next = waiting.shift();
      if (next) next();
      else underWay--;
    }
  };
}
