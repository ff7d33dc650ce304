import { readError, StorageError } from "./error.ts";
import type { ByteRange, ObjectInfo } from "./types.ts";

/** What tells one version of an object from another, as far as the server tells it. */
export type Version = Partial<Pick<ObjectInfo, "size" | "etag">>;

/** Bytes of an object, and the version that they are of. */
export interface Received extends Version {
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The version of each object that was told first. Ranges of another one are refused until the object
 * is forgotten: bytes of two versions never meet.
 */
export class Versions {
  readonly #known = new Map<string, Version>();

  /** Notes what HEAD told, unless a version is known: there are no bytes that could be mixed. */
  note<Info extends Version>(url: string, info: Info): Info {
    if (!this.#known.has(url)) this.#known.set(url, { size: info.size, etag: info.etag });
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
    range: ByteRange | undefined,
    received: Promise<Received>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (!range) return (await received).bytes;
    const { bytes, size, etag } = await received.catch((error) => {
      throw this.#isShortened(url, range, error) ? changedError(url, "it is shorter now") : error;
    });
    const known = this.#known.get(url) ?? {};
    if (isOther(known.etag, etag)) {
      throw changedError(url, `its ETag was ${known.etag} and is ${etag}`);
    }
    if (isOther(known.size, size)) {
      throw changedError(url, `it had ${known.size} bytes and has ${size}`);
    }
    this.#known.set(url, { size: known.size ?? size, etag: known.etag ?? etag });
    return bytes;
  }

  /** Drops what is known of an object. */
  forget(url: string): void {
    this.#known.delete(url);
  }

  /** Whether the object ends before a range that the known version has. */
  #isShortened(url: string, { offset, length }: ByteRange, error: unknown): boolean {
    const { size = 0 } = this.#known.get(url) ?? {};
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
