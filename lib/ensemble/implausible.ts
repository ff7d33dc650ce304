/**
 * Finds messages of accumulations that cannot be true beside the other steps of their member, and plans
 * fields without implausible messages.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { canOnlyGrow } from "../ecmwf/variables.ts";
import { release } from "../util/numbers.ts";
import { median, robustDeviation } from "./compare_members.ts";
import type { Finding, Rejection } from "./field_reducer.ts";
import type { FieldSummary } from "./field_result.ts";
import type { PlannedField } from "./field_plan.ts";
import {
  type FieldPoints,
  findContradictions,
  findShrunkPoints,
  type OpenPoints,
  openPoints,
  valueAt,
} from "./member_points.ts";

const SHRUNK = "it does not fit the other steps: from one to the next it could only grow";
const UNDECIDED =
  "it and another step contradict each other, and nothing shows which is wrong: from " +
  "one to the next it could only grow";

/** Fewer other members do not show which of two steps is wrong. */
const LEAST_OTHERS = 4;
/** A step is wrong beside the other members, and one is right: in deviations from their median. */
const WRONG_DEVIATIONS = 6;
const RIGHT_DEVIATIONS = 3;
/** One is right, too, when the wrong ones are this many times as far, as a whole member may be unusual. */
const MUCH_FARTHER = 3;
/** Points that are compared with the other members, at most. */
const COMPARED_POINTS = 1000;

/** What is asked of a field that is judged beside others. */
type JudgedField = Pick<FieldSummary, "members" | "implausible">;

/** Reads the points of a saved field once more, by its index in the plan. */
export type ReadPoints = (fieldIndex: number) => Promise<FieldPoints>;

/**
 * Compares the steps of accumulations point by point while fields come in, in whatever order. Points are
 * held only until both neighbours of their field came: of the fields of a command that reads step by
 * step, those of two steps. They are read again where something is wrong.
 */
export class GrowthCheck {
  readonly #plan: readonly PlannedField[];
  readonly #points = new Map<number, FieldPoints>();
  /** The members that contradict themselves, by the indexes of two fields, the earlier first. */
  readonly #contradictions = new Map<string, ReadonlySet<Member>>();
  /** The two fields, each with its neighbour, that a field is compared in; by its index. */
  readonly #pairs = new Map<number, (readonly [earlier: number, later: number])[]>();

  constructor(plan: readonly PlannedField[]) {
    this.#plan = plan;
    const planned = [...plan.keys()].filter((i) => plan[i]!.messages.length > 0);
    for (const series of this.#groupByVariable(planned)) {
      for (const [n, i] of series.entries()) {
        const pairs = [[series[n - 1], i], [i, series[n + 1]]] as const;
        this.#pairs.set(
          i,
          pairs.filter((pair): pair is [number, number] => !pair.includes(undefined)),
        );
      }
    }
  }

  /**
   * Compares a field with its neighbours; what was found of an earlier version of it is forgotten. The
   * points belong to this object from now on.
   */
  note(fieldIndex: number, points: FieldPoints): void {
    const pairs = this.#pairs.get(fieldIndex) ?? [];
    this.#points.set(fieldIndex, points);
    for (const pair of pairs) {
      this.#contradictions.delete(pair.join());
      const [earlier, later] = pair.map((i) => this.#points.get(i));
      if (!earlier || !later) continue;
      this.#contradictions.set(pair.join(), new Set(findContradictions(earlier, later)));
    }
    for (const i of new Set([fieldIndex, ...pairs.flat()])) {
      const isDone = this.#pairs.get(i)?.every((pair) => this.#contradictions.has(pair.join()));
      const done = isDone && this.#points.get(i);
      if (!done) continue;
      this.#points.delete(i);
      release(done.packed);
    }
  }

  /**
   * Finds the messages that cannot be true, member by member: those without which a series grows. Where
   * there are several ways to make it grow, and the other members do not show which one is right, every
   * message is a finding that one of them leaves out.
   *
   * @param fields by their index in the plan; messages that they already name are not judged.
   * @returns findings by the index of their field.
   */
  async judge(
    fields: ReadonlyMap<number, JudgedField>,
    read: ReadPoints,
  ): Promise<Map<number, Finding[]>> {
    const findings = new Map<number, Finding[]>();
    for (const series of this.#groupByVariable(fields.keys())) {
      const steps = new SeriesPoints(read);
      const members = new Set(series.flatMap((i) => fields.get(i)!.members));
      for (const member of members) {
        const own = series.filter((i) => isUsable(fields.get(i)!, member));
        if (!await this.#contradictsItself(own, member, steps)) continue;
        for (const { fieldIndex, reason } of await judgeMember(own, member, fields, steps)) {
          const known = findings.get(fieldIndex) ?? [];
          findings.set(fieldIndex, [...known, { member, reason }]);
        }
      }
    }
    return findings;
  }

  async #contradictsItself(
    own: readonly number[],
    member: Member,
    steps: SeriesPoints,
  ): Promise<boolean> {
    for (const [n, later] of own.slice(1).entries()) {
      const pair = [own[n]!, later] as const;
      const found = this.#contradictions.get(pair.join()) ?? await this.#compare(pair, steps);
      if (found.has(member)) return true;
    }
    return false;
  }

  /** Compares two fields that did not meet when they came in. */
  async #compare(
    [earlier, later]: readonly [number, number],
    steps: SeriesPoints,
  ): Promise<ReadonlySet<Member>> {
    const found = new Set(findContradictions(await steps.get(earlier), await steps.get(later)));
    this.#contradictions.set([earlier, later].join(), found);
    return found;
  }

  /** The fields of each accumulation that can only grow, in the order of time. */
  #groupByVariable(fieldIndexes: Iterable<number>): number[][] {
    const growing = [...fieldIndexes].filter((i) => canOnlyGrow(this.#plan[i]!.variable));
    growing.sort((a, b) => this.#plan[a]!.stepHours - this.#plan[b]!.stepHours);
    return [...Map.groupBy(growing, (i) => this.#plan[i]!.variable.name).values()];
  }
}

/** The points of one variable, packed, each read when it is first asked for. */
class SeriesPoints {
  readonly #known = new Map<number, FieldPoints>();

  constructor(private readonly read: ReadPoints) {}

  async get(fieldIndex: number): Promise<FieldPoints> {
    const points = this.#known.get(fieldIndex) ?? await this.read(fieldIndex);
    this.#known.set(fieldIndex, points);
    return points;
  }
}

/** Whether a member is in a field, and nothing is known against it. */
function isUsable({ members, implausible }: JudgedField, member: Member): boolean {
  return members.includes(member) && !implausible.some((finding) => finding.member === member);
}

async function judgeMember(
  own: readonly number[],
  member: Member,
  fields: ReadonlyMap<number, JudgedField>,
  steps: SeriesPoints,
): Promise<{ fieldIndex: number; reason: string }[]> {
  const opened: OpenPoints[] = [];
  for (const i of own) opened.push(openPoints(await steps.get(i), member)!);
  const contradicts = (a: number, b: number) => findShrunkPoints(opened[a]!, opened[b]!).length > 0;
  const all = [...own.keys()];
  const first = findUntrusted(all, contradicts);
  const blamed = first.undecided.length === 0
    ? []
    : await blameByOthers(first.undecided, opened, own, fields, steps);
  const { wrong, undecided } = blamed.length === 0
    ? first
    : findUntrusted(all.filter((n) => !blamed.includes(n)), contradicts);
  return [
    ...[...blamed, ...wrong].map((n) => ({ fieldIndex: own[n]!, reason: SHRUNK })),
    ...undecided.map((n) => ({ fieldIndex: own[n]!, reason: UNDECIDED })),
  ];
}

/**
 * Finds the steps outside the longest series without contradiction, so that one message that is too
 * large does not discredit all that follow.
 *
 * @param steps in the order of time.
 * @param contradicts whether the second of two steps, the later one, contradicts the first.
 * @returns those that are in no series of the greatest length, and those that are in some but not in all.
 */
export function findUntrusted(
  steps: readonly number[],
  contradicts: (earlier: number, later: number) => boolean,
): { wrong: number[]; undecided: number[] } {
  const fits = steps.map((a, i) => steps.map((b, j) => i < j && !contradicts(a, b)));
  const before = steps.map(() => 0);
  const after = steps.map(() => 0);
  for (const i of steps.keys()) {
    before[i] = 1 + Math.max(0, ...before.map((length, j) => fits[j]![i] ? length : 0));
  }
  for (const i of [...steps.keys()].reverse()) {
    after[i] = 1 + Math.max(0, ...after.map((length, j) => fits[i]![j] ? length : 0));
  }
  const longest = Math.max(0, ...before);
  const isOnLongest = (i: number) => before[i]! + after[i]! - 1 === longest;
  const candidates = [...steps.keys()].filter(isOnLongest);
  const isUndecided = (i: number) =>
    candidates.some((other) => other !== i && before[other] === before[i]);
  return {
    wrong: [...steps.keys()].filter((i) => !isOnLongest(i)).map((i) => steps[i]!),
    undecided: candidates.filter(isUndecided).map((i) => steps[i]!),
  };
}

/**
 * Of steps that contradict each other, those that are far from the other members at the points where
 * they do; none unless the rest is close to them.
 */
async function blameByOthers(
  undecided: readonly number[],
  opened: readonly OpenPoints[],
  own: readonly number[],
  fields: ReadonlyMap<number, JudgedField>,
  steps: SeriesPoints,
): Promise<number[]> {
  const deviations = new Map<number, number>();
  for (const n of undecided) {
    const shrunk = undecided.flatMap((other) => {
      const [a, b] = [Math.min(n, other), Math.max(n, other)];
      return a === b ? [] : findShrunkPoints(opened[a]!, opened[b]!).slice(0, COMPARED_POINTS);
    });
    const others = await openOthers(own[n]!, opened[n]!.member, fields, steps);
    if (others.length < LEAST_OTHERS || shrunk.length === 0) return [];
    const points = opened[n]!;
    const distances = shrunk.map((point) => {
      const values = others.map((other) => valueAt(other, point));
      return measureDeviation(valueAt(points, point), values, points.step);
    });
    deviations.set(n, median(distances));
  }
  const blamed = undecided.filter((n) => deviations.get(n)! > WRONG_DEVIATIONS);
  const rest = undecided.filter((n) => !blamed.includes(n));
  const nearest = Math.min(...blamed.map((n) => deviations.get(n)!));
  const mostRight = Math.max(RIGHT_DEVIATIONS, nearest / MUCH_FARTHER);
  const isClear = rest.length > 0 && rest.every((n) => deviations.get(n)! < mostRight);
  return isClear ? blamed : [];
}

async function openOthers(
  fieldIndex: number,
  member: Member,
  fields: ReadonlyMap<number, JudgedField>,
  steps: SeriesPoints,
): Promise<OpenPoints[]> {
  const field = fields.get(fieldIndex)!;
  const points = await steps.get(fieldIndex);
  return field.members.filter((other) => other !== member && isUsable(field, other))
    .map((other) => openPoints(points, other)!);
}

function measureDeviation(value: number, others: readonly number[], precision: number): number {
  const known = others.filter((other) => !Number.isNaN(other));
  const usual = median(known);
  return Math.abs(value - usual) / (robustDeviation(known, usual) + precision);
}

/** A planned field without its implausible messages, which become rejections. */
export function leaveOut(field: PlannedField, findings: readonly Finding[]): PlannedField {
  const byMember = Map.groupBy(findings, ({ member }) => member);
  const left = [...byMember].map(([member, reasons]): Rejection => ({
    member,
    reason: reasons.map(({ reason }) => reason).join("; "),
    fault: "implausible",
  }));
  return {
    ...field,
    messages: field.messages.filter(({ member }) => !byMember.has(member)),
    rejections: [...field.rejections, ...left].sort((a, b) => a.member - b.member),
  };
}
