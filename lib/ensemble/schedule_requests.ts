/**
 * Messages of a plan → requests in the order of fetching, each for one worker.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { countUp } from "../util/numbers.ts";
import { byFileOrder, type FetchRequest, planRequests } from "./fetch_plan.ts";
import type { PlannedField, PlannedMessage } from "./field_plan.ts";
import type { PrefixNeeds } from "./prefix_need.ts";

/** A message to fetch. */
export interface QueuedMessage extends PlannedMessage {
  /** Index of its field in the plan. */
  field: number;
  /** The one that gets all messages of its field. */
  worker: number;
  /** Its part of a step: a run of the messages in the file, whose requests may be joined. */
  lot: number;
}

/** A part of the messages of a step. */
interface Lot {
  /** Number of the step. */
  step: number;
  /** Which of the lots of its step it is. */
  part: number;
  /** How many lots its step has. */
  partCount: number;
}

/**
 * The messages of a plan in lots, one a step, which the workers take in turn; the last steps, which are
 * fewer than the workers, have several each, so that all workers have as much to do. Of each field one
 * worker has all messages, and the first fields of a file have the first lot. Messages of several fields
 * lie among each other, so a lot is a run of the file, nearly all of whose messages are for one worker: were
 * it some fields, neighbours would part.
 *
 * The messages of a lot are put into line when it is drawn, as a run of 85 steps has 52,020.
 */
export class MessageQueue {
  readonly #plan: readonly PlannedField[];
  /** Fields by step. */
  readonly #steps: readonly (readonly number[])[];
  readonly #lots: readonly Lot[];
  /** Members that are left out, by field. */
  readonly #left = new Map<number, Set<Member>>();

  constructor(plan: readonly PlannedField[], readonly workers: number) {
    this.#plan = plan;
    this.#steps = [...Map.groupBy(plan.keys(), (field) => plan[field]!.stepHours).values()];
    this.#lots = divideSteps(this.#steps.length, workers);
  }

  /** Leaves messages out of the lots that are drawn from now on. */
  leaveOut(messages: Iterable<QueuedMessage>): void {
    for (const { field, member } of messages) {
      const members = this.#left.get(field) ?? new Set();
      this.#left.set(field, members.add(member));
    }
  }

  /** The lots of a worker, each in the order of its file. */
  *drawLots(worker: number): Generator<QueuedMessage[]> {
    for (let own = worker; own < this.#lots.length; own += this.workers) {
      const { step, part, partCount } = this.#lots[own]!;
      yield this.#queueStep(step, own - part, partCount).filter(({ lot, field, member }) =>
        lot === own && !this.#left.get(field)?.has(member)
      );
    }
  }

  /** All messages of a step, in the order of its files. @param first number of its first lot. */
  #queueStep(step: number, first: number, lotCount: number): QueuedMessage[] {
    const plan = this.#plan;
    const firstOffset = (field: number) => plan[field]!.messages[0]?.reference.offset ?? 0;
    const ordered = this.#steps[step]!.toSorted((a, b) => firstOffset(a) - firstOffset(b));
    const placed = ordered.flatMap((field, i) => {
      const lot = first + Math.floor(i * lotCount / ordered.length);
      const place = { field, lot, worker: lot % this.workers };
      return plan[field]!.messages.map((message) => ({ ...message, ...place }));
    });
    const lots = placed.map(({ lot }) => lot);
    placed.sort(byFileOrder);
    for (const [i, lot] of lots.entries()) placed[i]!.lot = lot;
    return placed;
  }
}

function divideSteps(stepCount: number, workers: number): Lot[] {
  const lastCount = stepCount % workers;
  return countUp(stepCount).flatMap((step) => {
    const isLast = step >= stepCount - lastCount;
    const partCount = isLast ? Math.ceil(workers / lastCount) : 1;
    return countUp(partCount).map((part) => ({ step, part, partCount }));
  });
}

/** How much is learnt before more is asked for. */
interface ScoutOptions {
  /** Messages of a variable that should be seen. */
  count: number;
  /** Messages up to this length are fetched whole. */
  wholeBytes: number;
}

/**
 * The first of some requests, so many that of each variable some messages are seen: what they need is
 * learnt before the others are planned. They are requests of the plan, so that none is added.
 *
 * @param requests drawn until every variable has its messages.
 */
export function chooseScouts(
  requests: Iterable<FetchRequest<QueuedMessage>>,
  plan: readonly PlannedField[],
  needs: PrefixNeeds,
  options: ScoutOptions,
): FetchRequest<QueuedMessage>[] {
  const lacking = countLacking(plan, needs, options);
  const scouts: FetchRequest<QueuedMessage>[] = [];
  if (lacking.size === 0) return scouts;
  for (const request of requests) {
    const names = request.messages.map(({ field }) => plan[field]!.variable.name);
    if (names.some((name) => lacking.has(name))) scouts.push(request);
    for (const name of names) {
      const left = (lacking.get(name) ?? 0) - 1;
      if (left > 0) lacking.set(name, left);
      else lacking.delete(name);
    }
    if (lacking.size === 0) break;
  }
  return scouts;
}

/**
 * How many messages of each variable are still to be seen, by its name. Of those that are fetched whole
 * nothing has to be learnt.
 */
function countLacking(
  plan: readonly PlannedField[],
  needs: PrefixNeeds,
  { count, wholeBytes }: ScoutOptions,
): Map<string, number> {
  const planned = plan.filter(({ messages }) =>
    messages.some(({ reference }) => reference.length > wholeBytes)
  );
  return new Map(planned.flatMap(({ variable }) => {
    const left = count - needs.countSeen(variable);
    return left > 0 ? [[variable.name, left]] : [];
  }));
}

/**
 * Requests for messages: one of each worker in turn, so that all workers are busy. Each is planned when
 * it is drawn, as `planRequests()` does.
 */
export function* scheduleRequests(
  queue: MessageQueue,
  wantBytes: (message: QueuedMessage, requestBytes: number) => number,
  gapBytes: (url: string) => number,
  maxJoinedBytes: number,
): Generator<FetchRequest<QueuedMessage>> {
  let lanes = countUp(queue.workers).map(function* (worker) {
    for (const lot of queue.drawLots(worker)) {
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
