/**
 * Which worker gets which fields, and in what order their messages are asked for.
 *
 * @module
 */
import { type FetchRequest, planRequests } from "./fetch_plan.ts";
import type { PlannedField, PlannedMessage } from "./field_plan.ts";
import type { PrefixNeeds } from "./prefix_need.ts";

/** A message on its way. */
export interface QueuedMessage extends PlannedMessage {
  /** Place of its field in the plan. */
  field: number;
  /** Its share of a step: fields that one worker gets, and whose requests may be joined. */
  lot: number;
}

/**
 * The messages of a plan, in lots: one a step, so that a field's members meet in one worker and what
 * is fetched of a file is moved there as it came; more where there are fewer steps than workers.
 */
export function queueMessages(plan: readonly PlannedField[], workers: number): QueuedMessage[] {
  const steps = [...Map.groupBy(plan.keys(), (field) => plan[field]!.stepHours).values()];
  const lotsPerStep = Math.ceil(workers / Math.max(1, steps.length));
  const firstOffset = (field: number) => plan[field]!.messages[0]?.reference.offset ?? 0;
  return steps.flatMap((fields, step) => {
    // Neighbours in the file stay together.
    const ordered = fields.toSorted((a, b) => firstOffset(a) - firstOffset(b));
    return ordered.flatMap((field, i) => {
      const lot = step * lotsPerStep + Math.floor(i * lotsPerStep / ordered.length);
      return plan[field]!.messages.map((message) => ({ ...message, field, lot }));
    });
  });
}

/** The first messages of each variable of whose need too little is known. */
export function chooseScouts(
  queue: readonly QueuedMessage[],
  plan: readonly PlannedField[],
  needs: PrefixNeeds,
): Set<QueuedMessage> {
  const byVariable = Map.groupBy(queue, ({ field }) => plan[field]!.variable.name);
  return new Set(
    [...byVariable].flatMap(([variable, messages]) => messages.slice(0, needs.lacking(variable))),
  );
}

/**
 * Requests for messages: lots in turn, as many at a time as workers, so that all are kept busy. Each
 * is planned when it is drawn, as `planRequests()` does.
 */
export function* scheduleRequests(
  queue: readonly QueuedMessage[],
  workers: number,
  wantBytes: (message: QueuedMessage) => number,
  gapBytes: (url: string) => number,
  maxJoinedBytes: number,
): Generator<FetchRequest<QueuedMessage>> {
  const byWorker = Map.groupBy(queue, ({ lot }) => lot % workers);
  let lanes = [...byWorker.values()].map(function* (messages) {
    for (const lot of Map.groupBy(messages, ({ lot }) => lot).values()) {
      yield* planRequests(lot, wantBytes, gapBytes, maxJoinedBytes);
    }
  });
  while (lanes.length > 0) {
    const open = [];
    for (const lane of lanes) {
      const { done, value } = lane.next();
      if (done) continue;
      yield value;
      open.push(lane);
    }
    lanes = open;
  }
}
