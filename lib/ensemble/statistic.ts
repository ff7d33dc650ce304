/**
 * What can be asked of the members of a field, point by point, as data.
 *
 * @module
 */

/** Whether a value exceeds a threshold, or stays below it: the fraction of the members used. */
export interface Exceedance {
  kind: "exceedance";
  comparison: ">" | ">=" | "<" | "<=";
  /** In the units of the values. */
  threshold: number;
  /** As it was asked for, in units that people use: `20mm`. */
  label: string;
}

/** One statistic over members; `members` are the members themselves. */
export type MemberStatistic =
  | { kind: "mean" }
  | {
    kind: "standard_deviation";
    /** What is subtracted from the count of members: 0 of a population, 1 of a sample. */
    ddof: 0 | 1;
  }
  | { kind: "minimum" }
  | { kind: "maximum" }
  | {
    kind: "percentile";
    /** From 0 to 100; between members linear, as numpy's default is. */
    percent: number;
  }
  | Exceedance
  | { kind: "members" };

/** The statistics that are computed of every field, as its checks and its summary need them. */
export const MEAN_AND_DEVIATION: readonly MemberStatistic[] = [
  { kind: "mean" },
  { kind: "standard_deviation", ddof: 0 },
];

/** Whether a statistic is the mean or the deviation that every field has. */
export function isOfEveryField(statistic: MemberStatistic): boolean {
  return statistic.kind === "mean" ||
    statistic.kind === "standard_deviation" && statistic.ddof === 0;
}

/** Whether two statistics are the same. */
export function isSameStatistic(a: MemberStatistic, b: MemberStatistic): boolean {
  return nameStatisticKind(a) === nameStatisticKind(b);
}

/** A name of a statistic that no other one has, for keys of files: `percentile 10`. */
export function nameStatisticKind(statistic: MemberStatistic): string {
  return Object.values(statistic).join(" ");
}

/** What is asked of a field besides its mean and deviation. */
export interface FieldDemand {
  statistics: readonly MemberStatistic[];
  /** Whether the values of each member are kept for what is made of several fields. */
  keepsMembers: boolean;
}
