/**
 * Store files → stores: a Parquet file with the columns `key` (UTF-8) and `value` (bytes), Snappy, the
 * layout that the Python tools write with DuckDB and read with fsspec.
 *
 * @module
 */
import { UserError } from "../errors.ts";
import { type AsyncBuffer, type FileMetaData, parquetRead } from "npm:hyparquet@1.31.5";
import {
  LoadedParts,
  planSpans,
  readMetadata,
  selectRowGroups,
  SourceFailure,
} from "./parquet_ranges.ts";
import { decompressSnappy } from "./snappy.ts";
import { isReference, parseValue, type Store, type StoreValue } from "./store.ts";
import { release } from "../util/numbers.ts";
import { limitCalls } from "../util/parallel.ts";
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

const encoder = new TextEncoder();

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
  const urls = new Map<string, string>();
  const pages: Uint8Array[] = [];
  for (const [key, text] of await readRows(file, options, pages)) {
    const value = typeof text === "string" ? encoder.encode(text) : text;
    if (!(value instanceof Uint8Array) || typeof key !== "string") {
      throw new ParquetError(`Cannot read ${source}: a row has no key or no value`, source);
    }
    if (!keys || keys.has(key)) store.set(key, detach(parseValue(value), urls));
  }
  release(...pages);
  return store;
}

/**
 * The same with the text of an equal address that was seen, as thousands of references have some dozens,
 * and with bytes of its own instead of a part of a page.
 */
function detach(value: StoreValue, urls: Map<string, string>): StoreValue {
  if (!isReference(value)) return value.slice();
  value.url = urls.get(value.url) ?? value.url;
  urls.set(value.url, value.url);
  return value;
}

/** Rows of several files at once would take a hundred megabytes, and no less time. */
const decodeAlone = limitCalls(1);

async function readRows(
  file: AsyncBuffer,
  { source, keys, maxBytes = MAX_BYTES }: DecodeStoreOptions,
  pages: Uint8Array[],
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
    return await decodeAlone(() =>
      decodeRows(parts, { ...metadata, row_groups: groups }, maxBytes, pages)
    );
  } catch (cause) {
    if (cause instanceof SourceFailure) throw cause.cause;
    const reason = messageOf(cause);
    throw new ParquetError(`Cannot read ${source} as a store: ${reason}`, source, cause);
  }
}

type Codec = (page: Uint8Array, sizeBytes: number) => Uint8Array;

/** Names of codecs in Parquet: DuckDB's, and those that others choose. */
type CodecName = "SNAPPY" | "GZIP" | "ZSTD";

/**
 * The codecs for one file, whose pages may unpack to `maxBytes` together.
 *
 * @param isSnappy whether no other is needed: those of Node take 20 ms to load. @default {false}
 * @throws {RangeError} from a codec, for a page beyond that or of another size than it claims.
 */
export async function limitCodecs(
  maxBytes: number,
  isSnappy = false,
): Promise<Partial<Record<CodecName, Codec>>> {
  let left = maxBytes;
  const limit = (decompress: Codec): Codec => (page, sizeBytes) => {
    left -= sizeBytes;
    if (left < 0) throw new RangeError(`it unpacks to more than ${maxBytes} bytes, the limit`);
    const bytes = decompress(page, sizeBytes);
    if (bytes.length === sizeBytes) return bytes;
    throw new RangeError(`a page has ${bytes.length} bytes instead of ${sizeBytes}`);
  };
  const SNAPPY = limit(decompressSnappy);
  if (isSnappy) return { SNAPPY };
  const { gunzipSync, zstdDecompressSync } = await import("node:zlib");
  return {
    SNAPPY,
    GZIP: limit((page, maxOutputLength) => gunzipSync(page, { maxOutputLength })),
    ZSTD: limit((page, maxOutputLength) => zstdDecompressSync(page, { maxOutputLength })),
  };
}

/** Whether every column of the row groups has the codec of DuckDB, or none. */
function isAllSnappy({ row_groups }: FileMetaData): boolean {
  return row_groups.every(({ columns }) =>
    columns.every(({ meta_data }) =>
      meta_data !== undefined && ["SNAPPY", "UNCOMPRESSED"].includes(meta_data.codec)
    )
  );
}

function checkColumns(metadata: FileMetaData): void {
  const columns = metadata.schema.slice(1).map((column) => column.name);
  if (COLUMNS.every((name) => columns.includes(name))) return;
  throw new TypeError(`its columns are ${columns.join(", ") || "none"}, not key and value`);
}

/**
 * The rows of the row groups in the metadata; their values are parts of pages.
 *
 * @param pages gets those that were Snappy: nothing else uses their memory.
 */
async function decodeRows(
  file: AsyncBuffer,
  metadata: FileMetaData,
  maxBytes: number,
  pages: Uint8Array[],
): Promise<unknown[][]> {
  let rows: unknown[][] = [];
  const { SNAPPY, ...others } = await limitCodecs(maxBytes, isAllSnappy(metadata));
  const compressors = {
    ...others,
    SNAPPY(...page: Parameters<Codec>): Uint8Array {
      const bytes = SNAPPY!(...page);
      pages.push(bytes);
      return bytes;
    },
  };
  await parquetRead({
    file,
    metadata,
    columns: COLUMNS,
    utf8: false,
    compressors,
    onComplete: (read: unknown[][]) => (rows = read),
  });
  return rows;
}
