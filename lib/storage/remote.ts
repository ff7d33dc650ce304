import type { Attempt } from "./attempt.ts";
import type { Candidate } from "./candidate.ts";
import { StorageError } from "./error.ts";
import { type RequestContext, type Send, sendRequest } from "./request.ts";
import type { ByteRange, ListedObject, ObjectAccess, ObjectInfo } from "./types.ts";

/** A page of a listing; `next` asks for the one after it. */
export interface ListPage {
  objects: ListedObject[];
  next: string | undefined;
}

/** A kind of server. Each call but `origin` makes one request, once. */
export interface Remote {
  /** Scheme, name and port of the server that requests for the address go to. */
  origin(url: string): string;
  get(
    url: string,
    range: ByteRange | undefined,
    attempt: Attempt,
  ): Promise<Uint8Array<ArrayBuffer>>;
  head(url: string, attempt: Attempt): Promise<ObjectInfo>;
  listPage(prefixUrl: string, next: string | undefined, attempt: Attempt): Promise<ListPage>;
}

/** The objects on servers, each request sent where and as often as `context` says. */
export function accessRemotes(
  context: RequestContext,
  locate: (url: string) => readonly Candidate[],
): ObjectAccess {
  const request = async <T>(url: string, send: Send<T>) =>
    await sendRequest(url, locate(url), context, send);
  return {
    get: (url, range) =>
      request(url, ({ remote, candidate }, attempt) => remote.get(candidate.url, range, attempt)),
    head: (url) =>
      request(url, ({ remote, candidate }, attempt) => remote.head(candidate.url, attempt)),
    async *list(prefixUrl) {
      let candidates = locate(prefixUrl);
      let next: string | undefined;
      do {
        const { candidate, page } = await sendRequest(
          prefixUrl,
          candidates,
          context,
          async ({ remote, candidate }, attempt) => ({
            candidate,
            page: await remote.listPage(candidate.url, next, attempt),
          }),
        );
        for (const { url, size } of page.objects) {
          yield { url: prefixUrl + url.slice(candidate.url.length), size };
        }
        next = page.next;
        // Only who gave a page knows what comes after it.
        candidates = [candidate];
      } while (next !== undefined);
    },
    put: async (url) => {
      await context.open({ url });
      const message = `Cannot write "${url}": only local paths can be written, give one`;
      throw new StorageError("unsupported", url, message);
    },
  };
}
