/**
 * A dataset → arrays of a Zarr store, version 2 or 3: how each is cut into files, their names and
 * bytes.
 *
 * zarrita (0.7), the kept library for Zarr, writes neither shards, nor version 2, nor consolidated
 * metadata: it is what the tests read the stores with.
 *
 * Source: Zarr core specification version 3.0 with the sharding codec 1.0, Zarr storage specification
 * version 2 (zarr-specs.readthedocs.io).
 *
 * @module
 */
import { constants, zstdCompressSync, zstdDecompressSync, type ZstdOptions } from "node:zlib";
import { Crc32c } from "npm:@aws-crypto/crc32c@5.2.0";
import { chooseChunkShape, cutChunk, listChunkOrigins } from "../netcdf/chunk_shape.ts";
import {
  type FileDataset,
  holdVariable,
  isHeld,
  listVariables,
  type NetcdfAttribute,
} from "../netcdf/encode_netcdf.ts";
import { shuffleBytes, unshuffleBytes } from "../netcdf/hdf5_chunks.ts";
import { valueBytes } from "../netcdf/hdf5_messages.ts";
import type { NetcdfNumbers } from "../netcdf/netcdf_values.ts";

/** Versions of Zarr. */
export type ZarrFormat = 2 | 3;

/** The dimension along which an archive grows. */
export const GROWING = "time";
/** Compression level: of more, files get hardly smaller and writing them far slower. */
export const ZSTD_LEVEL = 3;
/** Most bytes of a chunk before compression: version 3 has many of them in a file, version 2 one. */
const CHUNK_BYTES: Readonly<Record<ZarrFormat, number>> = { 2: 2 ** 21, 3: 2 ** 18 };
/** Runs whose small values, such as their times, are in one file. */
const RUNS_PER_FILE = 512;

/** An array and the values that are to be written of it. */
export interface ZarrArray {
  name: string;
  /** Slowest first. */
  dimensions: readonly string[];
  /** Lengths of `data`; those of the array are these, but for `time` in an archive. */
  lengths: readonly number[];
  attributes: Readonly<Record<string, NetcdfAttribute>>;
  /** Empty where the values are to be loaded. */
  data: NetcdfNumbers;
  /** @default {undefined} (all values are in `data`) */
  load?: () => Promise<NetcdfNumbers>;
  /** What one file holds along each dimension. */
  fileShape: readonly number[];
  /** What is compressed as one along each dimension; the same as `fileShape` where it is all of it. */
  chunkShape: readonly number[];
}

/** A file of a store, its name below the store's folder. */
export interface StoreFile {
  name: string;
  bytes: Uint8Array;
}

/** The dimension of an array along which its archive grows; −1 for none. */
export function growingAxis({ dimensions }: Pick<ZarrArray, "dimensions">): number {
  return dimensions.indexOf(GROWING);
}

/**
 * The arrays of a dataset. In an archive a field has files of its own for each run, so that a run adds
 * files and changes none; what is small has one file for hundreds of runs.
 */
export function planArrays(
  dataset: FileDataset,
  format: ZarrFormat,
  isArchive: boolean,
): ZarrArray[] {
  const { dimensions: sizes } = dataset;
  return listVariables(dataset).map((variable) => {
    const { name, dimensions, attributes } = variable;
    const data = isHeld(variable) ? variable.data : new Float32Array(0);
    const load = isHeld(variable)
      ? undefined
      : async () => (await holdVariable(variable, dataset)).data;
    const lengths = dimensions.map((dimension) => sizes[dimension]!);
    const array = { dimensions, lengths, bytesPerValue: data.BYTES_PER_ELEMENT };
    const isField = dimensions.includes("latitude") && dimensions.includes("longitude");
    const base = { name, dimensions, lengths, attributes, data, ...(load && { load }) };
    if (!isField) {
      const shape = lengths.map((length, i) =>
        isArchive && dimensions[i] === GROWING ? RUNS_PER_FILE : length
      );
      return { ...base, fileShape: shape, chunkShape: shape };
    }
    const chunkShape = chooseChunkShape(array, CHUNK_BYTES[format]);
    const fileShape = format === 2
      ? chunkShape
      : chunkShape.map((part, i) => Math.ceil(lengths[i]! / part) * part);
    return { ...base, fileShape, chunkShape };
  });
}

/** An array with its values in memory. */
export async function loadArray(array: ZarrArray): Promise<ZarrArray> {
  return array.load ? { ...array, data: await array.load() } : array;
}

/** Whether an array's files hold several chunks each. */
export function isSharded({ fileShape, chunkShape }: ZarrArray): boolean {
  return chunkShape.some((length, i) => length !== fileShape[i]);
}

/** The fill value of an array, also of the parts of chunks beyond its edges. */
export function fillOf({ attributes: { _FillValue: fill } }: Pick<ZarrArray, "attributes">) {
  return typeof fill === "object" ? fill[0]! : typeof fill === "number" ? fill : 0;
}

/** The name of a file by the position of its first value. */
export function nameFile(
  { name, fileShape }: ZarrArray,
  origin: readonly number[],
  format: ZarrFormat,
): string {
  const indexes = origin.map((offset, i) => Math.floor(offset / fileShape[i]!));
  if (format === 3) return [name, "c", ...indexes].join("/");
  return `${name}/${indexes.join(".") || "0"}`;
}

/**
 * All files of an array's values.
 *
 * @param run where they are along `time` in an archive. @default {0}
 */
export function* encodeFiles(
  array: ZarrArray,
  format: ZarrFormat,
  run = 0,
): Generator<StoreFile, void> {
  const { data, lengths, fileShape } = array;
  const axis = growingAxis(array);
  for (const origin of listChunkOrigins(lengths, fileShape)) {
    const values = cutChunk(data, lengths, origin, fileShape, fillOf(array));
    const place = origin.map((offset, i) => i === axis ? offset + run : offset);
    yield { name: nameFile(array, place, format), bytes: encodeFileValues(array, values, format) };
  }
}

/** The bytes of a file that holds these values, as many as its shape says. */
export function encodeFileValues(
  array: ZarrArray,
  values: NetcdfNumbers,
  format: ZarrFormat,
): Uint8Array {
  const size = values.BYTES_PER_ELEMENT;
  if (format === 2) return compress(shuffleBytes(valueBytes(values), size));
  return isSharded(array) ? encodeShard(array, values) : compress(valueBytes(values));
}

/** The values of a file that is one chunk. @throws {Error} when it cannot be decompressed. */
export function decodeFileValues(
  array: ZarrArray,
  bytes: Uint8Array,
  format: ZarrFormat,
): NetcdfNumbers {
  const { data, fileShape } = array;
  const size = data.BYTES_PER_ELEMENT;
  const length = fileShape.reduce((product, part) => product * part, 1);
  const plain = new Uint8Array(zstdDecompressSync(bytes, { maxOutputLength: length * size }));
  if (plain.length !== length * size) {
    throw new RangeError(`it has ${plain.length} bytes, expected ${length * size}`);
  }
  const ordered = format === 2 ? unshuffleBytes(plain, size) : plain;
  return new (data.constructor as Float32ArrayConstructor)(
    ordered.buffer,
    ordered.byteOffset,
    length,
  );
}

/** With the length of the content, which numcodecs asks for. */
function compress(bytes: Uint8Array): Uint8Array {
  const params = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL };
  const options: ZstdOptions & { pledgedSrcSize: number } = {
    params,
    pledgedSrcSize: bytes.length,
  };
  return zstdCompressSync(bytes, options);
}

/** Chunks one after the other, then their offsets and lengths, then the checksum of these. */
function encodeShard({ fileShape, chunkShape, ...array }: ZarrArray, values: NetcdfNumbers) {
  const chunks = [...listChunkOrigins(fileShape, chunkShape)].map((origin) =>
    compress(valueBytes(cutChunk(values, fileShape, origin, chunkShape, fillOf(array))))
  );
  const bodyBytes = chunks.reduce((sum, { length }) => sum + length, 0);
  const shard = new Uint8Array(bodyBytes + 16 * chunks.length + 4);
  const view = new DataView(shard.buffer);
  let offset = 0;
  for (const [i, chunk] of chunks.entries()) {
    shard.set(chunk, offset);
    view.setBigUint64(bodyBytes + 16 * i, BigInt(offset), true);
    view.setBigUint64(bodyBytes + 16 * i + 8, BigInt(chunk.length), true);
    offset += chunk.length;
  }
  const index = shard.subarray(bodyBytes, -4);
  view.setUint32(shard.length - 4, new Crc32c().update(index).digest(), true);
  return shard;
}
