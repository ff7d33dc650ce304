/**
 * What can be done with objects and what is known of them: the types of the public interface.
 *
 * @module
 */

/** Bytes `offset` to `offset + length - 1`. */
export interface ByteRange {
  offset: number;
  length: number;
}

/** What to read of an object, and what it must be. */
export interface GetOptions extends Partial<ByteRange> {
  /**
   * Says in a few words what is wrong with the bytes; `undefined` if nothing is. A wrong answer costs
   * a few attempts at each mirror, and then an error of kind `corrupt` with these words. Called for
   * each answer that is a whole one by its headers. @default {undefined} (any bytes will do)
   */
  check?: (bytes: Uint8Array<ArrayBuffer>) => string | undefined;
  /**
   * The most that is read into memory where no range is given. @default {67_108_864} (64 MiB; no
   * limit on local files)
   */
  maxBytes?: number;
}

/** What an object must be. */
export interface HeadOptions {
  /** As of {@linkcode GetOptions}, for what is known of the object. */
  check?: (info: ObjectInfo) => string | undefined;
}

/** What is known of an object without reading it. */
export interface ObjectInfo {
  /** In bytes. */
  size: number;
  /** Changes when the content does; as the server gives it, with its quotes. */
  etag?: string;
  /** CRC32C of its bytes: base64 of the big-endian checksum. Only on `gs://`. */
  crc32c?: string;
}

/** An entry of a listing. */
export interface ListedObject {
  url: string;
  /** In bytes. */
  size: number;
  /** As of {@linkcode ObjectInfo}. */
  crc32c?: string;
}

/** The range that options give; `undefined` for the whole object. */
export function rangeOf({ offset, length }: Partial<ByteRange>): ByteRange | undefined {
  if (offset === undefined && length === undefined) return undefined;
  return { offset: offset ?? NaN, length: length ?? NaN };
}

/**
 * What an object is written from: its bytes in order, in pieces of any size. A piece may be written
 * while the next one is made, so that its bytes must stay as they are.
 */
export type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** What can be done with objects. Each call may reject with a `StorageError`. */
export interface ObjectAccess {
  /**
   * Reads an object, or the range of it that `offset` and `length` give, into a buffer of its own.
   *
   * Costs one request. A body that is short, too long, or another range is an error, never data; so
   * is a range of an object that was replaced since its last range or `head`.
   *
   * @throws {RangeError} if the range is empty or not whole numbers of bytes.
   */
  get(url: string, options?: GetOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Size, ETag and checksum, where the server gives them, for one request. */
  head(url: string, options?: HeadOptions): Promise<ObjectInfo>;
  /**
   * The objects whose address begins with `prefixUrl`, in the order of their keys; there may be
   * none. Costs one request for 1000 objects. Not on `https://`.
   */
  list(prefixUrl: string): AsyncIterable<ListedObject>;
  /**
   * Writes an object whole or not at all, and creates its folders. Only `gs://` and local paths.
   *
   * On `gs://` all bytes are held in memory, and server and client compare the CRC32C. Costs one
   * request below 8 MiB, else two; a retry of a large upload resumes where the connection broke.
   *
   * @throws What `pieces` throws; nothing is left of the object then.
   */
  put(url: string, pieces: Pieces): Promise<void>;
  /** Removes an object; a missing one is no error. Only `gs://` and local paths. */
  remove(url: string): Promise<void>;
}

/** Another server that has the same objects, under addresses of its own. */
export interface Mirror {
  /** For status lines and errors ("gcs"). */
  name: string;
  /** Its address of an object; `undefined` if it does not have objects of this kind. */
  locate(url: string): string | undefined;
  /** Most requests at once. @default that of the storage */
  maxRequests?: number;
}

/** What a request to a server costs beside the bytes that it brings, as measured recently. */
export interface RequestCost {
  /**
   * The bytes that one stream would bring in the time until an answer begins; `undefined` until
   * enough requests were seen.
   */
  bytes: number | undefined;
  /** Whether the server refuses requests (503, 429), so that fewer are sent at once. */
  isThrottled: boolean;
}

/** What went over the network so far. Local paths count only as mirrors. */
export interface StorageCounters {
  /** Attempts: the first ones and the retries. */
  requests: number;
  /** Attempts after the first one of the same request, at any mirror. */
  retries: number;
  /** The attempts by the name of the mirror, else of the host. */
  requestsByHost: Record<string, number>;
  /** Bytes of bodies of objects, including those of failed attempts. */
  bytesReceived: number;
}
