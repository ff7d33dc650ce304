/**
 * What a scan of one file finds, however it is done.
 *
 * @module
 */
import type { Parameter } from "../ecmwf/parameters.ts";
import { type GribHeader, measureMessage, parseHeader } from "../grib/headers.ts";
import type { ScannedMessage } from "./scanned_field.ts";

/**
 * Messages below this length are kept in the store, as kerchunk does by default: constant fields,
 * which hold no packed values, and take about 210 bytes.
 */
export const INLINE_BYTES = 500;

/** Bytes that hold the header of any message that ECMWF publishes, section 2 included. */
export const HEADER_BYTES = 300;

/** The messages of a file. */
export interface FileScan {
  /** Of the members wanted, in the order of the file or its index. */
  messages: ScannedMessage[];
  /** Messages that were left out, and why, in words. */
  problems: string[];
  /** Short messages that stay references, because they lie too far apart. */
  notInlined: number;
}

/**
 * Parses the header of a message of which the first bytes are there, and fetches the rest of a header
 * that is longer.
 *
 * @throws {GribError} when it is no message, or one that is not read.
 */
export async function completeHeader(
  bytes: Uint8Array,
  fetchMore: (length: number) => Promise<Uint8Array>,
): Promise<GribHeader> {
  for (;;) {
    const { headerBytes } = measureMessage(bytes);
    if (headerBytes <= bytes.length) return parseHeader(bytes);
    bytes = await fetchMore(headerBytes);
  }
}

/** Parameters that the table does not have, each once. */
export function findUnknown(messages: readonly ScannedMessage[]): Parameter[] {
  const unknown = messages.map(({ field }) => field.parameter).filter(({ paramId }) =>
    paramId === 0
  );
  return [...new Map(unknown.map((parameter) => [parameter.shortName, parameter])).values()];
}
