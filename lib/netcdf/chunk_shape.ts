/**
 * Shapes of arrays → the shape of their chunks, and values → the values of a chunk.
 *
 * @module
 */
import type { NetcdfNumbers } from "./netcdf_values.ts";

/** Dimensions along which a map lies; a series at a point runs along all others. */
const SPACE = ["latitude", "longitude"];

/** An array that is to be cut. */
export interface ChunkedArray {
  /** Names of its dimensions, slowest first. */
  dimensions: readonly string[];
  /** Their lengths, each at least 1. */
  lengths: readonly number[];
  bytesPerValue: number;
}

/**
 * The shape of the chunks of an array: as large as it may be, and such that a map and a series at a
 * point are spread over about as many chunks. An array that fits is one chunk.
 *
 * Halves one length after the other: the longest one of those that a map cuts through, while a series
 * takes as many chunks as a map or more; else the longest one of the others.
 *
 * Source: of the aim, R. Rew, "Chunking Data: Choosing Shapes" (Unidata, 2013).
 *
 * @param maxBytes most bytes of a chunk before compression.
 */
export function chooseChunkShape(array: ChunkedArray, maxBytes: number): number[] {
  const { dimensions, lengths, bytesPerValue } = array;
  const shape = [...lengths];
  const isSpace = dimensions.map((name) => SPACE.includes(name));
  const size = () => shape.reduce((product, length) => product * length, bytesPerValue);
  // Along space, a map needs all chunks; a series needs all of those along the other dimensions.
  const countParts = (space: boolean) =>
    shape.reduce(
      (product, length, i) =>
        isSpace[i] === space ? product * Math.ceil(lengths[i]! / length) : product,
      1,
    );
  const longest = (space: boolean) => {
    const own = shape.map((length, i) => isSpace[i] === space ? length : 0);
    const most = Math.max(0, ...own);
    return most > 1 ? own.indexOf(most) : -1;
  };
  while (size() > maxBytes) {
    const cutsSpace = countParts(true) <= countParts(false);
    const at = longest(cutsSpace) >= 0 ? longest(cutsSpace) : longest(!cutsSpace);
    if (at < 0) break;
    shape[at] = Math.ceil(shape[at]! / 2);
  }
  return shape;
}

/** Where each chunk begins, in the order of their positions: the last dimension fastest. */
export function* listChunkOrigins(
  lengths: readonly number[],
  shape: readonly number[],
): Generator<number[], void> {
  const origin = lengths.map(() => 0);
  for (let axis = 0; axis >= 0;) {
    yield [...origin];
    for (axis = lengths.length - 1; axis >= 0; axis--) {
      origin[axis]! += shape[axis]!;
      if (origin[axis]! < lengths[axis]!) break;
      origin[axis] = 0;
    }
  }
}

/** The values of a chunk, row-major, in a new array of its whole shape; `fill` beyond the edges. */
export function cutChunk<Numbers extends NetcdfNumbers>(
  values: Numbers,
  lengths: readonly number[],
  origin: readonly number[],
  shape: readonly number[],
  fill: number,
): Numbers {
  const count = shape.reduce((product, length) => product * length, 1);
  const chunk = new (values.constructor as Float32ArrayConstructor)(count) as Numbers;
  if (shape.some((length, i) => origin[i]! + length > lengths[i]!)) chunk.fill(fill);
  forEachRow(lengths, origin, shape, (from, to, length) => {
    chunk.set(values.subarray(from, from + length) as Numbers, to);
  });
  return chunk;
}

/** Calls back with each row of a chunk that lies inside the array: where it is in both, its length. */
function forEachRow(
  lengths: readonly number[],
  origin: readonly number[],
  shape: readonly number[],
  visit: (from: number, to: number, length: number) => void,
): void {
  const inside = shape.map((length, i) => Math.min(length, lengths[i]! - origin[i]!));
  const walk = (axis: number, from: number, to: number) => {
    if (axis >= inside.length - 1) return visit(from, to, inside[axis] ?? 1);
    for (let i = 0; i < inside[axis]!; i++) {
      walk(
        axis + 1,
        (from + i) * lengths[axis + 1]! + origin[axis + 1]!,
        (to + i) * shape[axis + 1]!,
      );
    }
  };
  walk(0, origin[0] ?? 0, 0);
}
