/**
 * The fields of a plan → parts of nearly equal bytes, one for each of the tasks that share a command.
 *
 * @module
 */
import { byFileOrder } from "../ensemble/fetch_plan.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";

/** A part of whole steps may be this much larger than an equal share, so that tasks share no step. */
const LARGEST_SHARE = 5 / 4;
/** Where a step has to be cut: a cut this near to its end, in equal shares, moves there. */
const SNAP_SHARE = 1 / 8;

/**
 * Cuts the fields of a plan into parts: at the ends of steps where that gives parts of nearly equal
 * bytes, else also between fields, in the order of steps and of files. The same plan gives the same
 * parts.
 *
 * @param count of parts; some are empty when there are fewer fields.
 * @returns for each part the indexes of its fields, ascending; every field is in one part. No part has
 *   more bytes than 5/4 of an equal share and the largest field together.
 */
export function partitionFields(plan: readonly PlannedField[], count: number): number[][] {
  const order = [...plan.keys()].sort((a, b) => compareFields(plan[a]!, plan[b]!) || a - b);
  const ends = addUp(order.map((fieldIndex) => countBytes(plan[fieldIndex]!)));
  const stepEnds = [...ends.keys()].filter((i) =>
    plan[order[i - 1] ?? -1]?.stepHours !== plan[order[i] ?? -1]?.stepHours
  );
  const cuts = cutAtSteps(ends, stepEnds, count) ?? cutAtFields(ends, stepEnds, count);
  return cuts.map((cut, part) => order.slice(cuts[part - 1] ?? 0, cut).sort((a, b) => a - b));
}

/** Bytes of a field's messages; at least 1, so that every field has a length. */
function countBytes({ messages }: PlannedField): number {
  return Math.max(1, messages.reduce((sum, { reference }) => sum + reference.length, 0));
}

function compareFields(a: PlannedField, b: PlannedField): number {
  if (a.stepHours !== b.stepHours) return a.stepHours - b.stepHours;
  const [firstA] = a.messages;
  const [firstB] = b.messages;
  if (!firstA || !firstB) return Number(!firstA) - Number(!firstB);
  return byFileOrder(firstA, firstB);
}

/** The sums before each of the lengths, and the sum of all. */
function addUp(lengths: readonly number[]): number[] {
  const sums = [0];
  for (const length of lengths) sums.push(sums.at(-1)! + length);
  return sums;
}

/**
 * The ends of parts of whole steps, each as near as possible to its share of the remaining bytes.
 *
 * @returns `undefined` when a part is too large.
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

/** The ends of parts, each as near as possible to a multiple of an equal share. */
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

/** The cut with nearly `target` bytes before it; of two equally near, the earlier one. */
function chooseNearest(cuts: Iterable<number>, ends: readonly number[], target: number): number {
  const distance = (cut: number) => Math.abs(ends[cut]! - target);
  return [...cuts].reduce((best, cut) => distance(cut) < distance(best) ? cut : best, 0);
}
