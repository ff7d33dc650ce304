/**
 * What a stage works with besides its options, and the traffic of its storage for progress bars.
 *
 * @module
 */
import type { Reporter, Traffic } from "../util/reporter.ts";
import type { Storage } from "./mod.ts";

/** What a stage works with besides its options. */
export interface StageContext {
  storage: Storage;
  reporter: Reporter;
}

/** What a storage has received so far. */
export function receivedBy({ counters }: Pick<Storage, "counters">): Traffic {
  return () => ({ bytes: counters.bytesReceived, retries: counters.retries });
}
