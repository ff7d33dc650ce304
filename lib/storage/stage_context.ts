/**
 * What storage moves, for whoever tells how far work is.
 *
 * @module
 */
import type { Traffic } from "../util/reporter.ts";
import type { Storage } from "./mod.ts";

/** What a storage has received so far. */
export function receivedBy({ counters }: Pick<Storage, "counters">): Traffic {
  return () => ({ bytes: counters.bytesReceived, retries: counters.retries });
}
