/**
 * Store files: a Parquet file with the columns `key` (UTF-8) and `value` (bytes), Snappy, the layout
 * that the Python tools write with DuckDB and read with fsspec.
 *
 * @module
 */
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { UserError } from "../errors.ts";
import { type AsyncBuffer, type FileMetaData, parquetRead } from "npm:hyparquet@1.31.5";
import { parquetWriteBuffer } from "npm:hyparquet-writer@0.17.0";
import {
  LoadedParts,
  planSpans,
  readMetadata,
  selectRowGroups,
  SourceFailure,
} from "./parquet_ranges.ts";
import { decompressSnappy } from "./snappy.ts";
import { formatReference, isReference, parseValue, type Store, type StoreValue } from "./store.ts";
import { messageOf } from "../util/text.ts";

/** A Parquet file that is damaged or holds no store. */
export class ParquetError extends UserError {
  override readonly name = "ParquetError";
  /** The file. */
  readonly source: string;

  constructor(message: string, source: string, cause?: unknown) {
    super("damaged", message, { cause });
    this.source = source;
  }
}

/** About three of the 85 steps of a run. Groups half as large make the file 3 % larger. */
const ROWS_PER_GROUP = 500;

const encoder = new TextEncoder();

/**
 * The Parquet file of a store, rows in the store's order. Each row group has the bounds of its keys, so
 * that a reader of some steps needs only a part of the file.
 */
export function encodeStore(
  store: Iterable<readonly [string, StoreValue]>,
): Uint8Array<ArrayBuffer> {
  const keys: string[] = [];
  const values: StoreValue[] = [];
  for (const [key, value] of store) {
    keys.push(key);
    values.push(value);
  }
  // As DuckDB writes them: a dictionary would not shorten keys that all differ.
  const options = { nullable: false, encoding: "PLAIN" } as const;
  const file = parquetWriteBuffer({
    columnData: [
      { name: "key", type: "STRING", data: encodeTexts(keys), ...options },
      {
        name: "value",
        type: "BYTE_ARRAY",
        data: encodeValues(values),
        statistics: false,
        ...options,
      },
    ],
    rowGroupSize: ROWS_PER_GROUP,
    // Cut at the usual 16 bytes, the bounds of keys of one step would all be equal.
    statisticsTruncateLength: Infinity,
  });
  return new Uint8Array(file);
}

/** Encodes values, a reference of several keys once. */
function encodeValues(values: readonly StoreValue[]): Uint8Array[] {
  const references = [...new Set(values.filter(isReference))];
  const texts = encodeTexts(references.map(formatReference));
  const textOf = new Map(references.map((reference, i) => [reference, texts[i]!]));
  return values.map((value) => isReference(value) ? textOf.get(value)! : value);
}

/** The UTF-8 bytes of each text. ASCII is encoded at once and cut, as one call a text is slow. */
function encodeTexts(texts: readonly string[]): Uint8Array[] {
  const bytes = encoder.encode(texts.join(""));
  const isAscii = bytes.length === texts.reduce((sum, text) => sum + text.length, 0);
  if (!isAscii) return texts.map((text) => encoder.encode(text));
  let end = 0;
  return texts.map((text) => bytes.subarray(end, end += text.length));
}

/** Options of {@linkcode decodeStore}. */
export interface DecodeStoreOptions {
  /** File name, for errors. */
  source: string;
  /**
   * Which keys to read; the values of others are not parsed.
   *
   * @default all of them
   */
  keys?: ReadonlySet<string>;
  /** The most that its compressed pages may unpack to. @default {134_217_728} (128 MiB) */
  maxBytes?: number;
}

const MAX_BYTES = 128 * 1024 * 1024;

const COLUMNS = ["key", "value"];

/** More than the footer of a store of a whole run, which has 5 kB. */
const TAIL_BYTES = 16 * 1024;
/** Up to this size one read of the whole file is faster than several. */
const WHOLE_FILE_BYTES = 128 * 1024;
/** Up to this gap, of two row groups, one read is faster than two. */
const MAX_GAP_BYTES = 32 * 1024;

/**
 * Reads a store from a Parquet file.
 *
 * With `keys`, a larger file is read in parts: the footer, then the row groups that can hold one of
 * them, neighbours together. That takes two or three reads for steps that follow each other. A file
 * without bounds of its keys is read whole.
 *
 * @param file an `ArrayBuffer`, or an object that reads parts of the file.
 * @throws {ParquetError} when it is no Parquet file with the columns of a store.
 * @throws What `file.slice` throws.
 */
export async function decodeStore(file: AsyncBuffer, options: DecodeStoreOptions): Promise<Store> {
  const { source, keys } = options;
  const store: Store = new Map();
  for (const [key, text] of await readRows(file, options)) {
    const value = typeof text === "string" ? encoder.encode(text) : text;
    if (!(value instanceof Uint8Array) || typeof key !== "string") {
      throw new ParquetError(`Cannot read ${source}: a row has no key or no value`, source);
    }
    if (!keys || keys.has(key)) store.set(key, parseValue(value));
  }
  return store;
}

async function readRows(
  file: AsyncBuffer,
  { source, keys, maxBytes = MAX_BYTES }: DecodeStoreOptions,
): Promise<unknown[][]> {
  const parts = new LoadedParts(file);
  const { byteLength } = file;
  try {
    const isWhole = !keys || byteLength <= WHOLE_FILE_BYTES;
    const metadata = await readMetadata(parts, isWhole ? byteLength : TAIL_BYTES);
    checkColumns(metadata);
    const groups = keys ? selectRowGroups(metadata.row_groups, "key", keys) : metadata.row_groups;
    const spans = planSpans(groups, COLUMNS, byteLength, MAX_GAP_BYTES);
    await Promise.all(spans.map((span) => parts.load(span)));
    return await decodeRows(parts, { ...metadata, row_groups: groups }, maxBytes);
  } catch (cause) {
    if (cause instanceof SourceFailure) throw cause.cause;
    const reason = messageOf(cause);
    throw new ParquetError(`Cannot read ${source} as a store: ${reason}`, source, cause);
  }
}

type Codec = (page: Uint8Array, sizeBytes: number) => Uint8Array;

/** Codecs of pages by their names in Parquet: DuckDB's, and those that others choose. */
const CODECS = {
  SNAPPY: decompressSnappy,
  GZIP: (page, maxOutputLength) => gunzipSync(page, { maxOutputLength }),
  ZSTD: (page, maxOutputLength) => zstdDecompressSync(page, { maxOutputLength }),
} satisfies Record<string, Codec>;

/**
 * The codecs for one file, whose pages may unpack to `maxBytes` together.
 *
 * @throws {RangeError} from a codec, for a page beyond that or of another size than it claims.
 */
export function limitCodecs(maxBytes: number): Record<keyof typeof CODECS, Codec> {
  let left = maxBytes;
  const limit = (decompress: Codec): Codec => (page, sizeBytes) => {
    left -= sizeBytes;
    if (left < 0) throw new RangeError(`it unpacks to more than ${maxBytes} bytes, the limit`);
    const bytes = decompress(page, sizeBytes);
    if (bytes.length === sizeBytes) return bytes;
    throw new RangeError(`a page has ${bytes.length} bytes instead of ${sizeBytes}`);
  };
  const { SNAPPY, GZIP, ZSTD } = CODECS;
  return { SNAPPY: limit(SNAPPY), GZIP: limit(GZIP), ZSTD: limit(ZSTD) };
}

function checkColumns(metadata: FileMetaData): void {
  const columns = metadata.schema.slice(1).map((column) => column.name);
  if (COLUMNS.every((name) => columns.includes(name))) return;
  throw new TypeError(`its columns are ${columns.join(", ") || "none"}, not key and value`);
}

/** The rows of the row groups in the metadata. */
async function decodeRows(
  file: AsyncBuffer,
  metadata: FileMetaData,
  maxBytes: number,
): Promise<unknown[][]> {
  let rows: unknown[][] = [];
  await parquetRead({
    file,
    metadata,
    columns: COLUMNS,
    utf8: false,
    compressors: limitCodecs(maxBytes),
    onComplete: (read: unknown[][]) => (rows = read),
  });
  return rows;
}
