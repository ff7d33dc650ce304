import type { Attempt } from "./attempt.ts";
import { formatRange, readAnswer, requireSize } from "./body.ts";
import { FetchFailure, readError, statusError } from "./error.ts";
import type { Remote } from "./remote.ts";
import type { ByteRange } from "./types.ts";

/**
 * `fetch`, asking for the body as it is: one compressed on the way has another length than the
 * object. Proxies work (`HTTPS_PROXY`, which Deno reads without a permission).
 *
 * @throws {FetchFailure} if there is no answer.
 */
export async function fetchPlain(
  url: string,
  init: { method: string; headers: Record<string, string>; signal: AbortSignal | undefined },
): Promise<Response> {
  const headers = { ...init.headers, "accept-encoding": "identity" };
  try {
    return await fetch(url, { ...init, headers });
  } catch (cause) {
    throw new FetchFailure(cause);
  }
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

/** Objects on any web server; there is no standard for listing them. */
export const httpRemote: Remote = {
  origin: parseOrigin,

  async get(url, range, attempt) {
    const response = await fetchOk(url, "GET", range, attempt);
    const answer = {
      status: response.status,
      contentRange: response.headers.get("content-range"),
      contentLength: parseLength(response),
      body: response.body,
    };
    return await readAnswer(url, answer, range, attempt);
  },

  async head(url, attempt) {
    const response = await fetchOk(url, "HEAD", undefined, attempt);
    const size = requireSize(url, parseLength(response));
    return { size, etag: response.headers.get("etag") ?? undefined };
  },

  listPage(prefixUrl) {
    const state = "a web server has no listing, use an s3:// address";
    return Promise.reject(readError("unsupported", prefixUrl, state));
  },
};

async function fetchOk(
  url: string,
  method: string,
  range: ByteRange | undefined,
  { signal }: Attempt,
): Promise<Response> {
  const headers: Record<string, string> = range ? { range: formatRange(range) } : {};
  const response = await fetchPlain(url, { method, headers, signal });
  if (response.ok) return response;
  const { status, statusText } = response;
  throw statusError(url, status, statusText, response.headers.get("retry-after"));
}

function parseLength(response: Response): number | undefined {
  const header = response.headers.get("content-length");
  return header === null ? undefined : Number(header);
}
