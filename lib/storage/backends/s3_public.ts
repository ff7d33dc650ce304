/**
 * Public buckets of S3: objects are read by plain requests, without the AWS SDK, which takes longer to
 * load than a small job has to wait for its data. Listings take the SDK.
 *
 * @module
 */
import { parseBucketUrl, parseObjectUrl } from "../protocol/address.ts";
import type { Backend } from "../protocol/attempt.ts";
import { fetchPlain, openWeb, parseOrigin, readErrorCode } from "./http.ts";

/** Where public buckets are. */
export interface PublicS3Options {
  /** A server that is not AWS, addressed path style. */
  endpoint: string | undefined;
  region: string;
}

/**
 * Opens public buckets. A request has no signature and no key.
 *
 * @param openListing gives the backend that lists; called at each listing.
 */
export function openPublicS3(
  options: PublicS3Options,
  openListing: (url: string) => Promise<Backend>,
): Backend {
  const web = openWeb(
    (url, request) => fetchPlain(findAddress(url, options), request),
    (url) => findS3Origin(url, options),
    // S3's name for an error says more than the status ("SlowDown").
    readErrorCode,
  );
  return {
    ...web,
    async listPage(prefixUrl, next, attempt) {
      const backend = await openListing(prefixUrl);
      return await backend.listPage(prefixUrl, next, attempt);
    },
  };
}

/**
 * The server that has a bucket.
 *
 * @throws {StorageError} `unsupported` for an address without a bucket.
 */
export function findS3Origin(url: string, options: PublicS3Options): string {
  return parseOrigin(options.endpoint ?? findRoot(parseBucketUrl(url).bucket, options));
}

function findAddress(url: string, options: PublicS3Options): string {
  const { bucket, key } = parseObjectUrl(url);
  return `${findRoot(bucket, options)}/${key.split("/").map(encodeURIComponent).join("/")}`;
}

/** The address of a bucket: no certificate fits the host that one with dots would have. */
function findRoot(bucket: string, { endpoint, region }: PublicS3Options): string {
  if (endpoint !== undefined) return `${endpoint.replace(/\/+$/, "")}/${bucket}`;
  return bucket.includes(".")
    ? `https://s3.${region}.amazonaws.com/${bucket}`
    : `https://${bucket}.s3.${region}.amazonaws.com`;
}
