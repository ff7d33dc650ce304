/**
 * The fields of a plan → parts of nearly equal bytes, one for each of the tasks that share a command.
 *
 * @module
 */
import { countUp } from "../util/numbers.ts";
import { byFileOrder } from "../ensemble/fetch_plan.ts";
import type { PlannedField, PlannedMessage } from "../ensemble/field_plan.ts";

/** A part of whole steps may be this much larger than an equal share, so that tasks share no step. */
const LARGEST_SHARE = 5 / 4;
/** Where steps have to be cut: how much larger parts may be, so that neighbours stay together. */
const NEIGHBOUR_SHARES = [1, 5 / 4, 4 / 3];
/** Neighbours that may be parted, as a share of the messages, before parts become less equal. */
const PARTED_SHARE = 1 / 20;
/** Messages that begin so near to each other may share a request; a long one's rest is not worth one. */
const NEIGHBOUR_BYTES = 640 * 1024;

/** The fields of a plan in the order of steps and files, and what it costs to cut between them. */
interface FieldRow {
  /** Indexes in the plan. */
  order: readonly number[];
  /** Bytes before each place between fields, and of all. */
  ends: readonly number[];
  /** What a cut at each of these places parts: nothing between steps, else at least 1. */
  parted: readonly number[];
  /** Messages of all fields. */
  messages: number;
}

/** The end of a part, and of those before it. */
interface Cut {
  place: number;
  /** What this cut and those before it part, and how unequal their parts are. */
  cost: number;
  before?: Cut;
}

/**
 * Cuts the fields of a plan into parts: at the ends of steps where that gives parts of nearly equal
 * bytes, else also between fields, in the order of steps and of files, where few messages that may
 * share a request are parted. The same plan gives the same parts.
 *
 * @param count of parts; the first ones are empty when there are fewer fields.
 * @returns for each part the indexes of its fields, ascending; every field is in one part. No part has
 *   more bytes than 4/3 of an equal share, or than the largest has when all are as equal as fields of
 *   this order allow.
 */
export function partitionFields(plan: readonly PlannedField[], count: number): number[][] {
  const row = lineUp(plan);
  // Looking for cuts into more parts than there are fields takes time, and finds none.
  const filled = Math.max(1, Math.min(count, plan.length));
  const cuts = cutAtSteps(row, filled) ?? cutBetweenNeighbours(row, filled);
  const parts = cuts.map((cut, part) =>
    row.order.slice(cuts[part - 1] ?? 0, cut).sort((a, b) => a - b)
  );
  return [...countUp(count - filled).map(() => []), ...parts];
}

function lineUp(plan: readonly PlannedField[]): FieldRow {
  const order = [...plan.keys()].sort((a, b) => compareFields(plan[a]!, plan[b]!) || a - b);
  const fields = order.map((fieldIndex) => plan[fieldIndex]!);
  return {
    order,
    ends: addUp(fields.map(countBytes)),
    parted: countParted(fields),
    messages: fields.reduce((sum, { messages }) => sum + messages.length, 0),
  };
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

/** What a cut before each field, and after the last, parts: 0 between steps, else 1 and neighbours. */
function countParted(fields: readonly PlannedField[]): number[] {
  const stepAt = (place: number) => fields[place]?.stepHours;
  const parted = Array.from(
    { length: fields.length + 1 },
    (_, place) => Number(stepAt(place - 1) === stepAt(place)),
  );
  const places = [...fields.keys()];
  for (const ofStep of Map.groupBy(places, stepAt).values()) {
    for (const [a, b] of listNeighbours(fields, ofStep)) {
      for (let place = Math.min(a, b) + 1; place <= Math.max(a, b); place++) parted[place]!++;
    }
  }
  return parted;
}

/** Pairs of fields, by their places: one for each two messages next to each other in a file. */
function* listNeighbours(
  fields: readonly PlannedField[],
  places: readonly number[],
): Generator<[number, number]> {
  const messages = places
    .flatMap((place) => fields[place]!.messages.map((message) => ({ ...message, place })))
    .sort(byFileOrder);
  for (const [i, message] of messages.slice(1).entries()) {
    const before = messages[i]!;
    if (areNear(before, message)) yield [before.place, message.place];
  }
}

function areNear({ reference: a }: PlannedMessage, { reference: b }: PlannedMessage): boolean {
  return a.url === b.url && b.offset - a.offset <= NEIGHBOUR_BYTES;
}

/**
 * The ends of parts of whole steps, each as near as possible to its share of the remaining bytes.
 *
 * @returns `undefined` when a part is too large.
 */
function cutAtSteps({ ends, parted }: FieldRow, count: number): number[] | undefined {
  const stepEnds = [...ends.keys()].filter((place) => parted[place] === 0);
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

/** The cut with nearly `target` bytes before it; of two equally near, the earlier one. */
function chooseNearest(cuts: Iterable<number>, ends: readonly number[], target: number): number {
  const distance = (cut: number) => Math.abs(ends[cut]! - target);
  return [...cuts].reduce((best, cut) => distance(cut) < distance(best) ? cut : best, 0);
}

/** The ends of parts that are as equal as they can be without parting many neighbours. */
function cutBetweenNeighbours(row: FieldRow, count: number): number[] {
  const share = row.ends.at(-1)! / count;
  const least = findLeastPart(row.ends, count);
  let best: Cut | undefined;
  for (const bound of NEIGHBOUR_SHARES) {
    best = findBestCuts(row, count, Math.max(least, bound * share));
    if (best.cost <= PARTED_SHARE * row.messages) break;
  }
  const cuts: number[] = [];
  for (let cut = best; cut?.before; cut = cut.before) cuts.unshift(cut.place);
  return cuts;
}

/** The fewest bytes that the largest part can have. */
function findLeastPart(ends: readonly number[], count: number): number {
  let [least, most] = [ends.at(-1)! / count, ends.at(-1)!];
  // To the byte.
  while (most - least >= 1) {
    const middle = (least + most) / 2;
    if (countParts(ends, middle) <= count) most = middle;
    else least = middle;
  }
  return most;
}

/** How many parts there are when each takes as many fields as it may. */
function countParts(ends: readonly number[], bound: number): number {
  let [parts, start] = [1, 0];
  for (let place = 1; place < ends.length; place++) {
    if (ends[place]! - ends[place - 1]! > bound) return Infinity;
    if (ends[place]! - start <= bound) continue;
    parts++;
    start = ends[place - 1]!;
  }
  return parts;
}

/**
 * The cheapest cuts into parts of at most `bound` bytes, found from the first part to the last. Takes
 * at most as long as the square of the number of fields.
 */
function findBestCuts({ ends, parted }: FieldRow, count: number, bound: number): Cut {
  const total = ends.at(-1)!;
  let cuts: Cut[] = [{ place: 0, cost: 0 }];
  for (let part = 1; part <= count; part++) {
    // Elsewhere the parts that are left could not take what is left.
    const left = (count - part) * bound;
    const places = [...ends.keys()].filter((place) => total - ends[place]! <= left);
    const next: Cut[] = [];
    let first = 0;
    for (const place of places) {
      while (first < cuts.length && ends[place]! - ends[cuts[first]!.place]! > bound) first++;
      const costOf = (before: Cut) => {
        const length = ends[place]! - ends[before.place]!;
        return before.cost + parted[place]! + (length * count / total - 1) ** 2;
      };
      const cheapest = chooseCheapest(cuts, first, place, costOf);
      if (cheapest) next.push({ place, cost: costOf(cheapest), before: cheapest });
    }
    cuts = next;
  }
  return cuts[0]!;
}

/** The cheapest of some cuts, ascending, from an index to a place. */
function chooseCheapest(
  cuts: readonly Cut[],
  first: number,
  place: number,
  costOf: (cut: Cut) => number,
): Cut | undefined {
  let cheapest: Cut | undefined;
  let least = Infinity;
  for (let i = first; i < cuts.length && cuts[i]!.place <= place; i++) {
    const cost = costOf(cuts[i]!);
    if (cost >= least) continue;
    cheapest = cuts[i]!;
    least = cost;
  }
  return cheapest;
}
