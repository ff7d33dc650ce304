/**
 * Predicts a number of a grid from those before it, for packing and unpacking.
 *
 * @module
 */

/**
 * The number expected at an index: the one to the west, or the plane through the neighbours to the
 * west, north-west and north. Numbers are modulo 65536.
 *
 * @param numbers row-major; those before the index are known.
 */
export function predictNumber(
  numbers: Uint16Array,
  index: number,
  columns: number,
  isPlane: boolean,
): number {
  const isFirst = index % columns === 0;
  if (index < columns) return isFirst ? 0 : numbers[index - 1]!;
  const north = numbers[index - columns]!;
  if (isFirst) return north;
  const west = numbers[index - 1]!;
  return isPlane ? west + north - numbers[index - columns - 1]! : west;
}
