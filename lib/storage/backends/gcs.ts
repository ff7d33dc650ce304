import type { Bucket } from "npm:@google-cloud/storage@8.4.0";
import type { Attempt } from "../protocol/attempt.ts";
import { formatRange, readAnswer, requireSize } from "../protocol/body.ts";
import { parseBucketUrl, parseObjectUrl } from "../protocol/address.ts";
import { crc32c } from "../protocol/objects.ts";
import { readError, StorageError } from "../protocol/storage_error.ts";
import { type CredentialOptions, findAccount } from "./gcs_account.ts";
import { type GcsPermission, refusalError } from "./gcs_transport.ts";
import { ask, connectGcs, GcsRefusal, openBucket } from "./gcs_transport.ts";
import { GcsUpload } from "./gcs_upload.ts";
import type { Remote } from "../protocol/attempt.ts";

/** How to reach Google Cloud Storage, and as whom. */
export interface GcsOptions extends CredentialOptions {
  /**
   * A server that is not Google's, with or without `http://`, as `STORAGE_EMULATOR_HOST` names it.
   * It gets no credentials but those of its own host. @default {undefined} (Google)
   */
  endpoint?: string;
  /** What else to say of a bucket that refuses, a known trap. @default {undefined} (nothing) */
  explainBucket?: (bucket: string) => string | undefined;
}

/** An object in a listing, as the server describes it. */
interface ListedResource {
  name: string;
  /** In bytes. */
  size: string;
  crc32c: string;
}

/**
 * Objects on Google Cloud Storage, through Google's SDK.
 *
 * The SDK reads environment variables that it does not need, and throws where Deno refuses them.
 * Give `--ignore-env` their names: `DEBUG`, `FUNCTION_NAME`, `GOOGLE_SDK_NODE_LOGGING`,
 * `READABLE_STREAM`, `STORAGE_EMULATOR_HOST`, `TEENY_REQUEST_WARN_CONCURRENT_REQUESTS`; with a key
 * file or a user's login also `HTTPS_PROXY`, `https_proxy`, `HTTP_PROXY` and `http_proxy` (a proxy
 * works all the same). Without a key file, those that tell of credentials are read or ignored:
 * `GOOGLE_APPLICATION_CREDENTIALS`, `CLOUDSDK_CONFIG`, `HOME`, `GCE_METADATA_HOST`.
 *
 * @throws {StorageError} if there are no credentials, or they cannot be used.
 */
export async function openGcs(options: GcsOptions): Promise<Remote> {
  const endpoint = parseEndpoint(options.endpoint);
  const account = await findAccount(options, endpoint);
  const storage = connectGcs(endpoint, account);

  /** Runs what one attempt asks of a bucket; refusals become errors that say what is missing. */
  const use = async <T>(
    url: string,
    permission: GcsPermission,
    attempt: Attempt,
    run: (bucket: Bucket) => Promise<T>,
  ): Promise<T> => {
    const { bucket } = parseBucketUrl(url);
    try {
      return await run(openBucket(storage, bucket, url, attempt));
    } catch (error) {
      if (!(error instanceof GcsRefusal)) throw error;
      const hint = options.explainBucket?.(bucket);
      throw refusalError(error, { url, bucket, permission, account: account.name, hint });
    }
  };

  return {
    origin: () => endpoint,

    async get(url, range, attempt) {
      const { key } = parseObjectUrl(url);
      const { body, response } = await use(
        url,
        "storage.objects.get",
        attempt,
        (bucket) =>
          ask<Response["body"]>(bucket.file(key), {
            uri: "",
            qs: { alt: "media" },
            headers: range && { range: formatRange(range) },
          }),
      );
      const length = response.headers.get("content-length");
      const answer = {
        status: response.status,
        contentRange: response.headers.get("content-range"),
        contentLength: length === null ? undefined : Number(length),
        contentEncoding: response.headers.get("content-encoding"),
        // Of a version there is one generation; ETags differ from one kind of answer to the next.
        etag: response.headers.get("x-goog-generation"),
        body,
      };
      const received = await readAnswer(url, answer, range, attempt);
      if (!range) checkHash(url, received.bytes, response.headers.get("x-goog-hash"));
      return received;
    },

    async head(url, attempt) {
      const { key } = parseObjectUrl(url);
      const [{ size, generation, crc32c }] = await use(
        url,
        "storage.objects.get",
        attempt,
        (bucket) => bucket.file(key).getMetadata({ fields: "size,generation,crc32c" }),
      );
      return {
        size: requireSize(url, size === undefined ? undefined : Number(size)),
        etag: generation === undefined ? undefined : String(generation),
        crc32c,
      };
    },

    async listPage(prefixUrl, next, attempt) {
      const { bucket: name, key: prefix } = parseBucketUrl(prefixUrl);
      const [files, query] = await use(
        prefixUrl,
        "storage.objects.list",
        attempt,
        (bucket) =>
          bucket.getFiles({
            prefix,
            pageToken: next,
            autoPaginate: false,
            fields: "items(name,size,crc32c),nextPageToken",
          }),
      );
      const objects = files.map((file) => {
        // With `fields` the SDK gives the server's resources, not its own objects.
        const { name: key, size, crc32c } = file as unknown as ListedResource;
        return { url: `gs://${name}/${key}`, size: Number(size), crc32c };
      });
      return { objects, next: (query as { pageToken?: string } | null)?.pageToken };
    },

    async remove(url, attempt) {
      const { key } = parseObjectUrl(url);
      await use(url, "storage.objects.delete", attempt, (bucket) => bucket.file(key).delete());
    },
    planPut(url, bytes) {
      const upload = new GcsUpload(url, parseObjectUrl(url).key, bytes, endpoint);
      return (attempt) =>
        use(url, "storage.objects.create", attempt, (bucket) => upload.send(bucket, attempt));
    },
  };
}

/** The address of the server, without a slash at the end. */
function parseEndpoint(endpoint = "https://storage.googleapis.com"): string {
  const url = /^https?:\/\//.test(endpoint) ? endpoint : `http://${endpoint}`;
  if (URL.canParse(url)) return new URL(url).origin;
  const message = `Cannot use the Google Cloud Storage server "${endpoint}": it is no address, ` +
    "expected <host>:<port> or http://<host>:<port> (STORAGE_EMULATOR_HOST)";
  throw new StorageError("unsupported", endpoint, message);
}

function checkHash(url: string, bytes: Uint8Array, header: string | null): void {
  const expected = /crc32c=([^,\s]+)/.exec(header ?? "")?.[1];
  if (expected === undefined || expected === crc32c(bytes)) return;
  throw readError("corrupt", url, `the bytes that came have another CRC32C than ${expected}`);
}
