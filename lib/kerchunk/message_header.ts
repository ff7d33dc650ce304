/**
 * The header of a GRIB message, fetched without the message's data.
 *
 * @module
 */
import { type GribHeader, measureMessage, parseHeader } from "../grib/headers.ts";
import type { Reference } from "../references/store.ts";
import type { Storage } from "../storage/mod.ts";

/** Bytes that hold the header of any message that ECMWF publishes, section 2 included. */
export const HEADER_BYTES = 300;

/**
 * Fetches the header of a message.
 *
 * Costs one ranged GET of {@linkcode HEADER_BYTES}, and another for a longer header.
 *
 * @throws {GribError} when there is no message, or one in a form that is not supported.
 * @throws {StorageError} when the file cannot be read.
 */
export async function fetchHeader(
  storage: Storage,
  { url, offset, length }: Reference,
): Promise<GribHeader> {
  const fetchStart = (bytes: number) =>
    storage.get(url, { offset, length: Math.min(bytes, length) });
  return await completeHeader(await fetchStart(HEADER_BYTES), fetchStart);
}

/**
 * Parses the header of a message from its first bytes, and fetches a longer start of the message
 * when they do not hold the whole header.
 *
 * @throws {GribError} when there is no message, or one in a form that is not supported.
 */
export async function completeHeader(
  bytes: Uint8Array,
  fetchStart: (lengthBytes: number) => Promise<Uint8Array>,
): Promise<GribHeader> {
  for (;;) {
    const { headerBytes } = measureMessage(bytes);
    if (headerBytes <= bytes.length) return parseHeader(bytes);
    bytes = await fetchStart(headerBytes);
  }
}
