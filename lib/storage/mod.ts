/**
 * Objects by address, wherever they are: `s3://` (public buckets), `gs://`, `https://`, `http://`,
 * `file:` and paths. What comes back is exactly the bytes that were asked for, or a `StorageError`.
 *
 * Permissions: `--allow-net=<host>` of each server (of a bucket on AWS:
 * `<bucket>.s3.<region>.amazonaws.com`; for `gs://` `storage.googleapis.com` and, with credentials,
 * `oauth2.googleapis.com`), `--allow-read` and `--allow-write` of local paths, and the variables to
 * ignore that `openStorage` names for `s3://` and `openGcs` for `gs://`.
 *
 * @module
 */
import { type AzureOptions, openAzure } from "./azure.ts";
import { permissionError, StorageError } from "./error.ts";
import type { GcsOptions } from "./gcs.ts";
import { httpRemote } from "./http.ts";
import { localAccess } from "./local.ts";
import { accessRemote, type Remote } from "./remote.ts";
import type { RetryEvent, RetryPolicy } from "./retry.ts";
import type { ByteRange, Mirror, ObjectAccess, StorageCounters } from "./types.ts";
import { Versions } from "./versions.ts";

export { StorageError, type StorageErrorKind } from "./error.ts";
export type { GcsOptions } from "./gcs.ts";
export type { RetryEvent } from "./retry.ts";
export type { AzureOptions } from "./azure.ts";
export type {
  ByteRange,
  ListedObject,
  Mirror,
  ObjectInfo,
  Pieces,
  StorageCounters,
} from "./types.ts";

/** How to reach servers, and how long to go on trying. */
export interface StorageOptions {
  /** An S3 server that is not AWS, addressed path style. @default {undefined} (AWS) */
  endpoint?: string;
  /** Of the buckets. @default {"eu-central-1"} */
  region?: string;
  /** Google's server and credentials. @default {{}} (Application Default Credentials) */
  gcs?: GcsOptions;
  /** Where blobs of Azure are. @default {{}} (Microsoft's servers) */
  azure?: AzureOptions;
  /**
   * Servers that have the same objects, the preferred one first; what none of them knows is read
   * from its own address. @default {[]}
   */
  mirrors?: readonly Mirror[];
  /** @default {10} */
  maxAttempts?: number;
  /**
   * A host that fails for so long without one success is given up: requests to it fail at once.
   * @default {600_000}
   */
  giveUpAfterMs?: number;
  /** Longest wait before the second attempt, doubled for each one after it. @default {500} */
  minDelayMs?: number;
  /** Longest wait between attempts, unless a server asks for more. @default {30_000} */
  maxDelayMs?: number;
  /** An attempt fails when no byte has come for so long. @default {60_000} */
  timeoutMs?: number;
  /** Ends all requests; they reject with its reason. @default {undefined} */
  signal?: AbortSignal;
  /** Called before each wait. @default {undefined} */
  onRetry?: (event: RetryEvent) => void;
  /** Called with a line on hosts that make trouble, while they do. @default {undefined} */
  onStatus?: (line: string) => void;
}

/** Access to objects of all schemes, and what it has cost. */
export interface Storage extends ObjectAccess {
  readonly counters: Readonly<StorageCounters>;
  /**
   * Drops what is known of an object, so that the version of it that is on the server now can be
   * read. What was read of it before must not be used with what is read from now on.
   */
  forget(url: string): void;
}

/**
 * Opens a storage for all schemes. Credentials are looked up, and sent, for `gs://` alone. Nothing
 * needs closing.
 *
 * The first use of `s3://` loads the AWS SDK (80 ms), which reads three environment variables that
 * it does not need and throws where Deno refuses them. Give `--ignore-env` their names:
 * `AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA`, `AWS_LAMBDA_BENCHMARK_MODE` and
 * `AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED`. The first use of `gs://` likewise loads
 * Google's (85 ms, 31 MB).
 */
export function openStorage(options: StorageOptions = {}): Storage {
  const policy = planRetries(options);
  const counters: StorageCounters = { requests: 0, retries: 0, bytesReceived: 0 };
  const versions = new Versions();
  const http = accessRemote(httpRemote, policy, counters, versions);
  const azure = accessRemote(openAzure(options.azure), policy, counters, versions);
  let s3: Promise<ObjectAccess> | undefined;
  let gs: Promise<ObjectAccess> | undefined;

  const openAccess = (url: string): ObjectAccess | Promise<ObjectAccess> => {
    switch (parseScheme(url)) {
      case "s3":
        return s3 ??= loadS3(url, options)
          .then((it) => accessRemote(it, policy, counters, versions));
      case "gs":
        return gs ??= loadGcs(url, options)
          .then((it) => accessRemote(it, policy, counters, versions));
      case "http":
      case "https":
        return http;
      case "az":
        return azure;
      case "file":
        return localAccess;
      default:
        throw schemeError(url);
    }
  };
  return {
    counters,
    forget: (url) => versions.forget(url),
    async get(url, range) {
      if (range) checkRange(url, range);
      return await (await openAccess(url)).get(url, range);
    },
    head: async (url) => (await openAccess(url)).head(url),
    async *list(prefixUrl) {
      yield* (await openAccess(prefixUrl)).list(prefixUrl);
    },
    put: async (url, pieces) => (await openAccess(url)).put(url, pieces),
  };
}

function planRetries(options: StorageOptions): RetryPolicy {
  const { maxAttempts = 10, minDelayMs = 500, maxDelayMs = 30_000, timeoutMs = 60_000 } = options;
  const { signal, onRetry } = options;
  return { maxAttempts, minDelayMs, maxDelayMs, timeoutMs, signal, onRetry };
}

/** Scheme in lower case; "file" for a path. */
function parseScheme(url: string): string {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase() ?? "file";
}

function checkRange(url: string, { offset, length }: ByteRange): void {
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length > 0) {
    return;
  }
  throw new RangeError(
    `Cannot read "${url}": offset ${offset} and length ${length} name no bytes, ` +
      "give whole numbers, offset >= 0 and length > 0",
  );
}

function schemeError(url: string): StorageError {
  const state = `the scheme "${parseScheme(url)}" is not supported`;
  const message =
    `Cannot use "${url}": ${state}, use s3://, gs://, https://, http://, file: or a path`;
  return new StorageError("unsupported", url, message);
}

/** Loaded when needed: runs on paths and `https://` then need nothing of the SDK. */
async function loadS3(
  url: string,
  { endpoint, region = "eu-central-1" }: StorageOptions,
): Promise<Remote> {
  try {
    const { openS3 } = await import("./s3.ts");
    return openS3({ endpoint, region });
  } catch (error) {
    throw permissionError(url, error) ?? error;
  }
}

/** Loaded when needed, as for S3. */
async function loadGcs(url: string, { gcs = {} }: StorageOptions): Promise<Remote> {
  try {
    const { openGcs } = await import("./gcs.ts");
    return await openGcs(gcs);
  } catch (error) {
    throw permissionError(url, error) ?? error;
  }
}
