/**
 * Arrows of a wind: where they stand on a map, where they point to and how long they are.
 *
 * @module
 */
import type { Frame } from "./frame.ts";

/** The components of a wind at each point, row-major, north first. */
export interface WindField {
  /** Eastward. */
  u: ArrayLike<number>;
  /** Northward. */
  v: ArrayLike<number>;
}

/** Points of a line, in units of the drawing: tail, tip, one barb, tip, the other barb. */
export type ArrowLine = [x: number, y: number][];

/**
 * The arrows of a wind: one about every `spacing` units, in the middle of a cell. Their lengths are as
 * the speeds, the longest being as long as the spacing. Calm and missing points have none.
 */
export function planArrows(
  { u, v }: WindField,
  { rows, columns }: { rows: number; columns: number },
  { x, y, width, height }: Frame,
  spacing: number,
): ArrowLine[] {
  const cell = { width: width / columns, height: height / rows };
  const stride = Math.max(1, Math.round(spacing / cell.width));
  const first = (length: number) => Math.min(stride, length) >> 1;
  const chosen: { row: number; column: number; east: number; north: number; speed: number }[] = [];
  for (let row = first(rows); row < rows; row += stride) {
    for (let column = first(columns); column < columns; column += stride) {
      const [east, north] = [u[row * columns + column]!, v[row * columns + column]!];
      const speed = Math.hypot(east, north);
      if (speed > 0) chosen.push({ row, column, east, north, speed });
    }
  }
  const most = chosen.reduce((most, { speed }) => Math.max(most, speed), 0);
  const longest = Math.min(Math.max(stride * cell.width, spacing), 1.5 * spacing);
  return chosen.filter(({ speed }) => speed > most / 50).map(
    ({ row, column, east, north, speed }) => {
      const length = longest * speed / most;
      const [across, down] = [east / speed, -north / speed];
      const middle = [x + (column + 0.5) * cell.width, y + (row + 0.5) * cell.height] as const;
      const at = (along: number, aside: number): [number, number] => [
        middle[0] + length * (along * across - aside * down),
        middle[1] + length * (along * down + aside * across),
      ];
      return [at(-0.5, 0), at(0.5, 0), at(0.15, 0.22), at(0.5, 0), at(0.15, -0.22)];
    },
  );
}
