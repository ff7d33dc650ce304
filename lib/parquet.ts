/**
 * Store files: a Parquet file with the columns `key` (UTF-8) and `value` (bytes), Snappy, the layout
 * that the Python tools write with DuckDB and read with fsspec.
 *
 * @module
 */
import { parquetMetadata, parquetRead } from "npm:hyparquet@1.31.5";
import { parquetWriteBuffer } from "npm:hyparquet-writer@0.17.0";
import {
  formatReference,
  isReference,
  parseValue,
  type Store,
  type StoreValue,
} from "./references.ts";

/** A Parquet file that is damaged or holds no store. */
export class ParquetError extends Error {
  override readonly name = "ParquetError";
  /** File in which the fault is. */
  readonly source: string;

  constructor(message: string, source: string, cause?: unknown) {
    super(message, { cause });
    this.source = source;
  }
}

const encoder = new TextEncoder();

/** The Parquet file of a store, rows in the store's order. */
export function encodeStore(store: Iterable<readonly [string, StoreValue]>): Uint8Array {
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
      { name: "value", type: "BYTE_ARRAY", data: encodeValues(values), ...options },
    ],
    // Readers take whole files: the smallest and largest key would help nobody.
    statistics: false,
  });
  return new Uint8Array(file);
}

function encodeValues(values: readonly StoreValue[]): Uint8Array[] {
  const texts = encodeTexts(values.filter(isReference).map(formatReference));
  let next = 0;
  return values.map((value) => isReference(value) ? texts[next++]! : value);
}

/** The UTF-8 bytes of each text, encoded all at once where that can be cut: a call each is slow. */
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
   * Which keys to keep; the values of others are not parsed.
   *
   * @default all of them
   */
  keep?: (key: string) => boolean;
}

/**
 * Reads a store from the bytes of a Parquet file.
 *
 * @throws {ParquetError} when the bytes are no Parquet file with the columns of a store.
 * @throws {StoreError} when a value looks like a reference and is none.
 */
export async function decodeStore(bytes: Uint8Array, options: DecodeStoreOptions): Promise<Store> {
  const { source, keep = () => true } = options;
  const store: Store = new Map();
  for (const [key, value] of await readRows(bytes, source)) {
    if (!(value instanceof Uint8Array) || typeof key !== "string") {
      throw new ParquetError(`Cannot read ${source}: a row has no key or no value`, source);
    }
    if (keep(key)) store.set(key, parseValue(key, value));
  }
  return store;
}

async function readRows(bytes: Uint8Array, source: string): Promise<unknown[][]> {
  const file = bytes.slice().buffer;
  let rows: unknown[][] = [];
  try {
    const metadata = parquetMetadata(file);
    const columns = metadata.schema.slice(1).map((column) => column.name);
    if (!columns.includes("key") || !columns.includes("value")) {
      throw new TypeError(`its columns are ${columns.join(", ") || "none"}, not key and value`);
    }
    await parquetRead({
      file,
      metadata,
      columns: ["key", "value"],
      utf8: false,
      onComplete: (read: unknown[][]) => (rows = read),
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ParquetError(`Cannot read ${source} as a store: ${reason}`, source, cause);
  }
  return rows;
}
