/**
 * Reads a Parquet file in parts: its footer first, then only the row groups that can hold the keys
 * wanted.
 *
 * @module
 */
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadata,
  type RowGroup,
} from "npm:hyparquet@1.31.5";

/** Bytes `start` to `end`, exclusive. */
export interface Span {
  start: number;
  end: number;
}

/** A part could not be read, for the reason in `cause`. The file is not damaged. */
export class SourceFailure extends Error {
  constructor(cause: unknown) {
    super("a part of the file could not be read", { cause });
  }
}

/** The parts of a file that are in memory, for a reader that may use no others. */
export class LoadedParts implements AsyncBuffer {
  readonly byteLength: number;
  readonly #file: AsyncBuffer;
  readonly #parts: { start: number; bytes: ArrayBuffer }[] = [];

  constructor(file: AsyncBuffer) {
    this.#file = file;
    this.byteLength = file.byteLength;
  }

  /**
   * Reads a part into memory, unless it is there.
   *
   * @throws {SourceFailure}
   */
  async load({ start, end }: Span): Promise<void> {
    if (this.#find(start, end)) return;
    try {
      this.#parts.push({ start, bytes: await this.#file.slice(start, end) });
    } catch (cause) {
      throw new SourceFailure(cause);
    }
  }

  slice(start: number, end: number = this.byteLength): ArrayBuffer {
    const part = this.#find(start, end);
    if (!part) throw new RangeError(`bytes ${start}-${end - 1} belong to no column chunk`);
    return part.bytes.slice(start - part.start, end - part.start);
  }

  #find(start: number, end: number) {
    return this.#parts.find((part) =>
      part.start <= start && end <= part.start + part.bytes.byteLength
    );
  }
}

/** Magic number, length of the metadata, magic number: no Parquet file is shorter. */
const MIN_FILE_BYTES = 12;
/** Length of the metadata, magic number. */
const TRAILER_BYTES = 8;

/**
 * Reads the metadata at the end of a file. Bounds of text columns are left as bytes.
 *
 * @param tailBytes what to read first, from the end; a longer footer costs one more read.
 * @throws {SourceFailure}
 * @throws {Error} when it is no Parquet file.
 */
export async function readMetadata(parts: LoadedParts, tailBytes: number): Promise<FileMetaData> {
  const { byteLength } = parts;
  if (byteLength < MIN_FILE_BYTES) throw new TypeError("it is shorter than any Parquet file");
  await parts.load({ start: Math.max(0, byteLength - tailBytes), end: byteLength });
  const trailer = new DataView(parts.slice(byteLength - TRAILER_BYTES));
  const footerBytes = trailer.getUint32(0, true) + TRAILER_BYTES;
  // The parser refuses an impossible length.
  const start = footerBytes <= byteLength ? byteLength - footerBytes : byteLength - TRAILER_BYTES;
  await parts.load({ start, end: byteLength });
  // Decoding would lose bytes that are not UTF-8, as in bounds that were cut inside a character.
  return parquetMetadata(parts.slice(start), { parsers: { stringFromBytes: (bytes) => bytes } });
}

/**
 * The row groups that can hold one of the texts in a column: those with a text between their smallest
 * and largest value, and those without these bounds. Texts and bounds are compared as UTF-8.
 */
export function selectRowGroups(
  groups: readonly RowGroup[],
  column: string,
  texts: Iterable<string>,
): RowGroup[] {
  const encoder = new TextEncoder();
  const wanted = Array.from(texts, (text) => encoder.encode(text)).sort(compareBytes);
  return groups.filter((group) => {
    const { min_value: min, max_value: max } = findChunk(group, column)?.statistics ?? {};
    if (!(min instanceof Uint8Array && max instanceof Uint8Array)) return true;
    const first = wanted.find((text) => compareBytes(text, min) >= 0);
    return first !== undefined && compareBytes(first, max) <= 0;
  });
}

/**
 * The spans of some columns of row groups, in the order of the file. Columns less than `maxGapBytes`
 * apart share a span.
 *
 * @throws {RangeError} when one lies outside of the file.
 */
export function planSpans(
  groups: readonly RowGroup[],
  columns: readonly string[],
  byteLength: number,
  maxGapBytes: number,
): Span[] {
  const chunks = groups.flatMap((group) => columns.map((column) => chunkSpan(group, column)))
    .sort((a, b) => a.start - b.start);
  const spans: Span[] = [];
  for (const { start, end } of chunks) {
    if (!(start >= 0 && start < end && end <= byteLength)) {
      throw new RangeError(`a column chunk lies at ${start}-${end} in ${byteLength} bytes`);
    }
    const last = spans.at(-1);
    if (last && start - last.end < maxGapBytes) last.end = Math.max(last.end, end);
    else spans.push({ start, end });
  }
  return spans;
}

function findChunk(group: RowGroup, column: string) {
  return group.columns.find((it) => it.meta_data?.path_in_schema[0] === column)?.meta_data;
}

function chunkSpan(group: RowGroup, column: string): Span {
  const chunk = findChunk(group, column);
  if (!chunk) throw new TypeError(`a row group lacks the column ${column}`);
  const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
  return { start, end: start + Number(chunk.total_compressed_size) };
}

/** Compares texts in UTF-8 as Parquet does: byte by byte, a prefix before the whole. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}
