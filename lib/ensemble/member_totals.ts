/**
 * What accumulations add up to, block by block: enough to see that one shrank from one step to the
 * next, for a hundredth of the memory that its values take.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";

/** Points on a side of a block. */
const BLOCK = 16;
/** Of rounding in sums of float64. */
const RELATIVE_ERROR = 1e-9;

/** The sums of one member's values over blocks of 16 × 16 points. */
export interface MemberTotals {
  member: Member;
  /** Row-major, north first; missing values count as 0. */
  sums: number[];
  /** Distance between neighbouring packed values, in the unit of the values. */
  precision: number;
}

/** Sums over blocks of values that are row-major. */
export function sumBlocks(values: Float64Array, columns: number): number[] {
  const across = Math.ceil(columns / BLOCK);
  const rows = values.length / columns;
  const sums = new Array<number>(across * Math.ceil(rows / BLOCK)).fill(0);
  for (let row = 0; row < rows; row++) {
    const first = Math.floor(row / BLOCK) * across;
    for (let column = 0; column < columns; column++) {
      const value = values[row * columns + column]!;
      if (value === value) sums[first + Math.floor(column / BLOCK)]! += value;
    }
  }
  return sums;
}

/**
 * Whether an accumulation is smaller in some block at the later one of two steps, by more than
 * packing explains. What grew elsewhere in the block hides what shrank.
 */
export function hasShrunk(earlier: MemberTotals, later: MemberTotals): boolean {
  if (earlier.sums.length !== later.sums.length) return false; // on other points
  const packing = BLOCK ** 2 * (earlier.precision + later.precision) / 2;
  return later.sums.some((sum, i) => {
    const before = earlier.sums[i]!;
    return before - sum > packing + RELATIVE_ERROR * Math.abs(before);
  });
}

/**
 * The steps to disbelieve of an accumulation that shrinks: those outside the longest series that does
 * not, so that one message that is too large is not taken for a fault of all that follow. Of two
 * series as long, the one that has the earlier steps is believed.
 *
 * @param series the same member's, in the order of time.
 * @returns places in the series.
 */
export function findShrunk(series: readonly MemberTotals[]): number[] {
  const best: number[][] = [];
  for (const [i, totals] of series.entries()) {
    const befores = best.filter((chain) => !hasShrunk(series[chain.at(-1)!]!, totals));
    best.push([...longest(befores), i]);
  }
  const believed = new Set(longest(best));
  return [...series.keys()].filter((i) => !believed.has(i));
}

function longest(chains: readonly number[][]): number[] {
  return chains.reduce((best, chain) => chain.length > best.length ? chain : best, []);
}
