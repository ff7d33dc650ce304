import { join } from "node:path";
import {
  type AuthClient,
  JWT,
  OAuth2Client,
  PassThroughClient,
  UserRefreshClient,
} from "npm:google-auth-library@11.3.4";
import { FetchFailure, permissionError, StorageError } from "../protocol/storage_error.ts";
import { credentialsError, type CredentialsFile, readCredentials } from "./gcs_key.ts";
import { fetchPlain } from "./http.ts";
import { messageOf } from "../../util/text.ts";

/** Which credentials to use. */
export interface CredentialOptions {
  /** A service account's JSON key. @default {undefined} (Application Default Credentials) */
  keyFile?: string;
  /** Sends no credentials: public buckets only. @default {false} */
  anonymous?: boolean;
}

/** An account of Google Cloud Storage. */
export interface GcsAccount {
  /** For errors: an e-mail address, the user's file, or "anonymous" and why. */
  name: string;
  /** Gives the headers that prove it, with a token that it fetches and renews. */
  client: AuthClient;
}

/** Allows to read, list and write objects, but to administer nothing. */
const SCOPE = "https://www.googleapis.com/auth/devstorage.read_write";
/** The token endpoint must answer within this time. */
const TOKEN_TIMEOUT_MS = 30_000;
/** A metadata server answers within milliseconds, or there is none. */
const MACHINE_TIMEOUT_MS = 3000;

/**
 * Finds the credentials: the key file, else Application Default Credentials (the file that
 * `GOOGLE_APPLICATION_CREDENTIALS` names, the one that gcloud wrote, the metadata server).
 *
 * Google's credentials are sent to Google alone, and those of another server to that server. So an
 * endpoint that is not Google's works without any, and gets only those from its own host.
 *
 * @param endpoint the server's address.
 * @throws {StorageError} if there are none for Google's server, or a file cannot be used.
 */
export async function findAccount(
  { keyFile, anonymous }: CredentialOptions,
  endpoint: string,
): Promise<GcsAccount> {
  if (anonymous) return anonymousAccount();
  const path = keyFile ?? await findDefaultFile();
  if (path !== undefined) return await openFile(path, endpoint);
  const host = readVariable("GCE_METADATA_HOST") ?? "metadata.google.internal";
  if (isGoogle(endpoint) || isSameParty(`http://${host}`, endpoint)) {
    return await findMachineAccount(host);
  }
  return anonymousAccount();
}

/** Whether two addresses are both Google's, or on the same host. */
export function isSameParty(url: string, other: string): boolean {
  if (isGoogle(url) || isGoogle(other)) return isGoogle(url) && isGoogle(other);
  return new URL(url).hostname === new URL(other).hostname;
}

function isGoogle(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" && /(^|\.)googleapis\.com$/.test(hostname);
}

function anonymousAccount(reason = ""): GcsAccount {
  return { name: `anonymous${reason}`, client: new PassThroughClient() };
}

async function openFile(path: string, endpoint: string): Promise<GcsAccount> {
  const file = await readCredentials(path);
  if (isSameParty(file.tokenUrl, endpoint)) {
    const name = file.json.client_email ?? file.json.account;
    return { name: name || `the user of "${path}"`, client: createClient(file) };
  }
  if (isGoogle(endpoint)) {
    throw credentialsError(path, `they are not Google's (token_uri "${file.tokenUrl}")`);
  }
  const { hostname } = new URL(endpoint);
  return anonymousAccount(` ("${path}" is not for ${hostname} and was not sent to it)`);
}

/**
 * The auth library requests tokens from Google, whatever `token_uri` says; here it requests them from
 * that address, with `fetch`, once.
 */
function createClient({ type, tokenUrl, json }: CredentialsFile): AuthClient {
  const fetchImplementation = async (_url: unknown, init: RequestInit = {}) => {
    const response = await fetchPlain(tokenUrl, {
      method: "POST",
      headers: Object.fromEntries(new Headers(init.headers)),
      body: init.body!,
      signal: AbortSignal.timeout(TOKEN_TIMEOUT_MS),
    });
    const body = await response.bytes().catch((cause) => {
      throw new FetchFailure(cause);
    });
    return new Response(body, response);
  };
  const transporterOptions = { fetchImplementation, retryConfig: { retry: 0 } };
  const client = type === "service_account"
    ? new JWT({ transporterOptions, scopes: [SCOPE], additionalClaims: { aud: tokenUrl } })
    : new UserRefreshClient({ transporterOptions });
  client.fromJSON(json);
  return client;
}

/** The file of the Application Default Credentials, if there is one. */
async function findDefaultFile(): Promise<string | undefined> {
  const named = readVariable("GOOGLE_APPLICATION_CREDENTIALS");
  if (named) return named;
  const folder = readVariable("CLOUDSDK_CONFIG") || gcloudFolder(readVariable("HOME"));
  if (!folder) return undefined;
  const path = join(folder, "application_default_credentials.json");
  try {
    await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    // Any other error is reported where the file is read.
  }
  return path;
}

function gcloudFolder(home: string | undefined): string | undefined {
  return home && join(home, ".config", "gcloud");
}

function readVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch {
    throw new StorageError({
      kind: "permission",
      action: "find",
      url: name,
      subject: "Google credentials",
      state: `Deno hides the variable ${name}, add --allow-env=${name}, or --ignore-env=${name} ` +
        "to do without it, or give a key file",
    });
  }
}

/** The account of a machine in Google's cloud. */
async function findMachineAccount(host: string): Promise<GcsAccount> {
  let email: string;
  try {
    ({ email } = await fetchMetadata<{ email: string }>(host, "?recursive=true"));
  } catch (error) {
    throw noCredentialsError(host, error);
  }
  const client = new OAuth2Client();
  let pending: Promise<{ access_token: string; expiry_date: number }> | undefined;
  client.refreshHandler = () =>
    pending ??= fetchMachineToken(host).finally(() => pending = undefined);
  return { name: email, client };
}

async function fetchMachineToken(host: string) {
  type Token = { access_token: string; expires_in: number };
  const { access_token, expires_in } = await fetchMetadata<Token>(host, "token");
  return { access_token, expiry_date: Date.now() + expires_in * 1000 };
}

async function fetchMetadata<Answer>(host: string, path: string): Promise<Answer> {
  const url = `http://${host}/computeMetadata/v1/instance/service-accounts/default/${path}`;
  const headers = { "metadata-flavor": "Google" };
  const signal = AbortSignal.timeout(MACHINE_TIMEOUT_MS);
  const response = await fetchPlain(url, { method: "GET", headers, signal });
  if (response.ok && response.headers.get("metadata-flavor") === "Google") {
    return await response.json();
  }
  await response.body?.cancel();
  throw new FetchFailure(new Error(`the metadata server answers ${response.status}`));
}

function noCredentialsError(host: string, error: unknown): StorageError {
  let cause = error;
  while (cause instanceof Error && cause.cause) cause = cause.cause;
  const reason = messageOf(cause);
  const state = "there are no credentials. Name the key file of a service account in " +
    "GCS_SERVICE_ACCOUNT_FILE (environment or .env), or log in with " +
    `"gcloud auth application-default login"; public buckets need neither (--gcs-anonymous). ` +
    `The metadata server gave none either (${host}: ${reason})`;
  const subject = "Google Cloud Storage";
  return new StorageError({ kind: "denied", action: "use", url: host, subject, state });
}

/**
 * Waits for the headers that prove the account, until `signal` aborts.
 *
 * @throws {StorageError} about `url`: `denied` if the credentials are refused.
 */
export async function authorize(
  { name, client }: GcsAccount,
  url: string,
  signal: AbortSignal,
): Promise<Headers> {
  const aborted = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => aborted.reject(signal.reason), { once: true });
  try {
    return await Promise.race([client.getRequestHeaders(), aborted.promise]);
  } catch (error) {
    signal.throwIfAborted();
    throw tokenError(url, name, error);
  }
}

/** Copies from the library's errors only what the server said: they hold the key. */
function tokenError(url: string, account: string, error: unknown): StorageError {
  const { cause, response } = error as {
    cause?: unknown;
    response?: { status: number; data?: { error?: unknown; error_description?: unknown } };
  };
  if (cause instanceof FetchFailure) return cause.describe(url);
  if (error instanceof FetchFailure) return error.describe(url);
  const refusal = permissionError(url, error);
  if (refusal) return refusal;
  const action = `get a token for ${account} to use` as const;
  const fail = (kind: "denied" | "unreachable", state: string) =>
    new StorageError({ kind, action, url, state, status: response?.status });
  if (!response) return fail("denied", "the auth library fails, check the file of credentials");
  const { status, data } = response;
  if (status === 429 || status >= 500) {
    return fail("unreachable", `the token server is busy or failing (${status}), try again later`);
  }
  const reason = [data?.error, data?.error_description].filter((it) => it !== undefined).join(": ");
  const remedy = "download the key again or log in again, and check the clock";
  return fail("denied", `the token server refuses (${status} ${reason}), ${remedy}`);
}
