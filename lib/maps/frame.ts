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
  const [height, width] = [latitudes, longitudes].map(findSpacing);
  // The cells of a single row or column are square, and that of a single point is one of a degree.
  const down = (height ?? width ?? 1) / 2;
  const across = (width ?? height ?? 1) / 2;
  return {
    west: longitudes[0]! - across,
    east: longitudes.at(-1)! + across,
    south: latitudes.at(-1)! - down,
    north: latitudes[0]! + down,
  };
}

function findSpacing(points: Float64Array): number | undefined {
  const { length } = points;
  return length > 1 ? Math.abs(points.at(-1)! - points[0]!) / (length - 1) : undefined;
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
