import { readError, StorageError } from "./storage_error.ts";
import type { ByteRange, ObjectInfo } from "./objects.ts";

/** What an answer says about the version of an object. */
export type Version = Partial<Pick<ObjectInfo, "size" | "etag">>;

/** Bytes of an object, and their version. */
export interface Received extends Version {
  bytes: Uint8Array<ArrayBuffer>;
}

/** What is known of a version of an object. */
export interface ObjectVersion {
  /** In bytes. */
  readonly size?: number;
  /** By the address that was read: mirrors give the same object different ETags. */
  readonly etags: Readonly<Record<string, string>>;
}

/** Whether two versions of an object cannot be the same. */
export function isOtherVersion(a: ObjectVersion, b: ObjectVersion): boolean {
  const isOtherAt = (url: string) => isOther(a.etags[url], b.etags[url]);
  return isOther(a.size, b.size) || Object.keys(a.etags).some(isOtherAt);
}

interface KnownVersion {
  size: number | undefined;
  /** By the address that was read: mirrors give the same object different ETags. */
  etags: Map<string, string>;
  /** Addresses that have given this version. */
  replicaUrls: Set<string>;
}

/**
 * The first version seen of each object. Ranges of another one are refused until the object is
 * forgotten: bytes of two versions never mix.
 *
 * Each call names the object, `url`, and the address that was read, `replicaUrl`.
 */
export class Versions {
  readonly #known = new Map<string, KnownVersion>();

  /** Notes what HEAD says where nothing else is known: there are no bytes that could be mixed. */
  note<Info extends Version>(url: string, replicaUrl: string, info: Info): Info {
    this.#complete(url, replicaUrl, info);
    return info;
  }

  /**
   * Waits for the bytes and checks their version. A whole object may have any.
   *
   * @throws {StorageError} `changed` when a range is of another version than the known one, or no
   *   longer exists; doubtful when this address never had the known version: another one may.
   */
  async check(
    url: string,
    replicaUrl: string,
    range: ByteRange | undefined,
    received: Promise<Received>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (!range) return (await received).bytes;
    const isDoubtful = !this.#known.get(url)?.replicaUrls.has(replicaUrl);
    const fail = (change: string) => changedError(url, change, isDoubtful);
    const { bytes, ...found } = await received.catch((error) => {
      throw this.#isShortened(url, range, error) ? fail("it is shorter now") : error;
    });
    const known = this.#complete(url, replicaUrl, found);
    const etag = known.etags.get(replicaUrl);
    if (isOther(etag, found.etag)) {
      throw fail(`its ETag was ${etag} and is ${found.etag}`);
    }
    if (isOther(known.size, found.size)) {
      throw fail(`it had ${known.size} bytes and has ${found.size}`);
    }
    return bytes;
  }

  /** What is known of an object, if anything is. */
  find(url: string): ObjectVersion | undefined {
    const known = this.#known.get(url);
    if (!known) return undefined;
    const { size, etags } = known;
    return { ...(size !== undefined && { size }), etags: Object.fromEntries(etags) };
  }

  /** Drops what is known of an object. */
  forget(url: string): void {
    this.#known.delete(url);
  }

  /** The known version, completed by what an answer says. */
  #complete(url: string, replicaUrl: string, { size, etag }: Version): KnownVersion {
    let known = this.#known.get(url);
    if (!known) {
      known = { size, etags: new Map(), replicaUrls: new Set() };
      this.#known.set(url, known);
    }
    if (!isOther(known.size, size)) known.replicaUrls.add(replicaUrl);
    known.size ??= size;
    if (etag !== undefined && !known.etags.has(replicaUrl)) known.etags.set(replicaUrl, etag);
    return known;
  }

  /** Whether the object ends before a range that the known version has. */
  #isShortened(url: string, { offset, length }: ByteRange, error: unknown): boolean {
    const size = this.#known.get(url)?.size ?? 0;
    return error instanceof StorageError && error.kind === "range" && offset + length <= size;
  }
}

/** Compares ETags as text: a weak one is all that its server says about the version. */
function isOther(known: string | number | undefined, found: string | number | undefined): boolean {
  return known !== undefined && found !== undefined && known !== found;
}

function changedError(url: string, change: string, isDoubtful: boolean): StorageError {
  const state =
    `it was replaced on the server while it was read (${change}), start again with the new version`;
  return readError("changed", url, state, { isDoubtful });
}
