/**
 * Finds messages that cannot be true beside the other steps of their field, and plans fields without
 * implausible messages.
 *
 * @module
 */
import type { Finding, Rejection } from "./field_reducer.ts";
import type { PlannedField } from "./field_plan.ts";
import type { ResultField } from "./field_result.ts";
import { findShrunk } from "./member_totals.ts";

const SHRUNK = "it does not fit the other steps: from one to the next it could only grow";

/**
 * Adds a finding to each message of an accumulation that shrinks in time, member by member: to the
 * fewest messages without which it grows.
 */
export function markShrunk(fields: readonly ResultField[]): ResultField[] {
  const shrunk = fields.map((): Finding[] => []);
  for (const series of findSeries(fields).values()) {
    for (const i of findShrunk(series.map(({ totals }) => totals))) {
      const { fieldIndex, totals: { member } } = series[i]!;
      shrunk[fieldIndex]!.push({ member, reason: SHRUNK });
    }
  }
  return fields.map((field, fieldIndex) => {
    const implausible = [...field.reduced.implausible, ...shrunk[fieldIndex]!];
    implausible.sort((a, b) => a.member - b.member);
    return { ...field, reduced: { ...field.reduced, implausible } };
  });
}

/** The totals of each variable and member in the order of time, with the indexes of their fields. */
function findSeries(fields: readonly ResultField[]) {
  const all = fields.flatMap(({ variable: { name }, stepHours, reduced: { totals = [] } }, i) =>
    totals.map((totals) => ({ name, stepHours, fieldIndex: i, totals }))
  );
  all.sort((a, b) => a.stepHours - b.stepHours);
  return Map.groupBy(all, ({ name, totals }) => `${name} ${totals.member}`);
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
