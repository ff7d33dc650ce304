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
import type { Reporter, Traffic } from "../util/reporter.ts";
import { accessRemotes } from "./client/access.ts";
import { parseScheme } from "./protocol/address.ts";
import type { AzureOptions } from "./backends/azure.ts";
import { findCandidates } from "./client/candidate.ts";
import { createContext, type StorageContext, type StoragePolicy } from "./client/context.ts";
import { permissionError, StorageError } from "./protocol/storage_error.ts";
import type { GcsOptions } from "./backends/gcs.ts";
import { httpRemote } from "./backends/http.ts";
import { localAccess, localRemote } from "./backends/local.ts";
import type { Remote } from "./protocol/attempt.ts";
import type {
  ByteRange,
  Mirror,
  ObjectAccess,
  RequestCost,
  StorageCounters,
} from "./protocol/objects.ts";
import { type ObjectVersion, Versions } from "./protocol/versions.ts";

export type { AzureOptions } from "./backends/azure.ts";
export { isRemote } from "./protocol/address.ts";
export { StorageError, type StorageErrorKind, unlessMissing } from "./protocol/storage_error.ts";
export type { GcsOptions } from "./backends/gcs.ts";
export { removeHalves } from "./backends/partial_files.ts";
export type {
  ByteRange,
  ListedObject,
  Mirror,
  ObjectInfo,
  Pieces,
  RequestCost,
  StorageCounters,
} from "./protocol/objects.ts";
export { isOtherVersion, type ObjectVersion } from "./protocol/versions.ts";

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
  /** Most requests at once to a host; how many there are follows from its answers. @default {64} */
  maxRequests?: number;
  /** Attempts at an object that a working server sends wrongly. @default {10} */
  maxAttempts?: number;
  /**
   * A host that fails for so long without one success is given up: requests to it fail at once.
   * @default {600_000}
   */
  giveUpAfterMs?: number;
  /** Longest wait after a first failure, doubled for each one after it. @default {500} */
  minDelayMs?: number;
  /** Longest wait after a failure, unless a server asks for more. @default {30_000} */
  maxDelayMs?: number;
  /** An attempt fails when no byte has come for so long. @default {60_000} */
  timeoutMs?: number;
  /** Ends all requests; they reject with its reason. @default {undefined} */
  signal?: AbortSignal;
  /** Called with a line on hosts that make trouble, while they do. @default {undefined} */
  onStatus?: (line: string) => void;
  /** Least time between two such lines. @default {60_000} */
  statusIntervalMs?: number;
}

/** Access to objects of all schemes, and what it has cost. */
export interface Storage extends ObjectAccess {
  readonly counters: Readonly<StorageCounters>;
  /** The version of an object that ranges of it must have, as far as it is known so far. */
  versionOf(url: string): ObjectVersion | undefined;
  /**
   * Drops what is known of an object, so that the version of it that is on the server now can be
   * read. What was read of it before must not be used with what is read from now on.
   */
  forget(url: string): void;
  /** What requests for an object cost, on the line to its server as it is at present. */
  requestCost(url: string): RequestCost;
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
  const { mirrors = [] } = options;
  const versions = new Versions();
  const context = createContext(planRequests(options), createOpener(options), options);
  const remotes = accessRemotes(context, (url) => findCandidates(url, mirrors), versions);
  const accessOf = (url: string) => parseScheme(url) === "file" ? localAccess : remotes;
  return {
    counters: context.counters,
    forget: (url) => versions.forget(url),
    requestCost: (url) => findCost(url, mirrors, context),
    async get(url, range) {
      if (range) checkRange(url, range);
      return await accessOf(url).get(url, range);
    },
    head: (url) => accessOf(url).head(url),
    list: (prefixUrl) => accessOf(prefixUrl).list(prefixUrl),
    put: (url, pieces) => accessOf(url).put(url, pieces),
    remove: (url) => accessOf(url).remove(url),
    versionOf: (url) => versions.find(url),
  };
}

/** Of the first server that has the object and serves; of the first that was asked, if none does. */
function findCost(url: string, mirrors: readonly Mirror[], context: StorageContext): RequestCost {
  const hosts = findCandidates(url, mirrors).flatMap(({ url }) => context.findHost(url) ?? []);
  const host = hosts.find(({ isHealthy }) => isHealthy) ?? hosts[0];
  return { bytes: host?.times.costBytes, isThrottled: host?.isThrottling ?? false };
}

function planRequests(options: StorageOptions): StoragePolicy {
  const { maxRequests = 64, maxAttempts = 10, giveUpAfterMs = 600_000, signal } = options;
  const { minDelayMs = 500, maxDelayMs = 30_000, timeoutMs = 60_000 } = options;
  return { maxRequests, maxAttempts, giveUpAfterMs, minDelayMs, maxDelayMs, timeoutMs, signal };
}

/** Finds the kind of server for an address. */
function createOpener(options: StorageOptions): (url: string) => Remote | Promise<Remote> {
  let azure: Promise<Remote> | undefined;
  let s3: Promise<Remote> | undefined;
  let gs: Promise<Remote> | undefined;
  return (url) => {
    switch (parseScheme(url)) {
      case "s3":
        return s3 ??= loadS3(url, options);
      case "gs":
        return gs ??= loadGcs(url, options);
      case "http":
      case "https":
        return httpRemote;
      case "az":
        return azure ??= loadAzure(options);
      case "file":
        return localRemote;
      default:
        throw schemeError(url);
    }
  };
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
    const { openS3 } = await import("./backends/s3.ts");
    return openS3({ endpoint, region });
  } catch (error) {
    throw permissionError(url, error) ?? error;
  }
}

/** Loaded when needed, as for S3. */
async function loadGcs(url: string, { gcs = {} }: StorageOptions): Promise<Remote> {
  try {
    const { openGcs } = await import("./backends/gcs.ts");
    return await openGcs(gcs);
  } catch (error) {
    throw permissionError(url, error) ?? error;
  }
}

/** Loaded when needed, as for S3. */
async function loadAzure({ azure }: StorageOptions): Promise<Remote> {
  const { openAzure } = await import("./backends/azure.ts");
  return openAzure(azure);
}

/** What a stage works with besides its options. */
export interface StageContext {
  storage: Storage;
  reporter: Reporter;
}

/** Reads what a storage has received so far, for a progress bar. */
export function receivedBy({ counters }: Pick<Storage, "counters">): Traffic {
  return () => ({ bytes: counters.bytesReceived, retries: counters.retries });
}
