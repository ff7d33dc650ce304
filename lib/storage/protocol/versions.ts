import { readError, StorageError } from "./storage_error.ts";
import type { ByteRange, ObjectInfo } from "./objects.ts";

/** What tells one version of an object from another, as far as the server tells it. */
export type Version = Partial<Pick<ObjectInfo, "size" | "etag">>;

/** Bytes of an object, and the version that they are of. */
export interface Received extends Version {
  bytes: Uint8Array<ArrayBuffer>;
}

/** What is known of a version of an object. */
export interface ObjectVersion {
  /** In bytes. */
  readonly size?: number;
  /** By the address that it was read from: servers that have the same object name it differently. */
  readonly etags: Readonly<Record<string, string>>;
}

/** Whether two versions of an object cannot be the same. */
export function isOtherVersion(a: ObjectVersion, b: ObjectVersion): boolean {
  const isOtherAt = (located: string) => isOther(a.etags[located], b.etags[located]);
  return isOther(a.size, b.size) || Object.keys(a.etags).some(isOtherAt);
}

/** The version of an object that was told first. */
interface KnownVersion {
  size: number | undefined;
  /** By the address that it was read from: servers that have the same object name it differently. */
  etags: Map<string, string>;
}

/**
 * The version of each object that was told first. Ranges of another one are refused until the object
 * is forgotten: bytes of two versions never meet.
 *
 * Each call names the object, `url`, and the address that it was read from, `located`.
 */
export class Versions {
  readonly #known = new Map<string, KnownVersion>();

  /** Notes what HEAD told where nothing else is known: there are no bytes that could be mixed. */
  note<Info extends Version>(url: string, located: string, info: Info): Info {
    this.#complete(url, located, info);
    return info;
  }

  /**
   * The bytes that were received. A whole object may be of any version.
   *
   * @throws {StorageError} `changed` when a range is of another version than the known one, or is
   *   no longer there.
   */
  async check(
    url: string,
    located: string,
    range: ByteRange | undefined,
    received: Promise<Received>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (!range) return (await received).bytes;
    const { bytes, ...found } = await received.catch((error) => {
      throw this.#isShortened(url, range, error) ? changedError(url, "it is shorter now") : error;
    });
    const known = this.#complete(url, located, found);
    const etag = known.etags.get(located);
    if (isOther(etag, found.etag)) {
      throw changedError(url, `its ETag was ${etag} and is ${found.etag}`);
    }
    if (isOther(known.size, found.size)) {
      throw changedError(url, `it had ${known.size} bytes and has ${found.size}`);
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

  /** What is known, with what is told now where it was not known yet. */
  #complete(url: string, located: string, { size, etag }: Version): KnownVersion {
    let known = this.#known.get(url);
    if (!known) this.#known.set(url, known = { size, etags: new Map() });
    known.size ??= size;
    if (etag !== undefined && !known.etags.has(located)) known.etags.set(located, etag);
    return known;
  }

  /** Whether the object ends before a range that the known version has. */
  #isShortened(url: string, { offset, length }: ByteRange, error: unknown): boolean {
    const size = this.#known.get(url)?.size ?? 0;
    return error instanceof StorageError && error.kind === "range" && offset + length <= size;
  }
}

/** ETags are compared as texts: a weak one says as much of the version as the server can tell. */
function isOther(known: string | number | undefined, found: string | number | undefined): boolean {
  return known !== undefined && found !== undefined && known !== found;
}

function changedError(url: string, change: string): StorageError {
  const state =
    `it was replaced on the server while it was read (${change}), start again with the new version`;
  return readError("changed", url, state);
}
