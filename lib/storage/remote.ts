import type { Attempt } from "./attempt.ts";
import { StorageError } from "./error.ts";
import { type RetryPolicy, retryRequest } from "./retry.ts";
import type {
  ByteRange,
  ListedObject,
  ObjectAccess,
  ObjectInfo,
  Pieces,
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
  /**
   * Gives what writes an object, called once an attempt: each goes on from what the ones before it
   * have achieved. Absent where nothing can be written.
   */
  planPut?(url: string, bytes: Uint8Array<ArrayBuffer>): (attempt: Attempt) => Promise<void>;
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
    async put(url, pieces) {
      if (!remote.planPut) throw unwritableError(url);
      const send = remote.planPut(url, await collectPieces(pieces));
      await request(url, send).catch(sayWrite).finally(() => versions.forget(url));
    },
  };
}

function unwritableError(url: string): StorageError {
  const message = `Cannot write "${url}": only gs:// addresses and local paths can be written`;
  return new StorageError("unsupported", url, message);
}

/** What happens to requests is written as of reading, which most of them are for. */
function sayWrite(error: unknown): never {
  if (!(error instanceof StorageError)) throw error;
  const message = error.message.replace(/^Cannot read/, "Cannot write");
  throw new StorageError(error.kind, error.url, message, error);
}

/** All in one buffer: an attempt after the first needs them again. */
async function collectPieces(pieces: Pieces): Promise<Uint8Array<ArrayBuffer>> {
  const collected: Uint8Array[] = [];
  for await (const piece of pieces) collected.push(piece);
  return await new Blob(collected as BlobPart[]).bytes();
}
