import { FetchFailure, readError, StorageError } from "../protocol/storage_error.ts";
import { answerError, fetchPlain, openWeb, parseOrigin, type WebRequest } from "./http.ts";
import type { Backend } from "../protocol/attempt.ts";
import { readErrorText } from "../protocol/body.ts";

/** Servers to use instead of Microsoft's. */
export interface AzureOptions {
  /** Gives tokens at `<tokenEndpoint>/<account>/<container>`. @default the Planetary Computer's */
  tokenEndpoint?: string;
  /** Has blobs at `<blobEndpoint>/<account>/<container>/<key>`. @default {undefined} (Azure) */
  blobEndpoint?: string;
}

/** https://planetarycomputer.microsoft.com/docs/concepts/sas: a GET, no account, no key. */
const PLANETARY_COMPUTER = "https://planetarycomputer.microsoft.com/api/sas/v1/token";

/** The text of a token is waited for this long. */
const MAX_TOKEN_MS = 10_000;

/** A token is renewed this long before it expires. */
const RENEWAL_MARGIN_MS = 60_000;

/**
 * Opens public blobs of Azure, `az://<account>/<container>/<key>`. They are read with a short-lived
 * token (a shared access signature, SAS) that the Planetary Computer gives to anyone.
 *
 * A token costs one request for each container and three quarters of an hour, for any number of
 * blobs. A token that worked and is then refused (403) is renewed at once.
 */
export function openAzure(options: AzureOptions = {}): Backend {
  const { tokenEndpoint = PLANETARY_COMPUTER, blobEndpoint } = options;
  const tokens = new Map<string, ContainerToken>();
  const findToken = ({ account, container }: BlobName) => {
    const tokenUrl = `${tokenEndpoint}/${account}/${container}`;
    const token = tokens.get(tokenUrl) ?? new ContainerToken(tokenUrl);
    tokens.set(tokenUrl, token);
    return token;
  };
  const send = async (url: string, request: WebRequest) => {
    const blob = parseBlobUrl(url);
    return await fetchSigned(url, blobAddress(blob, blobEndpoint), request, findToken(blob));
  };
  return openWeb(send, (url) => parseOrigin(blobAddress(parseBlobUrl(url), blobEndpoint)));
}

async function fetchSigned(
  url: string,
  address: string,
  request: WebRequest,
  tokens: ContainerToken,
): Promise<Response> {
  const token = await tokens.get(url, request.signal);
  const response = await fetchWith(token, address, request);
  // Where a token never worked, a new one would be refused as well.
  if (response.status !== 403 || !token.hasWorked) return response;
  await response.body?.cancel();
  tokens.discard(token);
  return await fetchWith(await tokens.get(url, request.signal), address, request);
}

async function fetchWith(token: Token, address: string, request: WebRequest): Promise<Response> {
  const response = await fetchPlain(`${address}?${token.query}`, request);
  if (response.ok || response.status === 404) token.hasWorked = true;
  return response;
}

interface Token {
  /** The part after "?" in the address of a blob. Secret. */
  readonly query: string;
  /** On the clock of `performance.now()`. */
  readonly renewAtMs: number;
  /** Whether the server has accepted it. */
  hasWorked: boolean;
}

/** The token of a container; requests that need it at the same time fetch it once. */
class ContainerToken {
  readonly #tokenUrl: string;
  #token: Token | undefined;
  #pending: Promise<Token> | undefined;

  constructor(tokenUrl: string) {
    this.#tokenUrl = tokenUrl;
  }

  /** @throws {StorageError} about the blob `url`, if there is no token. */
  async get(url: string, signal: AbortSignal): Promise<Token> {
    if (this.#token && performance.now() < this.#token.renewAtMs) return this.#token;
    this.#pending ??= requestToken(this.#tokenUrl, signal)
      .then((token) => this.#token = token)
      .finally(() => this.#pending = undefined);
    try {
      return await this.#pending;
    } catch (error) {
      throw describeFailure(url, this.#tokenUrl, error);
    }
  }

  /** Forgets a token that is refused, unless another has replaced it. */
  discard(token: Token): void {
    if (this.#token === token) this.#token = undefined;
  }
}

async function requestToken(tokenUrl: string, signal: AbortSignal): Promise<Token> {
  const response = await fetchPlain(tokenUrl, { method: "GET", headers: {}, signal });
  const reading = { maxErrorTextMs: MAX_TOKEN_MS, signal };
  if (!response.ok) throw await answerError(tokenUrl, response, reading);
  // A token has a few hundred characters, and what is cut or late is not JSON.
  const text = await readErrorText(response, reading);
  const { query, expiryMs } = parseToken(tokenUrl, text);
  // By the service's clock: that of this machine may be wrong.
  const nowMs = Date.parse(response.headers.get("date") ?? new Date().toUTCString());
  const renewAtMs = performance.now() + expiryMs - nowMs - RENEWAL_MARGIN_MS;
  return { query, renewAtMs, hasWorked: false };
}

/** Neither the error nor its cause quotes the text: a token may be in it. */
function parseToken(tokenUrl: string, text: string): { query: string; expiryMs: number } {
  const answer = parseJson(text);
  const query = answer?.token;
  const expiryMs = Date.parse(String(answer?.["msft:expiry"]));
  if (typeof query === "string" && !Number.isNaN(expiryMs)) return { query, expiryMs };
  throw readError("corrupt", tokenUrl, 'the answer is not JSON with "token" and "msft:expiry"');
}

function parseJson(text: string): Record<string, unknown> | null | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describeFailure(url: string, tokenUrl: string, error: unknown): unknown {
  const failure = error instanceof FetchFailure ? error.describe(tokenUrl) : error;
  if (!(failure instanceof StorageError)) return failure;
  // A container that the service does not know is not a missing object.
  const kind = failure.kind === "missing" ? "denied" : failure.kind;
  const state = `there is no access token for it: ${failure.message}`;
  return failure.with({ kind, action: "read", url, state, cause: failure });
}

/** The parts of `az://<account>/<container>/<key>`. */
interface BlobName {
  account: string;
  container: string;
  key: string;
}

/** Azure's rules for names keep an account from naming another host. */
const BLOB_URL = /^az:\/\/([a-z0-9]{3,24})\/([a-z0-9$-]{3,63})\/(.+)$/s;

function parseBlobUrl(url: string): BlobName {
  const [, account, container, key] = BLOB_URL.exec(url) ?? [];
  if (account && container && key) return { account, container, key };
  const state = "it names no blob, expected az://<account>/<container>/<key>";
  throw readError("unsupported", url, state);
}

function blobAddress({ account, container, key }: BlobName, endpoint: string | undefined): string {
  const root = endpoint ? `${endpoint}/${account}` : `https://${account}.blob.core.windows.net`;
  return `${root}/${container}/${key.split("/").map(encodeURIComponent).join("/")}`;
}
