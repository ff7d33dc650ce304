/**
 * Messages of a plan → requests in the order of fetching, each for one worker.
 *
 * @module
 */
import { type FetchRequest, planRequests } from "./fetch_plan.ts";
import type { PlannedField, PlannedMessage } from "./field_plan.ts";
import type { PrefixNeeds } from "./prefix_need.ts";

/** A message to fetch. */
export interface QueuedMessage extends PlannedMessage {
  /** Index of its field in the plan. */
  field: number;
  /** Its part of a step: fields that one worker gets, and whose requests may be joined. */
  lot: number;
}

/**
 * The messages of a plan in lots, one a step: the members of a field meet in one worker, and the bytes
 * of a request are moved there without a copy. There are several lots a step where there are fewer
 * steps than workers.
 */
export function queueMessages(plan: readonly PlannedField[], workers: number): QueuedMessage[] {
  const steps = [...Map.groupBy(plan.keys(), (field) => plan[field]!.stepHours).values()];
  const lotsPerStep = Math.ceil(workers / Math.max(1, steps.length));
  const firstOffset = (field: number) => plan[field]!.messages[0]?.reference.offset ?? 0;
  return steps.flatMap((fields, step) => {
    // Neighbours in the file stay in one lot.
    const ordered = fields.toSorted((a, b) => firstOffset(a) - firstOffset(b));
    return ordered.flatMap((field, i) => {
      const lot = step * lotsPerStep + Math.floor(i * lotsPerStep / ordered.length);
      return plan[field]!.messages.map((message) => ({ ...message, field, lot }));
    });
  });
}

/** The first messages of each variable whose need is not yet known. */
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
 * Requests for messages: one of each worker in turn, so that all workers are busy. Each is planned when
 * it is drawn, as `planRequests()` does.
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
