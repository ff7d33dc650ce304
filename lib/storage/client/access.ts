import type { Candidate } from "./candidate.ts";
import { StorageError } from "../protocol/storage_error.ts";
import { type RequestContext, type Send, sendRequest } from "./request.ts";
import type { ObjectAccess, Pieces } from "../protocol/objects.ts";
import type { Versions } from "../protocol/versions.ts";

/** The objects on servers, each request sent where and as often as `context` says. */
export function accessRemotes(
  context: RequestContext,
  locate: (url: string) => readonly Candidate[],
  versions: Versions,
): ObjectAccess {
  const request = async <T>(url: string, send: Send<T>) =>
    await sendRequest(url, locate(url), context, send);
  return {
    get: (url, range) =>
      request(
        url,
        ({ remote, candidate: { url: there } }, attempt) =>
          versions.check(url, there, range, remote.get(there, range, attempt)),
      ),
    head: (url) =>
      request(
        url,
        async ({ remote, candidate: { url: there } }, attempt) =>
          versions.note(url, there, await remote.head(there, attempt)),
      ),
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
        for (const object of page.objects) {
          yield { ...object, url: prefixUrl + object.url.slice(candidate.url.length) };
        }
        next = page.next;
        // Only who gave a page knows what comes after it.
        candidates = [candidate];
      } while (next !== undefined);
    },
    async put(url, pieces) {
      const itself = { url };
      const { remote } = await context.open(itself);
      if (!remote.planPut) throw unwritableError(url);
      const send = remote.planPut(url, await collectPieces(pieces));
      await sendRequest(url, [itself], context, (_, attempt) => send(attempt))
        .catch(say("write")).finally(() => versions.forget(url));
    },
    async remove(url) {
      const itself = { url };
      const { remote } = await context.open(itself);
      if (!remote.remove) throw unwritableError(url);
      const remove = remote.remove.bind(remote);
      try {
        await sendRequest(url, [itself], context, (_, attempt) => remove(url, attempt));
      } catch (error) {
        const isGone = error instanceof StorageError && error.kind === "missing";
        if (!isGone) say("remove")(error);
      } finally {
        versions.forget(url);
      }
    },
  };
}

function unwritableError(url: string): StorageError {
  const message = `Cannot write "${url}": only gs:// addresses and local paths can be written`;
  return new StorageError("unsupported", url, message);
}

/** What happens to requests is written as of reading, which most of them are for. */
function say(action: "write" | "remove"): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof StorageError)) throw error;
    const message = error.message.replace(/^Cannot read/, `Cannot ${action}`);
    throw new StorageError(error.kind, error.url, message, error);
  };
}

/** All in one buffer: an attempt after the first needs them again. */
async function collectPieces(pieces: Pieces): Promise<Uint8Array<ArrayBuffer>> {
  const collected: Uint8Array[] = [];
  for await (const piece of pieces) collected.push(piece);
  return await new Blob(collected as BlobPart[]).bytes();
}
