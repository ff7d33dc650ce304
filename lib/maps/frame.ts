/**
 * Maps in plate carrée: a degree has the same length everywhere and in both directions.
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
 * @param latitudes descending, equally spaced.
 * @param longitudes ascending, equally spaced.
 */
export function findBounds(latitudes: Float64Array, longitudes: Float64Array): Bounds {
  const [south, north] = findEdges(latitudes.at(-1)!, latitudes[0]!, latitudes.length);
  const [west, east] = findEdges(longitudes[0]!, longitudes.at(-1)!, longitudes.length);
  return { west, east, south, north };
}

/** A single point gets a cell of one degree. */
function findEdges(first: number, last: number, count: number): [number, number] {
  const spacing = count > 1 ? (last - first) / (count - 1) : 1;
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

/** The position of a point in the drawing. */
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
