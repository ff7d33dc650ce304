import type { Bucket, Storage } from "npm:@google-cloud/storage@8.4.0";
import type { Attempt, Backend, ListPage } from "../protocol/attempt.ts";
import { parseBucketUrl, parseObjectUrl } from "../protocol/address.ts";
import { formatRange, readAnswer, requireSize } from "../protocol/body.ts";
import { crc32c } from "../protocol/checksum.ts";
import type { ByteRange, ObjectInfo } from "../protocol/objects.ts";
import { readError, StorageError } from "../protocol/storage_error.ts";
import type { Received } from "../protocol/versions.ts";
import { type CredentialOptions, findAccount, type GcsAccount } from "./gcs_account.ts";
import {
  connectGcs,
  type GcsPermission,
  GcsRefusal,
  openBucket,
  refusalError,
  sendThrough,
} from "./gcs_transport.ts";
import { GcsUpload } from "./gcs_upload.ts";
import { describeResponse } from "./http.ts";

/** How to reach Google Cloud Storage, and with which account. */
export interface GcsOptions extends CredentialOptions {
  /**
   * A server that is not Google's, with or without `http://`, as in `STORAGE_EMULATOR_HOST`. It gets
   * no credentials but those of its own host. @default {undefined} (Google)
   */
  endpoint?: string;
  /** More to report about a bucket that refuses: a known trap. @default {undefined} (nothing) */
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
 * Opens Google Cloud Storage, through Google's SDK.
 *
 * The SDK reads environment variables that it does not need, and throws where Deno refuses them.
 * Give `--ignore-env` their names: `DEBUG`, `FUNCTION_NAME`, `GOOGLE_SDK_NODE_LOGGING`,
 * `READABLE_STREAM`, `STORAGE_EMULATOR_HOST`, `TEENY_REQUEST_WARN_CONCURRENT_REQUESTS`; with a key
 * file or a user's login also `HTTPS_PROXY`, `https_proxy`, `HTTP_PROXY` and `http_proxy` (a proxy
 * works all the same). Without a key file, allow or ignore those that say where credentials are:
 * `GOOGLE_APPLICATION_CREDENTIALS`, `CLOUDSDK_CONFIG`, `HOME`, `GCE_METADATA_HOST`.
 *
 * @throws {StorageError} if there are no credentials, or they cannot be used.
 */
export async function openGcs(options: GcsOptions): Promise<Backend> {
  const endpoint = parseEndpoint(options.endpoint);
  const account = await findAccount(options, endpoint);
  return new GcsBackend(endpoint, account, options.explainBucket);
}

class GcsBackend implements Backend {
  readonly #endpoint: string;
  readonly #account: GcsAccount;
  readonly #explainBucket: GcsOptions["explainBucket"];
  readonly #storage: Storage;

  constructor(
    endpoint: string,
    account: GcsAccount,
    explainBucket: GcsOptions["explainBucket"],
  ) {
    this.#endpoint = endpoint;
    this.#account = account;
    this.#explainBucket = explainBucket;
    this.#storage = connectGcs(endpoint, account);
  }

  origin(): string {
    return this.#endpoint;
  }

  async get(url: string, range: ByteRange | undefined, attempt: Attempt): Promise<Received> {
    const { key } = parseObjectUrl(url);
    const request = {
      uri: "",
      qs: { alt: "media" },
      headers: range && { range: formatRange(range) },
    };
    const { body, response } = await this.#use(
      url,
      "storage.objects.get",
      attempt,
      (bucket) => sendThrough<Response["body"]>(bucket.file(key), request),
    );
    // A version has one generation, but its ETag differs from one kind of answer to the next.
    const etag = response.headers.get("x-goog-generation");
    const answer = { ...describeResponse(response), body, etag };
    const received = await readAnswer(url, answer, range, attempt);
    if (!range) checkHash(url, received.bytes, response.headers.get("x-goog-hash"));
    return received;
  }

  async head(url: string, attempt: Attempt): Promise<ObjectInfo> {
    const { key } = parseObjectUrl(url);
    const [{ size, generation, crc32c }] = await this.#use(
      url,
      "storage.objects.get",
      attempt,
      (bucket) => bucket.file(key).getMetadata({ fields: "size,generation,crc32c" }),
    );
    return {
      size: requireSize(url, size === undefined ? undefined : String(size)),
      etag: generation === undefined ? undefined : String(generation),
      crc32c,
    };
  }

  async listPage(
    prefixUrl: string,
    next: string | undefined,
    attempt: Attempt,
  ): Promise<ListPage> {
    const { bucket: name, key: prefix } = parseBucketUrl(prefixUrl);
    const fields = "items(name,size,crc32c),nextPageToken";
    const query = { prefix, pageToken: next, autoPaginate: false, fields };
    const [files, nextQuery] = await this.#use(
      prefixUrl,
      "storage.objects.list",
      attempt,
      (bucket) => bucket.getFiles(query),
    );
    const objects = files.map((file) => {
      // With `fields` the SDK gives the server's resources, not its own objects.
      const { name: key, size, crc32c } = (file ?? {}) as unknown as Partial<ListedResource>;
      if (typeof key !== "string" || !Number.isSafeInteger(Number(size))) {
        throw readError("corrupt", prefixUrl, "the server lists an object without key or size");
      }
      return { url: `gs://${name}/${key}`, size: Number(size), crc32c };
    });
    return { objects, next: (nextQuery as { pageToken?: string } | null)?.pageToken };
  }

  async remove(url: string, attempt: Attempt): Promise<void> {
    const { key } = parseObjectUrl(url);
    await this.#use(
      url,
      "storage.objects.delete",
      attempt,
      (bucket) => bucket.file(key).delete(),
    );
  }

  planPut(url: string, bytes: Uint8Array<ArrayBuffer>): (attempt: Attempt) => Promise<void> {
    const upload = new GcsUpload(url, parseObjectUrl(url).key, bytes, this.#endpoint);
    return (attempt) =>
      this.#use(url, "storage.objects.create", attempt, (bucket) => upload.send(bucket, attempt));
  }

  /** Runs one attempt on the bucket of `url`; a refusal becomes an error that names what is missing. */
  async #use<T>(
    url: string,
    permission: GcsPermission,
    attempt: Attempt,
    run: (bucket: Bucket) => Promise<T>,
  ): Promise<T> {
    const { bucket } = parseBucketUrl(url);
    try {
      return await run(openBucket(this.#storage, bucket, url, attempt));
    } catch (error) {
      if (!(error instanceof GcsRefusal)) throw error;
      const account = this.#account.name;
      const hint = this.#explainBucket?.(bucket);
      throw refusalError(error, { url, bucket, permission, account, hint });
    }
  }
}

/** The address of the server, without a slash at the end. */
function parseEndpoint(endpoint = "https://storage.googleapis.com"): string {
  const url = /^https?:\/\//.test(endpoint) ? endpoint : `http://${endpoint}`;
  if (URL.canParse(url)) return new URL(url).origin;
  throw new StorageError({
    kind: "unsupported",
    action: "use",
    url: endpoint,
    subject: `the Google Cloud Storage server "${endpoint}"`,
    state: "it is not an address, expected <host>:<port> or http://<host>:<port> " +
      "(STORAGE_EMULATOR_HOST)",
  });
}

function checkHash(url: string, bytes: Uint8Array, header: string | null): void {
  const expected = /crc32c=([^,\s]+)/.exec(header ?? "")?.[1];
  if (expected === undefined || expected === crc32c(bytes)) return;
  throw readError("corrupt", url, `the received bytes do not have the CRC32C ${expected}`);
}
