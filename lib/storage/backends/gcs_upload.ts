import type { Bucket } from "npm:@google-cloud/storage@8.4.0";
import type { Attempt } from "../protocol/attempt.ts";
import { crc32c } from "../protocol/checksum.ts";
import { readError } from "../protocol/storage_error.ts";
import { isSameParty } from "./gcs_account.ts";
import { GcsRefusal, INCOMPLETE, sendThrough } from "./gcs_transport.ts";

/** What the server answers about an object that it has stored. */
interface StoredObject {
  /** In bytes. */
  size: string;
  crc32c: string;
}

/** From this size on, an upload that breaks off can be resumed. */
const RESUMABLE_BYTES = 8 * 1024 * 1024;
/** Bytes handed to the network at a time; each piece counts as progress. */
const PIECE_BYTES = 64 * 1024;
const CONTENT_TYPE = "application/octet-stream";

/**
 * The upload of one object, whole or not at all. The server compares the bytes with the CRC32C that
 * is sent ahead of them; the one in its answer is compared here.
 */
export class GcsUpload {
  readonly #url: string;
  readonly #endpoint: string;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #key: string;
  readonly #metadata: { contentType: string; cacheControl: string; crc32c: string };
  /** The address that takes the bytes. It needs no token, so it is as secret as one. */
  #session: string | undefined;

  /** @param endpoint the server's address, without a path. */
  constructor(url: string, key: string, bytes: Uint8Array<ArrayBuffer>, endpoint: string) {
    this.#url = url;
    this.#endpoint = endpoint;
    this.#bytes = bytes;
    this.#key = key;
    this.#metadata = {
      contentType: CONTENT_TYPE,
      // Google would serve public objects from a cache for an hour, even replaced ones.
      cacheControl: "no-store",
      crc32c: crc32c(bytes),
    };
  }

  /**
   * Makes one attempt: one request for a small object; two for a large one, to start and to send, or
   * to ask how much of it the server has and to send the rest.
   */
  async send(bucket: Bucket, attempt: Attempt): Promise<void> {
    const stored = this.#bytes.length < RESUMABLE_BYTES
      ? await this.#sendWhole(bucket, attempt)
      : await this.#sendInSession(bucket, attempt);
    const { size, crc32c } = stored ?? {};
    if (crc32c === this.#metadata.crc32c && Number(size) === this.#bytes.length) return;
    this.#session = undefined;
    const state = `the server has stored ${size} bytes with CRC32C ${crc32c}, and ` +
      `${this.#bytes.length} with ${this.#metadata.crc32c} were sent`;
    throw readError("corrupt", this.#url, state);
  }

  async #sendWhole(bucket: Bucket, attempt: Attempt): Promise<StoredObject> {
    const boundary = crypto.randomUUID();
    const encode = (text: string) => new TextEncoder().encode(text);
    const { body } = await sendThrough<StoredObject>(bucket, {
      method: "POST",
      uri: this.#uploadUrl(bucket),
      qs: { uploadType: "multipart", name: this.#key },
      headers: { "content-type": `multipart/related; boundary=${boundary}` },
      body: streamPieces([
        encode(`--${boundary}\r\ncontent-type: application/json\r\n\r\n`),
        encode(JSON.stringify(this.#metadata)),
        encode(`\r\n--${boundary}\r\ncontent-type: ${CONTENT_TYPE}\r\n\r\n`),
        this.#bytes,
        encode(`\r\n--${boundary}--\r\n`),
      ], attempt),
    });
    return body;
  }

  async #sendInSession(bucket: Bucket, attempt: Attempt): Promise<StoredObject> {
    try {
      const progress = this.#session ? await this.#askProgress(bucket) : 0;
      if (typeof progress !== "number") return progress;
      this.#session ??= await this.#startSession(bucket);
      return await this.#sendFrom(progress, bucket, attempt);
    } catch (error) {
      if (!this.#session || !(error instanceof GcsRefusal) || isPassing(error)) throw error;
      this.#session = undefined;
      if (error.status !== 404 && error.status !== 410) throw error;
      throw readError("unreachable", this.#url, "the server has forgotten the upload", {
        status: error.status,
      });
    }
  }

  async #startSession(bucket: Bucket): Promise<string> {
    const { response } = await sendThrough(bucket, {
      method: "POST",
      uri: this.#uploadUrl(bucket),
      qs: { uploadType: "resumable", name: this.#key },
      headers: {
        "content-type": "application/json",
        "x-upload-content-type": CONTENT_TYPE,
        "x-upload-content-length": String(this.#bytes.length),
      },
      json: this.#metadata,
    });
    const location = response.headers.get("location") ?? "";
    if (URL.canParse(location) && isSameParty(location, this.#endpoint)) return location;
    throw readError(
      "unsupported",
      this.#url,
      "the server gives no address of its own to upload to",
    );
  }

  /** How many bytes the server has, or the stored object if it has all. */
  async #askProgress(bucket: Bucket): Promise<number | StoredObject> {
    const { body, response } = await sendThrough<StoredObject>(bucket, {
      method: "PUT",
      uri: this.#session!,
      headers: { "content-range": `bytes */${this.#bytes.length}` },
    });
    if (response.status !== INCOMPLETE) return body;
    const last = /^bytes=0-(\d+)$/.exec(response.headers.get("range") ?? "")?.[1];
    return last === undefined ? 0 : Number(last) + 1;
  }

  async #sendFrom(offset: number, bucket: Bucket, attempt: Attempt): Promise<StoredObject> {
    const size = this.#bytes.length;
    const { body, response } = await sendThrough<StoredObject>(bucket, {
      method: "PUT",
      uri: this.#session!,
      headers: { "content-range": `bytes ${offset}-${size - 1}/${size}` },
      body: streamPieces([this.#bytes.subarray(offset)], attempt),
    });
    if (response.status !== INCOMPLETE) return body;
    throw readError("unreachable", this.#url, "the server did not accept all bytes", {
      status: response.status,
    });
  }

  #uploadUrl(bucket: Bucket): string {
    return `${this.#endpoint}/upload/storage/v1/b/${bucket.name}/o`;
  }
}

/** Whether the upload can still be resumed: the server was merely busy. */
function isPassing({ status }: GcsRefusal): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** Streams bytes as fast as the network sends them. */
function streamPieces(parts: Uint8Array[], attempt: Attempt): ReadableStream<Uint8Array> {
  return ReadableStream.from(cutPieces(parts, attempt));
}

function* cutPieces(parts: Uint8Array[], attempt: Attempt): Generator<Uint8Array> {
  for (const part of parts) {
    for (let at = 0; at < part.length; at += PIECE_BYTES) {
      yield part.subarray(at, at + PIECE_BYTES);
      attempt.noteProgress();
    }
  }
}
