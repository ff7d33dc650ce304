import {
  type Answer,
  formatRange,
  readAnswer,
  readErrorText,
  requireObject,
  requireSize,
} from "../protocol/body.ts";
import {
  FetchFailure,
  readError,
  statusError,
  type StorageError,
} from "../protocol/storage_error.ts";
import type { Attempt, Backend } from "../protocol/attempt.ts";

/** A request to a server. */
export interface WebRequest {
  method: string;
  headers: Record<string, string>;
  signal: AbortSignal;
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
 * @param readCode reads the name of an error in the text of an answer. @default where it may change
 *   something
 */
export function openWeb(
  send: typeof fetchPlain,
  origin: Backend["origin"],
  readCode: CodeReader = readDecisiveCode,
): Backend {
  const request = async (
    url: string,
    method: string,
    attempt: Attempt,
    headers: Record<string, string> = {},
  ) => {
    const response = await send(url, { method, headers, signal: attempt.signal });
    if (!response.ok) throw await answerError(url, response, attempt, readCode);
    return response;
  };
  return {
    origin,

    async get(url, range, attempt) {
      const headers: Record<string, string> = range ? { range: formatRange(range) } : {};
      const response = await request(url, "GET", attempt, headers);
      return await readAnswer(url, describeResponse(response), range, attempt);
    },

    async head(url, attempt) {
      const response = await request(url, "HEAD", attempt);
      requireObject(url, response);
      const { headers, status } = response;
      const size = requireSize(url, headers.get("content-length"), status);
      return { size, etag: headers.get("etag") ?? undefined };
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
    contentLength: headers.get("content-length"),
    contentType: headers.get("content-type"),
    contentEncoding: headers.get("content-encoding"),
    etag: headers.get("etag"),
    body,
  };
}

/** How the text of an error may be read: as long as an attempt waits for it. */
type ErrorReading = Pick<Attempt, "maxErrorTextMs" | "signal">;

/** Reads the name of an error in the text of an answer; `undefined` where there is none. */
type CodeReader = (response: Response, reading: ErrorReading) => Promise<string | undefined>;

/**
 * The error of reading `url` that an answer means: its status decides. A text that cannot be read changes
 * nothing.
 */
export async function answerError(
  url: string,
  response: Response,
  reading: ErrorReading,
  readCode: CodeReader = readDecisiveCode,
): Promise<StorageError> {
  const { status, statusText, headers } = response;
  const code = await readCode(response, reading) ?? statusText;
  return statusError(url, status, code, headers.get("retry-after"));
}

/** The code where it may change what the status means. */
async function readDecisiveCode(response: Response, reading: ErrorReading) {
  return response.status === 400 ? await readErrorCode(response, reading) : undefined;
}

/** The code in the XML of S3 and Azure ("SlowDown"), however broken; a page has none. */
export async function readErrorCode(
  response: Response,
  reading: ErrorReading,
): Promise<string | undefined> {
  return /<Code>(\w{1,64})<\/Code>/.exec(await readErrorText(response, reading))?.[1];
}
