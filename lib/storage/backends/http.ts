import { formatRange, readAnswer, requireSize } from "../protocol/body.ts";
import { FetchFailure, readError, statusError } from "../protocol/storage_error.ts";
import type { Remote } from "../protocol/attempt.ts";

/** What is asked of a server. */
export interface WebRequest {
  method: string;
  headers: Record<string, string>;
  signal: AbortSignal | undefined;
  /** @default {undefined} (none) */
  body?: BodyInit;
  /** "manual" gives a redirect as it is. @default {"follow"} */
  redirect?: RequestRedirect;
}

/**
 * `fetch`, asking for the body as it is: one compressed on the way has another length than the
 * object. Proxies work (`HTTPS_PROXY`, which Deno reads without a permission).
 *
 * @throws {FetchFailure} if there is no answer.
 */
export async function fetchPlain(url: string, request: WebRequest): Promise<Response> {
  const headers = { ...request.headers, "accept-encoding": "identity" };
  try {
    return await fetch(url, { ...request, headers });
  } catch (cause) {
    throw new FetchFailure(hideQueries(cause));
  }
}

/** Deno's reason, without the queries of the addresses in it: they may hold a token. */
function hideQueries(failure: unknown): unknown {
  if (!(failure instanceof TypeError && failure.cause instanceof Error)) return failure;
  return new TypeError(failure.cause.message.replaceAll(/\?\S+/g, "?…"));
}

/**
 * The server of an address: scheme, name and port.
 *
 * @throws {StorageError} `unsupported` if it names none.
 */
export function parseOrigin(url: string): string {
  if (URL.canParse(url)) return new URL(url).origin;
  throw readError(
    "unsupported",
    url,
    "it is no address of a server, expected https://<host>/<path>",
  );
}

/** Objects on any web server. */
export const httpRemote: Remote = openWeb(fetchPlain, parseOrigin);

/**
 * Objects on web servers; there is no standard for listing them.
 *
 * @param send Brings the answer to a request for the object that errors call `url`.
 * @param origin Tells the server that has the object.
 */
export function openWeb(send: typeof fetchPlain, origin: Remote["origin"]): Remote {
  const ask = async (url: string, request: WebRequest) => requireOk(url, await send(url, request));
  return {
    origin,

    async get(url, range, attempt) {
      const headers: Record<string, string> = range ? { range: formatRange(range) } : {};
      const response = await ask(url, { method: "GET", headers, signal: attempt.signal });
      const answer = {
        status: response.status,
        contentRange: response.headers.get("content-range"),
        contentLength: parseLength(response),
        contentEncoding: response.headers.get("content-encoding"),
        etag: response.headers.get("etag"),
        body: response.body,
      };
      return await readAnswer(url, answer, range, attempt);
    },

    async head(url, { signal }) {
      const response = await ask(url, { method: "HEAD", headers: {}, signal });
      const size = requireSize(url, parseLength(response));
      return { size, etag: response.headers.get("etag") ?? undefined };
    },

    listPage(prefixUrl) {
      const state = "a web server has no listing, use an s3:// address";
      return Promise.reject(readError("unsupported", prefixUrl, state));
    },
  };
}

/** @throws {StorageError} for an answer that is an error, said of the object `url`. */
export function requireOk(url: string, response: Response): Response {
  if (response.ok) return response;
  const { status, statusText, headers } = response;
  throw statusError(url, status, statusText, headers.get("retry-after"));
}

function parseLength(response: Response): number | undefined {
  const header = response.headers.get("content-length");
  return header === null ? undefined : Number(header);
}
