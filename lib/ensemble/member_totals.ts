/**
 * Sums of an accumulation over blocks of points: enough to see it shrink from one step to the next, in
 * a hundredth of the memory of its values.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";

/** Points on a side of a block. */
const BLOCK = 16;
/** Relative error of rounding in sums of float64. */
const RELATIVE_ERROR = 1e-9;

/** Sums of one member's values over blocks of 16 × 16 points. */
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
 * Whether an accumulation is smaller in some block at the later of two steps, by more than packing
 * explains. Growth elsewhere in a block hides what shrank in it.
 */
function hasShrunk(earlier: MemberTotals, later: MemberTotals): boolean {
  if (earlier.sums.length !== later.sums.length) return false; // on other points
  const packing = BLOCK ** 2 * (earlier.precision + later.precision) / 2;
  return later.sums.some((sum, i) => {
    const earlierSum = earlier.sums[i]!;
    return earlierSum - sum > packing + RELATIVE_ERROR * Math.abs(earlierSum);
  });
}

/**
 * Finds the wrong steps of an accumulation that shrinks: those outside the longest series that does not
 * shrink, so that one message that is too large does not discredit all that follow. Of two series of
 * the same length, the one with the earlier steps is trusted.
 *
 * @param series of one member, in the order of time.
 * @returns indexes in the series.
 */
export function findShrunk(series: readonly MemberTotals[]): number[] {
  const best: number[][] = [];
  for (const [i, totals] of series.entries()) {
    const chains = best.filter((chain) => !hasShrunk(series[chain.at(-1)!]!, totals));
    best.push([...longest(chains), i]);
  }
  const trusted = new Set(longest(best));
  return [...series.keys()].filter((i) => !trusted.has(i));
}

function longest(chains: readonly number[][]): number[] {
  return chains.reduce((best, chain) => chain.length > best.length ? chain : best, []);
}
