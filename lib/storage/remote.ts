import type { Attempt } from "./attempt.ts";
import { StorageError } from "./error.ts";
import { type RetryPolicy, retryRequest } from "./retry.ts";
import type {
  ByteRange,
  ListedObject,
  ObjectAccess,
  ObjectInfo,
  StorageCounters,
} from "./types.ts";
import type { Received, Versions } from "./versions.ts";

/** A page of a listing; `next` asks for the one after it. */
export interface ListPage {
  objects: ListedObject[];
  next: string | undefined;
}

/** A kind of server. Each call makes one request, once. */
export interface Remote {
  get(url: string, range: ByteRange | undefined, attempt: Attempt): Promise<Received>;
  head(url: string, attempt: Attempt): Promise<ObjectInfo>;
  listPage(prefixUrl: string, next: string | undefined, attempt: Attempt): Promise<ListPage>;
}

/** The objects of a kind of server, each request tried again as the policy says. */
export function accessRemote(
  remote: Remote,
  policy: RetryPolicy,
  counters: StorageCounters,
  versions: Versions,
): ObjectAccess {
  const request = <T>(url: string, send: (attempt: Attempt) => Promise<T>) =>
    retryRequest(url, policy, counters, send);
  return {
    get: (url, range) =>
      request(url, (attempt) => versions.check(url, url, range, remote.get(url, range, attempt))),
    head: (url) =>
      request(url, async (attempt) => versions.note(url, url, await remote.head(url, attempt))),
    async *list(prefixUrl) {
      let next: string | undefined;
      do {
        const page = await request(
          prefixUrl,
          (attempt) => remote.listPage(prefixUrl, next, attempt),
        );
        yield* page.objects;
        next = page.next;
      } while (next !== undefined);
    },
    put: (url) => {
      const message = `Cannot write "${url}": only local paths can be written, give one`;
      return Promise.reject(new StorageError("unsupported", url, message));
    },
  };
}
