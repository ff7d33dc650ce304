/**
 * Messages whose values cannot be true: those that only show beside other steps, and fields without
 * such messages.
 *
 * @module
 */
import type { Finding, Rejection } from "./field_reducer.ts";
import type { PlannedField } from "./field_plan.ts";
import type { ResultField } from "./field_result.ts";
import { findShrunk } from "./member_totals.ts";

const SHRUNK = "it does not fit the other steps: from one to the next it could only grow";

/**
 * Finds the accumulations that shrink in time, member by member, and adds a finding to those messages
 * of them that are to be disbelieved.
 */
export function markShrunk(fields: readonly ResultField[]): ResultField[] {
  const shrunk = fields.map((): Finding[] => []);
  for (const series of findSeries(fields).values()) {
    for (const i of findShrunk(series.map(({ totals }) => totals))) {
      const { place, totals: { member } } = series[i]!;
      shrunk[place]!.push({ member, reason: SHRUNK });
    }
  }
  return fields.map((field, place) => {
    const implausible = [...field.reduced.implausible, ...shrunk[place]!];
    implausible.sort((a, b) => a.member - b.member);
    return { ...field, reduced: { ...field.reduced, implausible } };
  });
}

/** The totals of each variable and member in the order of time, and the places of their fields. */
function findSeries(fields: readonly ResultField[]) {
  const all = fields.flatMap(({ variable: { name }, stepHours, reduced: { totals = [] } }, place) =>
    totals.map((totals) => ({ name, stepHours, place, totals }))
  );
  all.sort((a, b) => a.stepHours - b.stepHours);
  return Map.groupBy(all, ({ name, totals }) => `${name} ${totals.member}`);
}

/** A planned field without the messages that were found implausible: they become rejections. */
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
