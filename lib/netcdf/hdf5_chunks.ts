/**
 * Values of a dataset → compressed chunks, and the tree by which an HDF5 file finds them.
 *
 * Source: HDF5 File Format Specification Version 3.0 (The HDF Group), section III.A.1, version 1
 * B-trees of node type 1, which every version of the library reads; of the filters, the documents
 * "Shuffle" and "Deflate" of the library.
 *
 * @module
 */
import { deflateSync } from "node:zlib";
import { cutChunk, listChunkOrigins } from "./chunk_shape.ts";
import { littleEndian, NO_ADDRESS, utf8 } from "./hdf5_encoding.ts";
import { valueBytes } from "./hdf5_messages.ts";
import type { NetcdfNumbers } from "./netcdf_values.ts";

/** A chunk as it is in the file. */
export interface StoredChunk {
  /** Position of its first value along each dimension. */
  origin: readonly number[];
  bytes: Uint8Array;
}

/** Most children of a node: twice what the library takes where the file says nothing. */
const NODE_CHILDREN = 64;

/** Bytes of all first bytes, then of all second ones: what is alike comes together. */
export function shuffleBytes(bytes: Uint8Array, bytesPerValue: number): Uint8Array<ArrayBuffer> {
  const count = bytes.length / bytesPerValue;
  const shuffled = new Uint8Array(bytes.length);
  for (let byte = 0; byte < bytesPerValue; byte++) {
    const start = byte * count;
    for (let i = 0, at = byte; i < count; i++, at += bytesPerValue) {
      shuffled[start + i] = bytes[at]!;
    }
  }
  return shuffled;
}

/** What {@linkcode shuffleBytes} was given. */
export function unshuffleBytes(bytes: Uint8Array, bytesPerValue: number): Uint8Array<ArrayBuffer> {
  return shuffleBytes(bytes, bytes.length / bytesPerValue);
}

/** Cuts values into chunks, shuffled and deflated. */
export function compressChunks(
  values: NetcdfNumbers,
  lengths: readonly number[],
  shape: readonly number[],
  { fill, level }: { fill: number; level: number },
): StoredChunk[] {
  return [...listChunkOrigins(lengths, shape)].map((origin) => {
    const chunk = cutChunk(values, lengths, origin, shape, fill);
    const shuffled = shuffleBytes(valueBytes(chunk), chunk.BYTES_PER_ELEMENT);
    return { origin, bytes: deflateSync(shuffled, { level }) };
  });
}

/** The bytes that the tree of so many chunks takes. */
export function measureTree(chunkCount: number, rank: number): number {
  const nodeBytes = 24 + NODE_CHILDREN * 8 + (NODE_CHILDREN + 1) * (8 + 8 * (rank + 1));
  return countNodes(chunkCount).reduce((sum, count) => sum + count, 0) * nodeBytes;
}

/** Nodes of each level, leaves first; the last level is the root. */
function countNodes(chunkCount: number): number[] {
  const counts = [Math.ceil(chunkCount / NODE_CHILDREN)];
  while (counts.at(-1)! > 1) counts.push(Math.ceil(counts.at(-1)! / NODE_CHILDREN));
  return counts;
}

/** What a node says of a child: its first chunk, and where the child is. */
interface Child {
  key: readonly number[];
  address: number;
}

/**
 * The tree of chunks, its root first.
 *
 * @param address where the tree begins.
 * @param firstChunk where the first chunk is; the others follow, each at a multiple of 8 bytes.
 */
export function encodeTree(
  chunks: readonly StoredChunk[],
  lengths: readonly number[],
  shape: readonly number[],
  { address, firstChunk }: { address: number; firstChunk: number },
): number[] {
  let at = firstChunk;
  let children: Child[] = chunks.map(({ origin, bytes }) => {
    const child = { key: chunkKey(bytes.length, origin), address: at };
    at += bytes.length + (-bytes.length & 7);
    return child;
  });
  // Beyond all chunks.
  const end = chunkKey(0, lengths.map((length, i) => i === 0 ? roundUp(length, shape[0]!) : 0));
  const nodeBytes = measureTree(1, lengths.length);
  const counts = countNodes(chunks.length);
  const levels: number[][] = [];
  for (const [level, count] of counts.entries()) {
    const before = counts.slice(level + 1).reduce((sum, higher) => sum + higher, 0);
    const levelAddress = address + before * nodeBytes;
    const addressOf = (i: number) => levelAddress + i * nodeBytes;
    const groups = Array.from(
      { length: count },
      (_, i) => children.slice(i * NODE_CHILDREN, (i + 1) * NODE_CHILDREN),
    );
    levels.unshift(groups.flatMap((group, i) => {
      const left = i === 0 ? undefined : addressOf(i - 1);
      const right = i === count - 1 ? undefined : addressOf(i + 1);
      const next = groups[i + 1]?.[0]?.key ?? end;
      const node = encodeNode(level, group, { left, right, next });
      return [...node, ...new Array(nodeBytes - node.length).fill(0)];
    }));
    children = groups.map((group, i) => ({ key: group[0]!.key, address: addressOf(i) }));
  }
  return levels.flat();
}

function roundUp(length: number, step: number): number {
  return Math.ceil(length / step) * step;
}

/** Its bytes, no filter that was left out, and its position; the last number is for the bytes of a value. */
function chunkKey(bytes: number, origin: readonly number[]): number[] {
  const position = [...origin, 0].flatMap((offset) => littleEndian(offset, 8));
  return [...littleEndian(bytes, 4), 0, 0, 0, 0, ...position];
}

function encodeNode(
  level: number,
  children: readonly Child[],
  { left, right, next }: { left?: number; right?: number; next: readonly number[] },
): number[] {
  const sibling = (address?: number) =>
    address === undefined ? NO_ADDRESS : littleEndian(address, 8);
  const entries = children.flatMap(({ key, address }) => [...key, ...littleEndian(address, 8)]);
  return [
    ...[...utf8("TREE"), 1, level, ...littleEndian(children.length, 2)],
    ...[...sibling(left), ...sibling(right), ...entries, ...next],
  ];
}
