import { type Replica, type RequestContext, type Send, sendRequest } from "./request.ts";
import type { Attempt, Backend, ListPage } from "../protocol/attempt.ts";
import { readError, requireRight, StorageError } from "../protocol/storage_error.ts";
import { type ObjectAccess, type Pieces, rangeOf } from "../protocol/objects.ts";
import type { Versions } from "../protocol/versions.ts";

/** Gives access to objects on servers, with the retries and limits of `context`. */
export function accessServers(
  context: RequestContext,
  locate: (url: string) => readonly Replica[],
  versions: Versions,
): ObjectAccess {
  return {
    get(url, { check, maxBytes, ...part } = {}) {
      const range = rangeOf(part);
      const send: Send<Uint8Array<ArrayBuffer>> = ({ backend, replica }, attempt) => {
        // What is wrong says nothing about the version.
        const received = backend.get(replica.url, range, attempt).then((received) => {
          requireRight(replica.url, received.bytes, check);
          return received;
        });
        return versions.check(url, replica.url, range, received);
      };
      return sendRequest(url, locate(url), context, send, maxBytes);
    },
    head: (url, { check } = {}) =>
      sendRequest(url, locate(url), context, async ({ backend, replica }, attempt) => {
        const info = await backend.head(replica.url, attempt);
        requireRight(replica.url, info, check);
        return versions.note(url, replica.url, info);
      }),
    async *list(prefixUrl) {
      let replicas = locate(prefixUrl);
      let next: string | undefined;
      do {
        const { replica, page } = await sendRequest(
          prefixUrl,
          replicas,
          context,
          async ({ backend, replica }, attempt) => ({
            replica,
            page: await listPage(backend, replica.url, next, attempt),
          }),
        );
        for (const object of page.objects) {
          yield { ...object, url: prefixUrl + object.url.slice(replica.url.length) };
        }
        next = page.next;
        // Only the server that gave a page knows the one after it.
        replicas = [replica];
      } while (next !== undefined);
    },
    async put(url, pieces) {
      const itself = { url };
      const { backend } = await context.open(itself);
      if (!backend.planPut) throw unwritableError(url);
      const send = backend.planPut(url, await collectPieces(pieces));
      await sendRequest(url, [itself], context, (_, attempt) => send(attempt))
        .catch(failAs("write")).finally(() => versions.forget(url));
    },
    async remove(url) {
      const itself = { url };
      const { backend } = await context.open(itself);
      if (!backend.remove) throw unwritableError(url);
      const remove = backend.remove.bind(backend);
      try {
        await sendRequest(url, [itself], context, (_, attempt) => remove(url, attempt));
      } catch (error) {
        const isGone = error instanceof StorageError && error.kind === "missing";
        if (!isGone) failAs("remove")(error);
      } finally {
        versions.forget(url);
      }
    },
  };
}

/** A server that gives the same page again and again would never come to an end. */
async function listPage(
  backend: Backend,
  url: string,
  next: string | undefined,
  attempt: Attempt,
): Promise<ListPage> {
  const page = await backend.listPage(url, next, attempt);
  if (page.next === undefined || page.next !== next) return page;
  throw readError("corrupt", url, "the server names a page of the listing as the page after it");
}

function unwritableError(url: string): StorageError {
  const state = "only gs:// addresses, s3:// with a key and local paths can be written";
  return new StorageError({ kind: "unsupported", action: "write", url, state });
}

/** Requests and backends report failures as of reading, which most requests are for. */
function failAs(action: "write" | "remove"): (error: unknown) => never {
  return (error) => {
    const isGeneric = error instanceof StorageError && error.action === "read";
    throw isGeneric ? error.with({ action }) : error;
  };
}

/** All in one buffer: an attempt after the first needs them again. */
async function collectPieces(pieces: Pieces): Promise<Uint8Array<ArrayBuffer>> {
  const collected: Uint8Array[] = [];
  for await (const piece of pieces) collected.push(piece);
  return await new Blob(collected as BlobPart[]).bytes();
}
