/**
 * The fields of a command in parts of near equal bytes, one for each of the tasks that share it.
 *
 * @module
 */
import { byPlace } from "./ensemble/fetch_plan.ts";
import type { PlannedField } from "./ensemble/plan.ts";

/** A cut this near to the end of a step, in parts, is made there: tasks share no step if they need not. */
const SNAP_SHARE = 1 / 8;

/**
 * Cuts the fields of a plan into parts: in the order of steps and, within a step, of their place in
 * the file, at the multiples of an equal share of the bytes. The same plan gives the same parts.
 *
 * @param count how many parts; some are empty when it is larger than the number of fields.
 * @returns for each part places in the plan, ascending; every place is in one part. None has more
 *   bytes than 5/4 of an equal share and the largest field.
 */
export function partitionFields(plan: readonly PlannedField[], count: number): number[][] {
  const order = [...plan.keys()].sort((a, b) => compareFields(plan[a]!, plan[b]!) || a - b);
  const ends = addUp(order.map((place) => countBytes(plan[place]!)));
  const stepEnds = new Set(
    order.flatMap((place, i) =>
      plan[place]!.stepHours === plan[order[i + 1] ?? -1]?.stepHours ? [] : [i + 1]
    ),
  );
  const share = (ends.at(-1) ?? 0) / count;
  const cuts = Array.from({ length: count + 1 }, (_, part) => {
    return part === count ? order.length : chooseCut(part * share, share, ends, stepEnds);
  });
  return Array.from(
    { length: count },
    (_, part) => order.slice(cuts[part], cuts[part + 1]).sort((a, b) => a - b),
  );
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

/** The end of a step if one is near enough, else the end of the field that is nearest. */
function chooseCut(
  target: number,
  share: number,
  ends: readonly number[],
  stepEnds: ReadonlySet<number>,
): number {
  const distance = (cut: number) => Math.abs(ends[cut]! - target);
  const nearest = (cuts: Iterable<number>) =>
    [...cuts].reduce((best, cut) => distance(cut) < distance(best) ? cut : best, 0);
  const atStep = nearest(stepEnds);
  return distance(atStep) <= SNAP_SHARE * share ? atStep : nearest(ends.keys());
}
