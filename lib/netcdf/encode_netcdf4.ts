/**
 * A dataset → the bytes of a NetCDF-4 file: HDF5 with dimension scales, its values chunked, shuffled
 * and deflated. What netCDF shows of it is what it shows of the classic file of the same dataset.
 *
 * h5wasm (0.10) writes HDF5, too: it gives a dataset one filter, so that nothing can be shuffled
 * before it is deflated, it has no empty text, and it keeps the whole file in its own memory.
 *
 * Source: HDF5 File Format Specification Version 3.0 and Dimension Scale Specification (The HDF Group);
 * NetCDF Users Guide, appendix "File Format Specifications", the NetCDF-4 format.
 *
 * @module
 */
import { chooseChunkShape, type ChunkedArray } from "./chunk_shape.ts";
import {
  checkDataset,
  type FileDataset,
  holdVariable,
  listVariables,
  type NetcdfAttribute,
  type NetcdfVariable,
  refusal,
} from "./encode_netcdf.ts";
import { compressChunks, encodeTree, measureTree, type StoredChunk } from "./hdf5_chunks.ts";
import { alignEight, littleEndian, NO_ADDRESS, utf8, withChecksum } from "./hdf5_encoding.ts";
import {
  attributeInfoMessage,
  BARE_DIMENSION_TYPE,
  chunkedMessage,
  contiguousMessage,
  dataspaceMessage,
  datatypeMessage,
  dimensionListAttribute,
  fillValueMessage,
  filtersMessage,
  GROUP_INFO_MESSAGE,
  type HeaderMessage,
  integerAttribute,
  linkInfoMessage,
  linkMessage,
  numbersAttribute,
  objectHeader,
  referenceListAttribute,
  textAttribute,
  typeOf,
  valueBytes,
} from "./hdf5_messages.ts";
import type { NetcdfNumbers } from "./netcdf_values.ts";

/** How values are compressed. */
export interface Netcdf4Options {
  /** Most bytes of a chunk before compression. @default {262_144} */
  chunkBytes?: number;
  /** Of deflate, 1 to 9. @default {4} */
  level?: number;
}

/** Variables below this are written as they are. */
const LEAST_COMPRESSED_BYTES = 4096;
const SUPERBLOCK_BYTES = 48;
/** Least bytes of a heap. */
const HEAP_BYTES = 4096;
/** What the library notes of a dimension that has no variable; the length follows in ten places. */
const BARE_DIMENSION_NAME = "This is a netCDF dimension but not a netCDF variable.";

/** A variable, or a dimension without one, as an object of the file. */
interface Item {
  name: string;
  dimensions: readonly string[];
  lengths: readonly number[];
  attributes: Readonly<Record<string, NetcdfAttribute>>;
  /** `undefined` for a dimension without a variable. */
  data?: NetcdfNumbers;
  /** Numbers of its dimensions. */
  ids: readonly number[];
  /** Of the dimension that it is the scale of. */
  scaleOf?: number;
  /** Of its chunks; `undefined` for one that is written as it is. */
  shape?: readonly number[];
  chunks: readonly StoredChunk[];
}

/** Where everything is. */
interface Places {
  root: number;
  /** Of the objects. */
  items: readonly number[];
  heap: number;
  /** Of the trees, 0 for an object without one. */
  trees: readonly number[];
  /** Of the first values. */
  values: readonly number[];
  end: number;
}

/**
 * Encodes a dataset as the bytes of a NetCDF-4 file, in pieces to be written one after the other. The
 * dataset is checked, and its values are compressed, before the first piece: memory holds the compressed
 * file, and one streamed variable at a time. Equal values give equal bytes: objects have no dates, every NaN is the same quiet NaN.
 *
 * Chunks hold all of the dimensions as far as they fit, else a map and a series at a point are spread
 * over about as many of them.
 *
 * @throws {UserError} (`failed`) as `encodeNetcdf` does, but for variables that are too large, and for
 *   a variable with the name of a dimension that it does not lie along.
 */
export async function* encodeNetcdf4(
  dataset: FileDataset,
  options: Netcdf4Options = {},
): AsyncGenerator<Uint8Array<ArrayBufferLike>, void> {
  checkDataset(dataset);
  const items = await listItems(dataset, options);
  yield* generateBlocks(dataset, items, planPlaces(dataset, items), options);
}

/** Dimensions that have no variable first, as the library writes them. */
async function listItems(dataset: FileDataset, options: Netcdf4Options): Promise<Item[]> {
  const names = Object.keys(dataset.dimensions);
  const variables = new Set(dataset.variables.map(({ name }) => name));
  const items = names.filter((name) => !variables.has(name)).map((name): Item => ({
    ...{ name, dimensions: [name], lengths: [dataset.dimensions[name]!], attributes: {} },
    ...{ ids: [names.indexOf(name)], scaleOf: names.indexOf(name), chunks: [] },
  }));
  for (const variable of listVariables(dataset)) {
    items.push(describeVariable(await holdVariable(variable, dataset), dataset, options));
  }
  return items;
}

function describeVariable(
  variable: NetcdfVariable,
  dataset: FileDataset,
  { chunkBytes = 262_144, level = 4 }: Netcdf4Options,
): Item {
  const { name, dimensions, data } = variable;
  const names = Object.keys(dataset.dimensions);
  const isScale = names.includes(name);
  if (isScale && (dimensions.length !== 1 || dimensions[0] !== name)) {
    throw refusal(
      `variable "${name}"`,
      `it has the name of a dimension and lies along (${dimensions.join(", ")}); rename one`,
    );
  }
  const lengths = dimensions.map((dimension) => dataset.dimensions[dimension]!);
  const array: ChunkedArray = { dimensions, lengths, bytesPerValue: data.BYTES_PER_ELEMENT };
  const isCompressed = lengths.length > 0 && data.byteLength >= LEAST_COMPRESSED_BYTES;
  const shape = isCompressed ? chooseChunkShape(array, chunkBytes) : undefined;
  const fill = findFill(variable)?.[0] ?? 0;
  return {
    ...{ name, dimensions, lengths, attributes: variable.attributes },
    // Of a variable that is compressed, only the type is asked for.
    data: shape ? new (data.constructor as Float32ArrayConstructor)(0) : data,
    ids: dimensions.map((dimension) => names.indexOf(dimension)),
    ...(isScale && { scaleOf: names.indexOf(name) }),
    ...(shape && { shape }),
    chunks: shape ? compressChunks(data, lengths, shape, { fill, level }) : [],
  };
}

/** The `_FillValue`, in the variable's own type. */
function findFill(
  { attributes: { _FillValue: fill } }: Pick<NetcdfVariable, "attributes">,
): NetcdfNumbers | undefined {
  return typeof fill === "number" ? Float64Array.of(fill) : fill as NetcdfNumbers | undefined;
}

// ---- layout ----

function align(bytes: number): number {
  return bytes + (-bytes & 7);
}

/** The bytes that the values of an object take. */
function measureValues({ chunks, shape, data }: Item): number {
  if (shape) return chunks.reduce((sum, { bytes }) => sum + align(bytes.length), 0);
  return align(data?.byteLength ?? 0);
}

/** Puts objects, heap, trees and values one after the other. Addresses have a fixed width. */
function planPlaces(dataset: FileDataset, items: readonly Item[]): Places {
  const none = items.map(() => 0);
  const blank: Places = { root: 0, items: none, heap: 0, trees: none, values: none, end: 0 };
  let at = SUPERBLOCK_BYTES;
  const take = (bytes: number) => {
    const start = at;
    at += align(bytes);
    return start;
  };
  return {
    root: take(encodeRoot(dataset, items, blank).length),
    items: items.map((_, i) => take(encodeItem(items, i, blank, 0).length)),
    heap: take(measureHeap(items)),
    trees: items.map((item) =>
      item.shape ? take(measureTree(item.chunks.length, item.lengths.length)) : 0
    ),
    values: items.map((item) => take(measureValues(item))),
    end: at,
  };
}

function* generateBlocks(
  dataset: FileDataset,
  items: readonly Item[],
  places: Places,
  { level = 4 }: Netcdf4Options,
): Generator<Uint8Array<ArrayBufferLike>, void> {
  yield Uint8Array.from(encodeSuperblock(places));
  yield Uint8Array.from(alignEight(encodeRoot(dataset, items, places)));
  for (const i of items.keys()) {
    yield Uint8Array.from(alignEight(encodeItem(items, i, places, level)));
  }
  yield Uint8Array.from(encodeHeap(items, places));
  for (const [i, { shape, chunks, lengths }] of items.entries()) {
    const place = { address: places.trees[i]!, firstChunk: places.values[i]! };
    if (shape) yield Uint8Array.from(encodeTree(chunks, lengths, shape, place));
  }
  for (const { shape, chunks, data } of items) {
    const blocks = shape ? chunks.map(({ bytes }) => bytes) : data ? [valueBytes(data)] : [];
    for (const block of blocks) {
      yield block;
      yield new Uint8Array(-block.length & 7);
    }
  }
}

function encodeSuperblock({ root, end }: Places): number[] {
  return withChecksum([
    ...[0x89, ...utf8("HDF\r\n\x1a\n"), 2, 8, 8, 0],
    ...[...littleEndian(0, 8), ...NO_ADDRESS, ...littleEndian(end, 8), ...littleEndian(root, 8)],
  ]);
}

// ---- objects ----

function encodeRoot(dataset: FileDataset, items: readonly Item[], places: Places): number[] {
  const attributes = listAttributes(dataset.attributes);
  return objectHeader([
    linkInfoMessage(items.length),
    GROUP_INFO_MESSAGE,
    attributeInfoMessage(attributes.length),
    ...items.map(({ name }, i) => linkMessage(name, i, places.items[i]!)),
    ...numberAttributes(attributes),
  ]);
}

function encodeItem(
  items: readonly Item[],
  i: number,
  places: Places,
  level: number,
): number[] {
  const item = items[i]!;
  const { data, lengths, shape } = item;
  const attributes = [
    ...listAttributes(item.attributes),
    ...(item.scaleOf === undefined
      ? listScales(items, i, places)
      : scaleAttributes(items, i, places)),
  ];
  const bytes = data ? data.BYTES_PER_ELEMENT : 4;
  const address = data ? littleEndian(places.values[i]!, 8) : NO_ADDRESS;
  return objectHeader([
    dataspaceMessage(lengths),
    datatypeMessage(data ? typeOf(data) : BARE_DIMENSION_TYPE),
    fillValueMessage(findFill(item)),
    ...(shape
      ? [
        filtersMessage(bytes, level),
        chunkedMessage(littleEndian(places.trees[i]!, 8), shape, bytes),
      ]
      : [contiguousMessage(address, bytes * lengths.reduce((a, b) => a * b, 1))]),
    attributeInfoMessage(attributes.length),
    ...numberAttributes(attributes),
  ]);
}

function listAttributes(attributes: Readonly<Record<string, NetcdfAttribute>>): HeaderMessage[] {
  return Object.entries(attributes).map(([name, value]) =>
    typeof value === "string"
      ? textAttribute(name, value)
      : numbersAttribute(name, typeof value === "number" ? Float64Array.of(value) : value)
  );
}

function numberAttributes(attributes: readonly HeaderMessage[]): HeaderMessage[] {
  return attributes.map((attribute, order) => ({ ...attribute, order }));
}

/** What makes a dataset the scale of a dimension. */
function scaleAttributes(items: readonly Item[], i: number, places: Places): HeaderMessage[] {
  const { name, data, lengths, scaleOf } = items[i]!;
  const label = data ? name : BARE_DIMENSION_NAME + String(lengths[0]).padStart(10);
  const uses = items.flatMap((item, at) =>
    item.scaleOf === undefined
      ? item.ids.flatMap((id, dimension) =>
        id === scaleOf ? [{ address: places.items[at]!, dimension }] : []
      )
      : []
  );
  return [
    textAttribute("CLASS", "DIMENSION_SCALE", "zero"),
    textAttribute("NAME", label, "zero"),
    integerAttribute("_Netcdf4Dimid", scaleOf!),
    ...(uses.length > 0 ? [referenceListAttribute(uses)] : []),
  ];
}

/** The scales of the dimensions of a dataset, which has no others. */
function listScales(items: readonly Item[], i: number, { heap }: Places): HeaderMessage[] {
  const { ids } = items[i]!;
  if (ids.length === 0) return [];
  const before = items.slice(0, i).reduce((sum, item) => sum + countReferences(item), 0);
  return [dimensionListAttribute(heap, ids.map((_, dimension) => before + dimension + 1))];
}

// ---- the heap of references ----

function countReferences({ ids, scaleOf }: Item): number {
  return scaleOf === undefined ? ids.length : 0;
}

function measureHeap(items: readonly Item[]): number {
  const count = items.reduce((sum, item) => sum + countReferences(item), 0);
  return Math.max(HEAP_BYTES, 32 + 24 * count);
}

/** References from each dimension of a dataset to its scale, in the order of the datasets. */
function encodeHeap(items: readonly Item[], { items: addresses }: Places): number[] {
  const size = measureHeap(items);
  const scales = new Map(items.flatMap(({ scaleOf }, i) => {
    return scaleOf === undefined ? [] : [[scaleOf, addresses[i]!] as const];
  }));
  const references = items.filter(({ scaleOf }) => scaleOf === undefined)
    .flatMap(({ ids }) => ids.map((id) => scales.get(id)!));
  const objects = references.flatMap((address, i) => [
    ...[...littleEndian(i + 1, 2), 1, 0, 0, 0, 0, 0],
    ...[...littleEndian(8, 8), ...littleEndian(address, 8)],
  ]);
  const free = size - 16 - objects.length;
  const head = [...utf8("GCOL"), 1, 0, 0, 0, ...littleEndian(size, 8), ...objects];
  return [
    ...head,
    ...new Array(8).fill(0),
    ...littleEndian(free, 8),
    ...new Array(free - 16).fill(0),
  ];
}
