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
 * @throws the first error of the function, after the calls under way have ended.
 */
export async function* mapInParallel<Item, Result>(
  limit: number,
  items: Iterable<Item>,
  map: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  try {
    yield* pooledMap(limit, items, map);
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  }
}
