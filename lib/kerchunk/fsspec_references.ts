/**
 * Stores in the two formats of fsspec: the JSON file of its reference specification, version 1, and
 * the folder of Parquet files that it reads array by array (`LazyReferenceMapper`).
 *
 * In the folder `.zmetadata` holds all metadata and the record size. The chunks of an array are
 * numbered in row-major order; `<array>/refs.<n>.parq` holds the chunks from n times the record size
 * on, a row each: `path` (UTF-8), `offset` and `size` (int64) of a reference, or `raw` (bytes). A
 * missing chunk has neither `path` nor `raw`. fsspec's own writer fills the last file up with such
 * rows; here it ends with the last chunk of the array, as no reader looks beyond.
 *
 * @module
 */
import { parquetWriteBuffer } from "npm:hyparquet-writer@0.17.0";
import { formatReference, isReference, StoreError, type StoreValue } from "../references/store.ts";
import { decodeInline } from "../references/skeleton.ts";
import { quoteValue } from "../util/text.ts";
import { metadataError, parseLengths, parseMetadata, type ZarrAttributes } from "./zarr_nodes.ts";

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Entries that are encoded at once. */
const ENTRIES_PER_PIECE = 2000;

/** The file of a store in pieces: `{"version": 1, "refs": {key: text or [url, offset, length]}}`. */
export function* encodeReferenceFile(
  store: Iterable<readonly [string, StoreValue]>,
): Generator<Uint8Array<ArrayBuffer>> {
  let lines: string[] = [];
  let separator = '{"version": 1, "refs": {\n';
  for (const [key, value] of store) {
    const text = isReference(value) ? formatReference(value) : JSON.stringify(textOf(value));
    lines.push(`${separator}${JSON.stringify(key)}: ${text}`);
    separator = ",\n";
    if (lines.length < ENTRIES_PER_PIECE) continue;
    yield encoder.encode(lines.join(""));
    lines = [];
  }
  const opening = separator.startsWith("{") ? separator : "";
  yield encoder.encode(`${lines.join("")}${opening}\n}}\n`);
}

/** The text of a value; bytes that are not UTF-8 become base64. */
function textOf(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return `base64:${bytes.toBase64()}`;
  }
}

/** Far more than an array has: a whole run has 61,000 messages of a variable on levels. */
const MAX_CHUNKS = 10_000_000;

/** Chunks in a file: the default of `LazyReferenceMapper.create()`. */
const RECORD_SIZE = 10_000;

/** A file of the folder. */
export interface FolderFile {
  /** Path in the folder. */
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Metadata keys of Zarr. */
const METADATA_KEY = /(?:^|\/)\.z\w+$/;

/** An array whose chunks are being gathered. */
interface ChunkedArray {
  /** Chunks along each axis, the slowest first. */
  chunkCounts: number[];
  /** By number of the chunk. */
  chunks: Map<number, StoreValue>;
}

/**
 * The files of a store, `.zmetadata` last: without it the folder is no store.
 *
 * @throws {StoreError} for a chunk outside of its array, or of none, and for damaged metadata.
 */
export function* encodeReferenceFolder(
  store: Iterable<readonly [string, StoreValue]>,
): Generator<FolderFile> {
  const metadata: Record<string, unknown> = {};
  const arrays = new Map<string, ChunkedArray>();
  for (const [key, value] of store) {
    if (METADATA_KEY.test(key) && !isReference(value)) {
      const content = parseMetadata(key, value);
      metadata[key] = content;
      if (key.endsWith("/.zarray")) {
        arrays.set(key.slice(0, -"/.zarray".length), openArray(key, content));
      }
    } else {
      addChunk(arrays, key, value);
    }
  }
  for (const [path, array] of arrays) yield* encodeArray(path, array);
  const text = JSON.stringify({ metadata, record_size: RECORD_SIZE });
  yield { name: ".zmetadata", bytes: encoder.encode(text) };
}

function openArray(key: string, metadata: ZarrAttributes): ChunkedArray {
  const shape = parseLengths(key, metadata, "shape", 0);
  const chunks = parseLengths(key, metadata, "chunks", 1);
  if (chunks.length !== shape.length) {
    const expected = `expected ${shape.length} numbers, one a dimension`;
    throw metadataError(key, `\`chunks\` is ${quoteValue(chunks)}, ${expected}`);
  }
  const chunkCounts = shape.map((length, i) => Math.ceil(length / chunks[i]!));
  const count = chunkCounts.reduce((product, count) => product * count, 1);
  if (count > MAX_CHUNKS) {
    throw metadataError(key, `it has ${count} chunks, more than ${MAX_CHUNKS}`);
  }
  // An array without dimensions has one chunk, "0".
  return { chunkCounts: chunkCounts.length > 0 ? chunkCounts : [1], chunks: new Map() };
}

function addChunk(arrays: ReadonlyMap<string, ChunkedArray>, key: string, value: StoreValue): void {
  const slash = key.lastIndexOf("/");
  const array = arrays.get(key.slice(0, slash));
  const number = array && chunkNumber(key.slice(slash + 1), array.chunkCounts);
  if (number === undefined) {
    throw new StoreError(
      `Cannot write "${key}" as a chunk: no array before it has this chunk`,
      key,
    );
  }
  array!.chunks.set(number, value);
}

/** The number of a chunk in row-major order; `undefined` when the array has no such chunk. */
function chunkNumber(chunk: string, counts: readonly number[]): number | undefined {
  const indices = chunk.split(".").map(Number);
  const isInside = indices.length === counts.length &&
    indices.every((index, i) => Number.isInteger(index) && index >= 0 && index < counts[i]!);
  if (!isInside) return undefined;
  return indices.reduce((number, index, i) => number * counts[i]! + index, 0);
}

function* encodeArray(
  path: string,
  { chunkCounts, chunks }: ChunkedArray,
): Generator<FolderFile> {
  const chunkCount = chunkCounts.reduce((product, count) => product * count, 1);
  for (let first = 0; first < chunkCount; first += RECORD_SIZE) {
    const length = Math.min(RECORD_SIZE, chunkCount - first);
    const values = Array.from({ length }, (_, i) => chunks.get(first + i));
    yield { name: `${path}/refs.${first / RECORD_SIZE}.parq`, bytes: encodeRecord(path, values) };
  }
}

function encodeRecord(
  path: string,
  values: readonly (StoreValue | undefined)[],
): Uint8Array<ArrayBuffer> {
  const references = values.map((value) => value && isReference(value) ? value : undefined);
  const raw = values.map((value) =>
    value && !isReference(value) ? decodeInline(path, value) : null
  );
  const numbers = { type: "INT64", nullable: false } as const;
  const file = parquetWriteBuffer({
    columnData: [
      { name: "path", type: "STRING", data: references.map((it) => it?.url ?? null) },
      { name: "offset", data: references.map((it) => BigInt(it?.offset ?? 0)), ...numbers },
      { name: "size", data: references.map((it) => BigInt(it?.length ?? 0)), ...numbers },
      { name: "raw", type: "BYTE_ARRAY", encoding: "PLAIN", data: raw },
    ],
    statistics: false,
  });
  return new Uint8Array(file);
}
