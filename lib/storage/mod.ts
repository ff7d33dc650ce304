/**
 * An address and a range of bytes go in; exactly these bytes come out, or a `StorageError`. Objects
 * are at `s3://` (public buckets), `gs://`, `az://`, `https://`, `http://`, `file:` and paths.
 *
 * The words of this room:
 * - a *mirror* is another server that has the same objects, as the options name it
 * - a *replica* is one address of an object: at a mirror, or its own
 * - a *host* is a server that requests are sent to, with its limit, its pauses and its times
 * - a *backend* speaks to one kind of server
 * - a *route* is a replica with the backend and the host that a request for it uses
 *
 * `protocol/` has what backends and clients share, `backends/` one file or more for each kind of
 * server, `client/` decides which host gets a request, and when it is sent again.
 *
 * Permissions: `--allow-net=<host>` of each server (of a bucket on AWS:
 * `<bucket>.s3.<region>.amazonaws.com`; for `gs://` `storage.googleapis.com` and, with credentials,
 * `oauth2.googleapis.com`), `--allow-read` and `--allow-write` of local paths, and the variables to
 * ignore that `openStorage` names for `s3://` and `openGcs` for `gs://`.
 *
 * @module
 */
import type { Reporter, Traffic } from "../util/reporter.ts";
import { accessServers } from "./client/access.ts";
import { parseScheme } from "./protocol/address.ts";
import type { AzureOptions } from "./backends/azure.ts";
import { createContext, type StorageContext, type StoragePolicy } from "./client/context.ts";
import { describeWaits } from "./client/host_status.ts";
import { findReplicas } from "./client/request.ts";
import { permissionError, StorageError } from "./protocol/storage_error.ts";
import type { GcsOptions } from "./backends/gcs.ts";
import type { S3Credentials } from "./backends/s3_upload.ts";
import { webBackend } from "./backends/http.ts";
import { localAccess, localBackend } from "./backends/local.ts";
import { openPublicS3 } from "./backends/s3_public.ts";
import type { Backend } from "./protocol/attempt.ts";
import {
  type ByteRange,
  type Mirror,
  type ObjectAccess,
  rangeOf,
  type RequestCost,
  type StorageCounters,
} from "./protocol/objects.ts";
import { type ObjectVersion, Versions } from "./protocol/versions.ts";

export type { AzureOptions } from "./backends/azure.ts";
export { isRemote, splitPath, trimFolder } from "./protocol/address.ts";
export { StorageError, type StorageErrorKind, unlessMissing } from "./protocol/storage_error.ts";
export type { GcsOptions } from "./backends/gcs.ts";
export type { S3Credentials } from "./backends/s3_upload.ts";
export { lockFolder, removePartialFiles, useFolder } from "./backends/partial_files.ts";
export type {
  ByteRange,
  GetOptions,
  HeadOptions,
  ListedObject,
  Mirror,
  ObjectInfo,
  Pieces,
  RequestCost,
  StorageCounters,
} from "./protocol/objects.ts";
export { isOtherVersion, type ObjectVersion } from "./protocol/versions.ts";

/** How to reach servers, and when to give up. */
export interface StorageOptions {
  /** An S3 server that is not AWS, addressed path style. @default {undefined} (AWS) */
  endpoint?: string;
  /** AWS region of the buckets. @default {"eu-central-1"} */
  region?: string;
  /** The key for `s3://`, which then can be written. @default {undefined} (buckets are public) */
  s3Credentials?: S3Credentials;
  /** Google's server and credentials. @default {{}} (Application Default Credentials) */
  gcs?: GcsOptions;
  /** Servers for Azure. @default {{}} (Microsoft's) */
  azure?: AzureOptions;
  /**
   * Servers that have the same objects, the preferred one first. An object that none of them has is
   * read from its own address. @default {[]}
   */
  mirrors?: readonly Mirror[];
  /** Most requests at once to a host; its answers decide how many are sent. @default {64} */
  maxRequests?: number;
  /** Attempts at an object that a working server fails to send. @default {10} */
  maxAttempts?: number;
  /**
   * A host is given up after failing this long without one success: requests to it then fail at
   * once. @default {600_000}
   */
  giveUpAfterMs?: number;
  /** Longest wait after a first failure, doubled for each one after it. @default {500} */
  minDelayMs?: number;
  /** Longest wait after a failure, unless a server asks for more. @default {30_000} */
  maxDelayMs?: number;
  /**
   * An attempt fails when it has made no progress for this long: no byte has arrived, or less than
   * 1 KiB/s of a body on a line that is not busy with others. It also fails when it takes longer, and
   * far longer than the last ones of this server. @default {60_000}
   */
  timeoutMs?: number;
  /** Ends all requests; they reject with its reason. @default {undefined} */
  signal?: AbortSignal;
  /** Called with a line about hosts that fail, while they do. @default {undefined} */
  onStatus?: (line: string) => void;
  /** Least time between two such lines. @default {60_000} */
  statusIntervalMs?: number;
}

/** Access to objects of all schemes, and its cost so far. */
export interface Storage extends ObjectAccess {
  readonly counters: Readonly<StorageCounters>;
  /** The version that ranges of an object must have, as far as it is known. */
  versionOf(url: string): ObjectVersion | undefined;
  /**
   * Drops what is known of an object, so that its present version can be read. Do not use bytes read
   * earlier together with bytes read after this.
   */
  forget(url: string): void;
  /** What requests wait for, in words; `undefined` while there are none. */
  describeWaits(): string | undefined;
  /** What requests for an object cost on the present connection to its server. */
  requestCost(url: string): RequestCost;
}

/**
 * Opens a storage for all schemes. Credentials are looked up for `gs://` alone, and those of
 * `s3Credentials` are sent to no other server than that of `s3://`. There is nothing to close.
 *
 * The first listing of `s3://`, and its first use with a key, load the AWS SDK (80 ms), which reads
 * three environment variables that it does not need and throws where Deno refuses them. Give
 * `--ignore-env` their names: `AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA`, `AWS_LAMBDA_BENCHMARK_MODE`
 * and `AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED`. The first use of `gs://` likewise loads
 * Google's (85 ms, 31 MB).
 */
export function openStorage(options: StorageOptions = {}): Storage {
  const { mirrors = [] } = options;
  const versions = new Versions();
  const context = createContext(planRequests(options), createOpener(options), options);
  const servers = accessServers(context, (url) => findReplicas(url, mirrors), versions);
  const accessOf = (url: string) => parseScheme(url) === "file" ? localAccess : servers;
  return {
    counters: context.counters,
    forget: (url) => versions.forget(url),
    describeWaits: () => describeWaits(context.hosts.values()),
    requestCost: (url) => findCost(url, mirrors, context),
    async get(url, options = {}) {
      const range = rangeOf(options);
      if (range) checkRange(url, range);
      return await accessOf(url).get(url, options);
    },
    head: (url, options) => accessOf(url).head(url, options),
    list: (prefixUrl) => accessOf(prefixUrl).list(prefixUrl),
    put: (url, pieces) => accessOf(url).put(url, pieces),
    remove: (url) => accessOf(url).remove(url),
    versionOf: (url) => versions.find(url),
  };
}

/** The cost at the first healthy host that has the object; if none is, at the first host. */
function findCost(url: string, mirrors: readonly Mirror[], context: StorageContext): RequestCost {
  const hosts = findReplicas(url, mirrors).flatMap(({ url }) => context.findHost(url) ?? []);
  const host = hosts.find(({ isHealthy }) => isHealthy) ?? hosts[0];
  return { bytes: host?.times.costBytes, isThrottled: host?.isThrottling ?? false };
}

const DEFAULT_REGION = "eu-central-1";

function planRequests(options: StorageOptions): StoragePolicy {
  const { maxRequests = 64, maxAttempts = 10, giveUpAfterMs = 600_000, signal } = options;
  const { minDelayMs = 500, maxDelayMs = 30_000, timeoutMs = 60_000 } = options;
  return { maxRequests, maxAttempts, giveUpAfterMs, minDelayMs, maxDelayMs, timeoutMs, signal };
}

/** Finds the backend for an address, and opens it once. */
function createOpener(options: StorageOptions): (url: string) => Backend | Promise<Backend> {
  let azure: Promise<Backend> | undefined;
  let s3: Backend | Promise<Backend> | undefined;
  let gs: Promise<Backend> | undefined;
  return (url) => {
    switch (parseScheme(url)) {
      case "s3":
        return s3 ??= openBuckets(url, options);
      case "gs":
        return gs ??= loadGcs(url, options);
      case "http":
      case "https":
        return webBackend;
      case "az":
        return azure ??= loadAzure(options);
      case "file":
        return localBackend;
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
  const remedy = "use s3://, gs://, https://, http://, file: or a path";
  return new StorageError({
    kind: "unsupported",
    action: "use",
    url,
    state: `${state}, ${remedy}`,
  });
}

/** Objects of public buckets are read without the SDK. */
function openBuckets(url: string, options: StorageOptions): Backend | Promise<Backend> {
  if (options.s3Credentials) return loadS3(url, options);
  const { endpoint, region = DEFAULT_REGION } = options;
  let listing: Promise<Backend> | undefined;
  return openPublicS3({ endpoint, region }, (url) => listing ??= loadS3(url, options));
}

/** Loads the SDK when it is needed: to list, and where requests are signed. */
async function loadS3(
  url: string,
  { endpoint, region = DEFAULT_REGION, s3Credentials: credentials }: StorageOptions,
): Promise<Backend> {
  try {
    const { openS3 } = await import("./backends/s3.ts");
    return openS3({ endpoint, region, ...(credentials && { credentials }) });
  } catch (error) {
    throw permissionError(url, error) ?? error;
  }
}

/** Loads Google's SDK when it is needed. */
async function loadGcs(url: string, { gcs = {} }: StorageOptions): Promise<Backend> {
  try {
    const { openGcs } = await import("./backends/gcs.ts");
    return await openGcs(gcs);
  } catch (error) {
    throw permissionError(url, error) ?? error;
  }
}

/** Loads the Azure backend when it is needed. */
async function loadAzure({ azure }: StorageOptions): Promise<Backend> {
  const { openAzure } = await import("./backends/azure.ts");
  return openAzure(azure);
}

/** The warning where another process makes the same output. */
export function describeSharing(path: string): string {
  return `another command is making ${path}, too: harmless if it is the same one, else stop one of them`;
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
