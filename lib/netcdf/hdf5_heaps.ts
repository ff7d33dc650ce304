/**
 * The global heaps of an HDF5 file, checked before the library reads them: it follows their objects by
 * their sizes, and never ends at one of size 0.
 *
 * Source: HDF5 File Format Specification 3.0, III.E "Global Heap".
 *
 * @module
 */
import { NetcdfError } from "./decode_netcdf.ts";

const SIGNATURE = new TextEncoder().encode("GCOL");
const VERSION = 1;
/** Signature, version and size; as long as the head of an object: index, references and size. */
const HEAD_BYTES = 16;
/** What an object takes is a multiple of it. */
const ALIGNMENT = 8;

/**
 * Follows the objects of every global heap.
 *
 * @throws {NetcdfError} for an object that takes no space, or more than its heap has.
 */
export function checkHeaps(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = findSignature(bytes, 0); start >= 0; start = findSignature(bytes, start + 1)) {
    if (view.getUint8(start + SIGNATURE.length) !== VERSION) continue;
    const end = start + readSize(view, start);
    // Not a heap, but values that look like one: the library refuses a heap that is cut short.
    if (end <= bytes.length) checkObjects(view, start, end);
  }
}

/** @returns where the signature stands before the head of a heap would be cut; -1 if nowhere. */
function findSignature(bytes: Uint8Array, from: number): number {
  const [first] = SIGNATURE;
  for (let at = bytes.indexOf(first!, from); at >= 0; at = bytes.indexOf(first!, at + 1)) {
    if (at + HEAD_BYTES > bytes.length) return -1;
    if (SIGNATURE.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

function checkObjects(view: DataView, start: number, end: number): void {
  let at = start + HEAD_BYTES;
  while (at + HEAD_BYTES <= end) {
    const index = view.getUint16(at, true);
    const size = readSize(view, at);
    // Object 0 is the free space, whose size is that with its head.
    const taken = index === 0 ? size : HEAD_BYTES + ALIGNMENT * Math.ceil(size / ALIGNMENT);
    if (taken < HEAD_BYTES || at + taken > end) {
      throw new NetcdfError(
        `it is damaged NetCDF-4 (object ${index} of the heap at byte ${start} has ${size} bytes), ` +
          "fetch or write the file again",
      );
    }
    at += taken;
  }
}

/** The size in a head, in bytes. */
function readSize(view: DataView, head: number): number {
  return Number(view.getBigUint64(head + 8, true));
}
