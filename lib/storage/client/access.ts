import { type Replica, type RequestContext, type Send, sendRequest } from "./request.ts";
import { StorageError } from "../protocol/storage_error.ts";
import type { ObjectAccess, Pieces } from "../protocol/objects.ts";
import type { Versions } from "../protocol/versions.ts";

/** Gives access to objects on servers, with the retries and limits of `context`. */
export function accessServers(
  context: RequestContext,
  locate: (url: string) => readonly Replica[],
  versions: Versions,
): ObjectAccess {
  const request = async <T>(url: string, send: Send<T>) =>
    await sendRequest(url, locate(url), context, send);
  return {
    get: (url, range) =>
      request(
        url,
        ({ backend, replica }, attempt) =>
          versions.check(url, replica.url, range, backend.get(replica.url, range, attempt)),
      ),
    head: (url) =>
      request(
        url,
        async ({ backend, replica }, attempt) =>
          versions.note(url, replica.url, await backend.head(replica.url, attempt)),
      ),
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
            page: await backend.listPage(replica.url, next, attempt),
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

function unwritableError(url: string): StorageError {
  const state = "only gs:// addresses and local paths can be written";
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
