import { type Answer, formatRange, readAnswer, requireSize } from "../protocol/body.ts";
import { FetchFailure, readError, statusError } from "../protocol/storage_error.ts";
import type { Backend } from "../protocol/attempt.ts";

/** A request to a server. */
export interface WebRequest {
  method: string;
  headers: Record<string, string>;
  signal: AbortSignal | undefined;
  /** @default {undefined} (none) */
  body?: BodyInit;
  /** "manual" returns a redirect itself. @default {"follow"} */
  redirect?: RequestRedirect;
}

/**
 * Calls `fetch` for an uncompressed body: a compressed one has another length than the object.
 * Proxies work (`HTTPS_PROXY`, which Deno reads without a permission).
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
    "it is not the address of a server, expected https://<host>/<path>",
  );
}

/** Objects on any web server. */
export const webBackend: Backend = openWeb(fetchPlain, parseOrigin);

/**
 * Opens web servers. There is no standard for listing their objects.
 *
 * @param send answers a request for the object that errors call `url`.
 * @param origin gives the server that has the object.
 */
export function openWeb(send: typeof fetchPlain, origin: Backend["origin"]): Backend {
  const request = async (url: string, init: WebRequest) => requireOk(url, await send(url, init));
  return {
    origin,

    async get(url, range, attempt) {
      const headers: Record<string, string> = range ? { range: formatRange(range) } : {};
      const response = await request(url, { method: "GET", headers, signal: attempt.signal });
      return await readAnswer(url, describeResponse(response), range, attempt);
    },

    async head(url, { signal }) {
      const response = await request(url, { method: "HEAD", headers: {}, signal });
      const size = requireSize(url, parseLength(response.headers));
      return { size, etag: response.headers.get("etag") ?? undefined };
    },

    listPage(prefixUrl) {
      const state = "a web server has no listing, use an s3:// address";
      return Promise.reject(readError("unsupported", prefixUrl, state));
    },
  };
}

/** What is checked of an answer to GET. */
export function describeResponse({ status, headers, body }: Response): Answer {
  return {
    status,
    contentRange: headers.get("content-range"),
    contentLength: parseLength(headers),
    contentEncoding: headers.get("content-encoding"),
    etag: headers.get("etag"),
    body,
  };
}

/** @throws {StorageError} about the object `url`, for an answer that is an error. */
export function requireOk(url: string, response: Response): Response {
  if (response.ok) return response;
  const { status, statusText, headers } = response;
  throw statusError(url, status, statusText, headers.get("retry-after"));
}

function parseLength(headers: Headers): number | undefined {
  const header = headers.get("content-length");
  return header === null ? undefined : Number(header);
}
