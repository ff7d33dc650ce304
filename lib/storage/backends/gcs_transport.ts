import { type Bucket, Storage } from "npm:@google-cloud/storage@8.4.0";
import type { Attempt } from "../protocol/attempt.ts";
import {
  FetchFailure,
  readError,
  statusError,
  type StorageError,
} from "../protocol/storage_error.ts";
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
  /** What errors name. */
  url: string;
  signal: AbortSignal;
}

/** An answer: JSON has been read, the bytes of an object have not. */
export interface GcsAnswer<Body> {
  body: Body;
  response: Response;
}

/** An answer that says no. It knows no more than the server said. */
export class GcsRefusal extends Error {
  readonly status: number;
  readonly retryAfter: string | null;

  constructor(status: number, message: string, retryAfter: string | null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Of an upload that the server has a part of; no redirect, though HTTP has made it one since. */
export const INCOMPLETE = 308;

/**
 * The SDK, sending what it composes with `fetch`, once: its own ways to send cannot be aborted, try
 * again by themselves, and lose the authorization where the endpoint is not Google's.
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

/** A bucket for one attempt, whose signal ends its requests. Costs no request. */
export function openBucket(storage: Storage, name: string, url: string, attempt: Attempt): Bucket {
  const bucket = storage.bucket(name);
  const { signal } = attempt;
  bucket.interceptors.push({ request: (request) => ({ ...request, url, signal }) as never });
  return bucket;
}

/** A request that the SDK has no method of its own for, in the way of those that it has. */
export async function ask<Body>(
  of: Pick<Bucket, "request">,
  request: Partial<SdkRequest> & { uri: string },
): Promise<GcsAnswer<Body>> {
  const [body, response] = await of.request(request as Parameters<Bucket["request"]>[0]);
  return { body: body as Body, response: response as unknown as Response };
}

async function sendRequest(request: SdkRequest, account: GcsAccount): Promise<GcsAnswer<unknown>> {
  const { url, signal, method = "GET", json, body = json && JSON.stringify(json) } = request;
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
  const text = await response.text().catch((cause) => {
    throw new FetchFailure(cause, "a broken body");
  });
  // Of an upload that has started, or goes on, the headers tell all.
  const hasStarted = response.ok && method === "POST" && response.headers.has("location");
  if (hasStarted || isEmpty(response)) return { body: undefined, response };
  if (response.ok) return { body: parseJson(url, text), response };
  const retryAfter = response.headers.get("retry-after");
  const token = authorization.get("authorization") ?? "";
  throw new GcsRefusal(
    response.status,
    readMessage(text, token) || response.statusText,
    retryAfter,
  );
}

/** Whether the answer says no more than its status: of a part of an upload, and of a deletion. */
function isEmpty({ status }: Response): boolean {
  return status === INCOMPLETE || status === 204;
}

function formatUrl({ uri, qs = {} }: SdkRequest): string {
  const url = new URL(uri);
  for (const [name, value] of Object.entries(qs)) {
    // For the SDK's own pages, nothing that a server knows.
    if (value !== undefined && name !== "autoPaginate") url.searchParams.set(name, String(value));
  }
  return url.href;
}

function parseJson(url: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw readError("corrupt", url, "the server's answer is not JSON");
  }
}

/** What Google's errors say, in one line, without the token should the server have quoted it. */
function readMessage(text: string, token: string): string {
  let message = text;
  try {
    message = String(JSON.parse(text).error.message);
  } catch {
    // Another server, or a proxy on the way; its words are taken as they are.
  }
  const secret = token.replace(/^Bearer /, "");
  const clean = secret === "" ? message : message.replaceAll(secret, "…");
  return clean.replace(/\s+/g, " ").slice(0, 300);
}

/** What a caller may lack, as Google names it. */
export type GcsPermission =
  | "storage.objects.get"
  | "storage.objects.list"
  | "storage.objects.create"
  | "storage.objects.delete";

/** What was tried when the server refused. */
export interface RefusedUse {
  url: string;
  bucket: string;
  /** What it takes, unless the server names another permission (overwriting takes `delete`). */
  permission: GcsPermission;
  /** Who asked. */
  account: string;
  /** What else to say of this bucket. */
  hint: string | undefined;
}

/** The error that a refusal means; of 401 and 403 it says who lacks what, and where. */
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
