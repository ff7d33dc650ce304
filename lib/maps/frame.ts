/**
 * Where degrees lie on a map in plate carrée: a degree is as long everywhere and in both directions.
 *
 * @module
 */

/** A part of the globe in degrees, `west` below `east`. */
export interface Bounds {
  west: number;
  east: number;
  south: number;
  north: number;
}

/** A rectangle of a drawing, y downwards, that shows a part of the globe. */
export interface Frame {
  bounds: Bounds;
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * The edges of the cells around the points of a regular grid.
 *
 * @param latitudes descending.
 * @param longitudes ascending.
 * @throws {RangeError} when the points of an axis are not equally spaced: cells would not be where
 * they are drawn.
 */
export function findBounds(latitudes: Float64Array, longitudes: Float64Array): Bounds {
  const [south, north] = findEdges("latitude", latitudes.toReversed());
  const [west, east] = findEdges("longitude", longitudes);
  return { west, east, south, north };
}

function findEdges(name: string, ascending: Float64Array): [number, number] {
  const [first, last] = [ascending[0]!, ascending.at(-1)!];
  const spacing = ascending.length > 1 ? (last - first) / (ascending.length - 1) : 1;
  const isRegular = ascending.every((value, i) =>
    Math.abs(value - first - i * spacing) < spacing / 100
  );
  if (!isRegular) {
    throw new RangeError(`Cannot draw a map: points along ${name} are not equally spaced`);
  }
  return [first - spacing / 2, last + spacing / 2];
}

/** The largest frame of these bounds in the top left corner of a box. */
export function fitFrame(
  bounds: Bounds,
  box: { x: number; y: number; width: number; height: number },
): Frame {
  const [across, down] = [bounds.east - bounds.west, bounds.north - bounds.south];
  const scale = Math.min(box.width / across, box.height / down);
  return { bounds, x: box.x, y: box.y, width: across * scale, height: down * scale };
}

/** Where a point lies in the drawing. */
export function placePoint(
  { bounds, x, y, width, height }: Frame,
  longitude: number,
  latitude: number,
): [x: number, y: number] {
  return [
    x + (longitude - bounds.west) / (bounds.east - bounds.west) * width,
    y + (bounds.north - latitude) / (bounds.north - bounds.south) * height,
  ];
}
