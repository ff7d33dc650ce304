/**
 * Summaries of the values of members over a window → the members that do not fit the others: what a
 * damaged header makes of a message may be within all limits, but it is unlike the rest of its field.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { type PackedValues, unpackValues, valueOf, type WindowMemory } from "./packed_values.ts";

/** What is compared of one member's values over a window; some 2 kB. */
export interface WindowSummary {
  pointCount: number;
  /** Values at some points, the same for all windows of as many points; NaN where missing. */
  samples: Float64Array;
  /** Of the rows that are looked at: the values that are not missing, infinite where all are. */
  least: number;
  most: number;
  /** Of the same: points, and those at the least value. */
  lookedAt: number;
  atLeast: number;
  /** Mean difference of neighbours in a row. @default {0} (there are none) */
  meanStep: number;
  /** Different values, nearly; NaN where there are too few above the least one for a pattern. */
  distinct: number;
}

/** One member's window. */
export interface MemberWindow {
  member: Member;
  summary: WindowSummary;
  /** Distance between neighbouring packed values. */
  precision: number;
}

/** What is usual of a variable. */
export interface Usual {
  /** The least possible value: where it is 0, all of a window may be 0. */
  least: number;
  /** A difference between members that is nothing unusual, in the unit of the values. */
  noise: number;
}

/** Fewer others say too little of what is usual. */
const LEAST_OTHERS = 4;
/** A member is unlike the others at this many times the usual distance from the median. */
const MOST_DISTANCES = 6;
/** And at so many more, divided by the count of the others: few of them measure badly what is usual. */
const MOST_DISTANCES_OF_FEW = 12;
/** The usual distance is the least that this share of the others, and a little more, does not exceed. */
const USUAL_SHARE = 3 / 4;
const USUAL_MORE = 5 / 4;
/** Points at which the median of the members is taken: enough for a mean over the window. */
const SAMPLED_POINTS = 256;
/** Rows that are looked at, evenly spaced: enough for a range and a pattern. */
const SAMPLED_ROWS = 32;
/** Over fewer points than these, weather averages out less than `noise` assumes. */
const AVERAGED_POINTS = 1000;

/** Features differ at this many deviations from the median of the others. */
const MOST_DEVIATIONS = 6;
/** The median deviation of normal numbers is their standard deviation divided by this. */
const DEVIATIONS_OF_NORMAL = 1.4826;
/** Of fewer others, all may be wet by chance when one is dry. */
const LEAST_OTHERS_WET = 7;
/** Fewer points have no pattern: half of them may be the edge of a cloud. */
const PATTERN_POINTS = 1000;
/** And a smaller share of them above the lowest value. */
const PATTERN_SHARE = 1 / 4;
/** A count or a share this small says nothing. */
const FEW_VALUES = 64;
const LITTLE_ROUGHNESS = 1 / 100;

/** A range is narrow when those of the others are this many octaves wider, and more than noise. */
const NARROW_OCTAVES = 6;

/** What a window is like, besides its distance from the others; each in octaves. */
interface Features {
  /** Highest value less lowest, with a floor below which a narrow one tells nothing. */
  narrowness: number;
  /** The same for a wide one. */
  width: number;
  /** Different values by points above the lowest one; NaN where there are few of these. */
  variety: number;
  /** Mean difference of neighbours in a row, by the range of values; NaN likewise. */
  roughness: number;
}

/** How a feature of a damaged message differs. */
interface FeatureRule {
  name: keyof Features;
  /** Least difference that means something, in octaves. */
  least: number;
  /** Whether a larger or a smaller one means something. */
  sign: 1 | -1;
  text: string;
  /** @param others the same feature of the other members, ascending. */
  findUsual: (others: readonly number[]) => number;
}

const NARROW_RULE: FeatureRule = {
  name: "narrowness",
  least: NARROW_OCTAVES,
  sign: -1,
  text: "the range of its values is",
  findUsual: middleOf,
};

/**
 * One member may be dry where the others are not: all of its window is at the least value. Where it is
 * nearly so, some others nearly are: only a gap is odd.
 */
const GAP_RULE: FeatureRule = {
  ...NARROW_RULE,
  findUsual: (others) => others[1]!,
};

const WIDE_RULE: FeatureRule = {
  name: "width",
  least: 3,
  sign: 1,
  text: "the range of its values is",
  findUsual: middleOf,
};

const PATTERN_RULES: readonly FeatureRule[] = [
  {
    name: "variety",
    least: 3,
    sign: -1,
    text: "its share of different values is",
    findUsual: middleOf,
  },
  {
    name: "roughness",
    least: 2,
    sign: 1,
    text: "the difference of its neighbouring points is",
    findUsual: middleOf,
  },
];

/**
 * Summarizes the values of one member. Takes about a hundredth of the time of decoding them.
 *
 * @param packed values, row-major, north first; NaN where missing.
 * @param columns of the window.
 * @param memory for the rows that are looked at.
 */
export function summarizeWindow(
  packed: PackedValues,
  columns: number,
  memory: WindowMemory,
): WindowSummary {
  const rows = sampleRows(packed, columns, memory);
  let [least, most] = [Infinity, -Infinity];
  let [difference, steps, atLeast] = [0, 0, 0];
  for (let row = 0; row < rows.length; row += columns) {
    let previous = NaN;
    for (let i = row; i < row + columns; i++) {
      const value = rows[i]!;
      if (value < least) [least, atLeast] = [value, 0];
      if (value === least) atLeast++;
      if (value > most) most = value;
      const step = Math.abs(value - previous);
      previous = value;
      if (step !== step) continue;
      difference += step;
      steps++;
    }
  }
  // Where most points are dry or clear there is no pattern.
  const hasPattern = rows.length - atLeast >= PATTERN_SHARE * rows.length;
  return {
    pointCount: packed.numbers.length,
    samples: samplePoints(packed),
    least,
    most,
    lookedAt: rows.length,
    atLeast,
    meanStep: steps > 0 ? difference / steps : 0,
    distinct: hasPattern ? countDistinct(rows) : NaN,
  };
}

/** The values at evenly spaced points. */
function samplePoints(packed: PackedValues): Float64Array {
  const { length } = packed.numbers;
  const count = Math.min(length, SAMPLED_POINTS);
  const samples = new Float64Array(count);
  for (let i = 0; i < count; i++) samples[i] = valueOf(packed, Math.floor(i * length / count));
  return samples;
}

/**
 * Finds the members whose window differs from those of the others by far more than these among each
 * other: in its values, their range, the number of different ones, or the difference of neighbours.
 * All of these are compared with medians and quartiles, which a few wrong members do not move.
 *
 * @param members of windows of the same points.
 * @returns how they differ, in words; nothing when there are fewer than five members.
 */
export function findOutliers(
  members: readonly MemberWindow[],
  { least, noise }: Usual,
): Map<Member, string> {
  const found = new Map<Member, string>();
  if (members.length <= LEAST_OTHERS) return found;
  const pointCount = members[0]!.summary.pointCount;
  const leastUsual = noise * Math.sqrt(Math.max(1, AVERAGED_POINTS / pointCount));
  const scales = { narrow: least === 0 ? leastUsual : noise, wide: leastUsual };
  const distances = measureDistances(members.map(({ summary }) => summary.samples));
  const features = members.map((window) => measureFeatures(window, scales));
  const sortedDistances = distances.toSorted((a, b) => a - b);
  const sortFeature = (name: keyof Features) =>
    features.map((own) => own[name]).filter((it) => !Number.isNaN(it)).sort((a, b) => a - b);
  const sortedFeatures = {
    narrowness: sortFeature("narrowness"),
    width: sortFeature("width"),
    variety: sortFeature("variety"),
    roughness: sortFeature("roughness"),
  };
  const rules = [
    ...(least !== 0 ? [NARROW_RULE] : members.length <= LEAST_OTHERS_WET ? [] : [GAP_RULE]),
    WIDE_RULE,
    ...(pointCount < PATTERN_POINTS ? [] : PATTERN_RULES),
  ];
  for (const [i, { member, summary, precision }] of members.entries()) {
    const isDry = least === 0 && !(summary.most > 0);
    const reason =
      describeDistance(distances[i]!, sortedDistances, Math.max(precision, leastUsual)) ??
        describeFeature(
          features[i]!,
          sortedFeatures,
          isDry ? rules.filter((rule) => rule !== GAP_RULE) : rules,
        );
    if (reason) found.set(member, `it does not fit the other members: ${reason}`);
  }
  return found;
}

/** @param distances of all members, ascending. */
function describeDistance(
  distance: number,
  distances: readonly number[],
  leastUsual: number,
): string | undefined {
  const others = withoutOne(distances, distance);
  const count = Math.min(others.length, Math.ceil(USUAL_SHARE * others.length + USUAL_MORE));
  const usual = others[count - 1]!;
  const most = MOST_DISTANCES + MOST_DISTANCES_OF_FEW / others.length;
  if (!(distance > most * Math.max(usual, leastUsual))) return undefined;
  return `its values are ${formatNumber(distance)} from the median of all on average, ` +
    `those of most others at most ${formatNumber(usual)}`;
}

function describeFeature(
  own: Features,
  sorted: Record<keyof Features, readonly number[]>,
  rules: readonly FeatureRule[],
): string | undefined {
  for (const { name, least, sign, text, findUsual } of rules) {
    if (Number.isNaN(own[name])) continue;
    const others = withoutOne(sorted[name], own[name]);
    if (others.length < LEAST_OTHERS) continue;
    const usual = findUsual(others);
    const excess = sign * (own[name] - usual);
    if (!(excess > least)) continue;
    if (!(excess > MOST_DEVIATIONS * robustDeviation(others, usual))) continue;
    const ratio = formatNumber(2 ** excess);
    return `${text} ${sign > 0 ? `${ratio} times` : `1/${ratio} of`} theirs`;
  }
  return undefined;
}

/** Ascending numbers without one of them. */
function withoutOne(numbers: readonly number[], left: number): number[] {
  const others = numbers.slice();
  others.splice(numbers.indexOf(left), 1);
  return others;
}

/** The mean distance of each member from the median of all, over the sampled points. */
function measureDistances(members: readonly Float64Array[]): number[] {
  const sums = new Float64Array(members.length);
  const counts = new Float64Array(members.length);
  const sorted = new Float64Array(members.length);
  for (let point = 0; point < members[0]!.length; point++) {
    for (let i = 0; i < members.length; i++) sorted[i] = members[i]![point]!;
    sorted.sort(); // NaN last
    let count = members.length;
    while (count > 0 && Number.isNaN(sorted[count - 1]!)) count--;
    if (count === 0) continue;
    const middle = (sorted[(count - 1) >> 1]! + sorted[count >> 1]!) / 2;
    for (let i = 0; i < members.length; i++) {
      const distance = Math.abs(members[i]![point]! - middle);
      if (distance !== distance) continue;
      sums[i]! += distance;
      counts[i]!++;
    }
  }
  return Array.from(sums, (sum, i) => counts[i] === 0 ? 0 : sum / counts[i]!);
}

/** The values of rows of a window, evenly spaced. */
function sampleRows(packed: PackedValues, columns: number, memory: WindowMemory): Float64Array {
  const rows = packed.numbers.length / columns;
  const rowStep = Math.ceil(rows / SAMPLED_ROWS);
  const sample = memory.takeValues(Math.ceil(rows / rowStep) * columns);
  for (let to = 0, from = 0; to < sample.length; to += columns, from += rowStep * columns) {
    unpackValues(packed, sample.subarray(to, to + columns), from);
  }
  return sample;
}

function measureFeatures(
  { summary, precision }: MemberWindow,
  scales: { narrow: number; wide: number },
): Features {
  const { least, most, lookedAt, atLeast, meanStep, distinct } = summary;
  const range = most > least ? most - least : 0;
  const roughness = range > 0 ? meanStep / range : 0;
  const hasPattern = !Number.isNaN(distinct);
  return {
    narrowness: Math.log2(range + Math.max(scales.narrow, precision) / 2 ** NARROW_OCTAVES),
    width: Math.log2(range + Math.max(scales.wide, precision)),
    variety: Math.log2((distinct + FEW_VALUES) / (lookedAt - atLeast + FEW_VALUES)),
    roughness: hasPattern ? Math.log2(roughness + LITTLE_ROUGHNESS) : NaN,
  };
}

const SLOTS = 1 << 16;
const seen = new Uint8Array(SLOTS);

/** Counts the different values: nearly, as a few share a slot. */
function countDistinct(values: Float64Array): number {
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
  seen.fill(0);
  let distinct = 0;
  for (let i = 0; i < words.length; i += 2) {
    const slot = Math.imul(words[i]! ^ Math.imul(words[i + 1]!, 0x9e3779b1), 0x85ebca6b) >>> 16;
    distinct += 1 - seen[slot]!;
    seen[slot] = 1;
  }
  return distinct;
}

/** The median of some numbers. */
export function median(numbers: readonly number[]): number {
  return middleOf(numbers.toSorted((a, b) => a - b));
}

/** The standard deviation that normal numbers with the same median distance from `middle` have. */
export function robustDeviation(numbers: readonly number[], middle: number): number {
  return DEVIATIONS_OF_NORMAL * median(numbers.map((value) => Math.abs(value - middle)));
}

/** The median of ascending numbers. */
function middleOf(sorted: readonly number[]): number {
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

function formatNumber(value: number): string {
  return String(Number(value.toPrecision(2)));
}
