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
