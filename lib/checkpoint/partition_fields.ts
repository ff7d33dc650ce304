/**
 * The fields of a command in parts of near equal bytes, one for each of the tasks that share it.
 *
 * @module
 */
import { byPlace } from "../ensemble/fetch_plan.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";

/** So much larger than an equal share a part of whole steps may be: tasks share no step if they need not. */
const LARGEST_SHARE = 5 / 4;
/** Where steps have to be cut, a cut this near to the end of one, in equal shares, is made there. */
const SNAP_SHARE = 1 / 8;

/**
 * Cuts the fields of a plan into parts: at the ends of steps where that gives parts of near equal bytes,
 * else also between fields, in the order of steps and of their place in the file. The same plan gives
 * the same parts.
 *
 * @param count how many parts; some are empty when it is larger than the number of fields.
 * @returns for each part places in the plan, ascending; every place is in one part. None has more
 *   bytes than 5/4 of an equal share and the largest field.
 */
export function partitionFields(plan: readonly PlannedField[], count: number): number[][] {
  const order = [...plan.keys()].sort((a, b) => compareFields(plan[a]!, plan[b]!) || a - b);
  const ends = addUp(order.map((place) => countBytes(plan[place]!)));
  const stepEnds = [...ends.keys()].filter((i) =>
    plan[order[i - 1] ?? -1]?.stepHours !== plan[order[i] ?? -1]?.stepHours
  );
  const cuts = cutAtSteps(ends, stepEnds, count) ?? cutAtFields(ends, stepEnds, count);
  return cuts.map((cut, part) => order.slice(cuts[part - 1] ?? 0, cut).sort((a, b) => a - b));
}

/** Bytes of a field's messages; a field without any counts as one, so that none has no length. */
function countBytes({ messages }: PlannedField): number {
  return Math.max(1, messages.reduce((sum, { reference }) => sum + reference.length, 0));
}

function compareFields(a: PlannedField, b: PlannedField): number {
  if (a.stepHours !== b.stepHours) return a.stepHours - b.stepHours;
  const [firstA] = a.messages;
  const [firstB] = b.messages;
  if (!firstA || !firstB) return Number(!firstA) - Number(!firstB);
  return byPlace(firstA, firstB);
}

/** What comes before each place, and after the last one. */
function addUp(lengths: readonly number[]): number[] {
  const sums = [0];
  for (const length of lengths) sums.push(sums.at(-1)! + length);
  return sums;
}

/**
 * The ends of parts of whole steps, each as near as can be to its share of what is left.
 *
 * @returns `undefined` when one of the parts is too large.
 */
function cutAtSteps(
  ends: readonly number[],
  stepEnds: readonly number[],
  count: number,
): number[] | undefined {
  const total = ends.at(-1)!;
  const cuts: number[] = [];
  let done = 0;
  for (let left = count; left > 0; left--) {
    const cut = chooseNearest(stepEnds, ends, done + (total - done) / left);
    if (ends[cut]! - done > LARGEST_SHARE * total / count) return undefined;
    cuts.push(cut);
    done = ends[cut]!;
  }
  return cuts;
}

/** The ends of parts that are cut at multiples of an equal share, or as near to that as can be. */
function cutAtFields(
  ends: readonly number[],
  stepEnds: readonly number[],
  count: number,
): number[] {
  const share = ends.at(-1)! / count;
  return Array.from({ length: count }, (_, part) => {
    if (part === count - 1) return ends.length - 1;
    const target = (part + 1) * share;
    const atStep = chooseNearest(stepEnds, ends, target);
    const isNear = Math.abs(ends[atStep]! - target) <= SNAP_SHARE * share;
    return isNear ? atStep : chooseNearest(ends.keys(), ends, target);
  });
}

/** The cut before which there are nearly so many bytes; of two as near the earlier one. */
function chooseNearest(cuts: Iterable<number>, ends: readonly number[], target: number): number {
  const distance = (cut: number) => Math.abs(ends[cut]! - target);
  return [...cuts].reduce((best, cut) => distance(cut) < distance(best) ? cut : best, 0);
}
