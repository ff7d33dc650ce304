/**
 * What a number of a grid is likely to be, given those before it. Packing and unpacking share it.
 *
 * @module
 */

/**
 * The number expected at an index: that to the west, or the plane through the neighbours to the west,
 * the north-west and the north. Numbers are taken modulo 65536.
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
