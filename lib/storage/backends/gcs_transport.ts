import { type Bucket, Storage } from "npm:@google-cloud/storage@8.4.0";
import type { Attempt } from "../protocol/attempt.ts";
import { readErrorText, readText } from "../protocol/body.ts";
import { readError, statusError, type StorageError } from "../protocol/storage_error.ts";
import { authorize, type GcsAccount } from "./gcs_account.ts";
import { fetchPlain } from "./http.ts";

/** A request as the SDK composes it, with what `openBucket` adds. */
interface SdkRequest {
  uri: string;
  method?: string;
  qs?: Record<string, unknown>;
  headers?: Record<string, string>;
  json?: unknown;
  body?: ReadableStream<Uint8Array>;
  /** The address that errors name. */
  url: string;
  attempt: Attempt;
}

/** An answer: JSON has been read, the bytes of an object have not. */
export interface GcsAnswer<Body> {
  body: Body;
  response: Response;
}

/** An answer that is an error. It holds what the server said, and no more. */
export class GcsRefusal extends Error {
  readonly status: number;
  readonly retryAfter: string | null;

  constructor(status: number, message: string, retryAfter: string | null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The status of an upload that the server has a part of; HTTP now calls 308 a redirect. */
export const INCOMPLETE = 308;

/**
 * Makes the SDK send each request with `fetch`, once: its own transport cannot be aborted, retries
 * by itself, and drops the authorization where the endpoint is not Google's.
 */
export function connectGcs(endpoint: string, account: GcsAccount): Storage {
  const storage = new Storage({ apiEndpoint: endpoint, authClient: account.client });
  // STORAGE_EMULATOR_HOST, which the SDK looks up itself, would otherwise replace it.
  storage.baseUrl = `${endpoint}/storage/v1`;
  const send = (request: SdkRequest, callback: (...results: unknown[]) => void) => {
    sendRequest(request, account).then(
      ({ body, response }) => callback(null, body, response),
      (error) => callback(error),
    );
  };
  storage.makeAuthenticatedRequest = Object.assign(send, storage.makeAuthenticatedRequest) as
    & typeof send
    & typeof storage.makeAuthenticatedRequest;
  return storage;
}

/** Opens a bucket for one attempt, whose signal ends its requests. Costs no request. */
export function openBucket(storage: Storage, name: string, url: string, attempt: Attempt): Bucket {
  const bucket = storage.bucket(name);
  bucket.interceptors.push({ request: (request) => ({ ...request, url, attempt }) as never });
  return bucket;
}

/** Sends a request that the SDK has no method for, through one of its objects. */
export async function sendThrough<Body>(
  sender: Pick<Bucket, "request">,
  request: Partial<SdkRequest> & { uri: string },
): Promise<GcsAnswer<Body>> {
  const [body, response] = await sender.request(request as Parameters<Bucket["request"]>[0]);
  return { body: body as Body, response: response as unknown as Response };
}

async function sendRequest(request: SdkRequest, account: GcsAccount): Promise<GcsAnswer<unknown>> {
  const { url, attempt, method = "GET", json, body = json && JSON.stringify(json) } = request;
  const { signal } = attempt;
  const authorization = await authorize(account, url, signal);
  const headers = { ...request.headers, ...Object.fromEntries(authorization) };
  const response = await fetchPlain(formatUrl(request), {
    method,
    headers,
    body: body as BodyInit | undefined,
    signal,
    redirect: "manual",
  });
  if (response.ok && request.qs?.alt === "media") return { body: response.body, response };
  if (response.ok) {
    const text = await readText(url, response, attempt);
    // The answer about an upload that has started is in the headers.
    const hasStarted = method === "POST" && response.headers.has("location");
    const isEmpty = hasStarted || method === "DELETE";
    return { body: isEmpty ? undefined : parseJson(url, text), response };
  }
  const text = await readErrorText(response, attempt);
  // So is the one about an upload that is incomplete.
  if (response.status === INCOMPLETE) return { body: undefined, response };
  const retryAfter = response.headers.get("retry-after");
  const token = authorization.get("authorization") ?? "";
  const message = readMessage(text, token) || response.statusText;
  throw new GcsRefusal(response.status, message, retryAfter);
}

function formatUrl({ uri, qs = {} }: SdkRequest): string {
  const url = new URL(uri);
  for (const [name, value] of Object.entries(qs)) {
    // The SDK's own option; servers do not know it.
    if (value !== undefined && name !== "autoPaginate") url.searchParams.set(name, String(value));
  }
  return url.href;
}

function parseJson(url: string, text: string): unknown {
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !("error" in value)) return value;
  } catch {
    // What is no JSON says as little as JSON that describes nothing.
  }
  throw readError("corrupt", url, "the server's answer is not JSON that describes it");
}

/** The message of Google's error in one line, without the token in case the server quotes it. */
function readMessage(text: string, token: string): string {
  let message = text;
  try {
    message = String(JSON.parse(text).error.message);
  } catch {
    // The answer of another server, or of a proxy on the way, is used as it is.
  }
  const secret = token.replace(/^Bearer /, "");
  const clean = secret === "" ? message : message.replaceAll(secret, "…");
  return clean.replace(/\s+/g, " ").slice(0, 300);
}

/** Permissions that an account may lack, as Google names them. */
export type GcsPermission =
  | "storage.objects.get"
  | "storage.objects.list"
  | "storage.objects.create"
  | "storage.objects.delete";

/** What the server refused. */
export interface RefusedUse {
  url: string;
  bucket: string;
  /** The missing one, unless the server names another (overwriting needs `delete`). */
  permission: GcsPermission;
  /** Name of the account that was used. */
  account: string;
  /** More to report about this bucket. */
  hint: string | undefined;
}

/** The error that a refusal means; for 401 and 403 it names account, permission and bucket. */
export function refusalError(refusal: GcsRefusal, use: RefusedUse): StorageError {
  const { status, message, retryAfter } = refusal;
  const { url, bucket, account, hint } = use;
  if (status === 400 && /crc32c/i.test(message)) {
    return readError("corrupt", url, `the server received other bytes (${message})`, { status });
  }
  if (status !== 401 && status !== 403) return statusError(url, status, message, retryAfter);
  const permission = /\bstorage\.\w+\.\w+/.exec(message)?.[0] ?? use.permission;
  const state =
    `the bucket "${bucket}" denies ${permission} to ${account} (${status} ${message}); ` +
    "grant it, or use another account or bucket" + (hint ? `. ${hint}` : "");
  return readError("denied", url, state, { status });
}
