/**
 * Stores → their files, as `store_parquet.ts` reads them. Most commands only read, and load no writer.
 *
 * @module
 */
import { parquetWriteBuffer } from "npm:hyparquet-writer@0.17.0";
import { formatReference, isReference, type StoreValue } from "./store.ts";

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
