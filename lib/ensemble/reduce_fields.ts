/**
 * Planned fields and where their messages are → mean and standard deviation over the members, and
 * what each field lacks.
 *
 * @module
 */
import type { ExpectedField } from "../ecmwf/check_message.ts";
import type { Run } from "../ecmwf/run.ts";
import type { Region } from "../grib/mod.ts";
import { limitCalls, runWithin } from "../util/parallel.ts";
import type { ByteRange, Storage } from "../storage/mod.ts";
import {
  chooseGap,
  countBrought,
  DEFAULT_POLICY,
  type FetchPolicy,
  type FetchRequest,
  shareBytes,
} from "./fetch_plan.ts";
import { emptyField, type ReducedField } from "./field_reducer.ts";
import type { PlannedField } from "./field_plan.ts";
import { type DecodePool, type EarlyPool, openPool } from "./decode_pool.ts";
import {
  clearSuspicion,
  explainLoss,
  findMisplacement,
  type MessageLoss,
  MessageLostError,
  type RestartCause,
  ServerCheck,
} from "./message_loss.ts";
import { PrefixNeeds } from "./prefix_need.ts";
import {
  chooseScouts,
  MessageQueue,
  type QueuedMessage,
  scheduleRequests,
} from "./schedule_requests.ts";

/** How to reduce. */
export interface ReduceOptions {
  storage: Storage;
  run: Run;
  region: Region;
  /** Requests under way at once. */
  parallelFetches: number;
  /** @default that of `DEFAULT_POLICY` */
  policy?: FetchPolicy;
  /** What earlier messages needed; this call adds to it. @default {nothing} */
  needs?: PrefixNeeds;
  /** What was served to earlier calls; this call adds to it. @default {nothing} */
  check?: ServerCheck;
  /** Bytes of messages under way at once, being fetched or decoded. @default {16_777_216} (16 MiB) */
  maxBytesUnderWay?: number;
  /** Decode workers. @default one a core */
  workers?: number;
  /** A first one that was started before, for the same region. @default {undefined} (none was) */
  early?: EarlyPool;
  /** Called after each message that was asked for, with its bytes and those of the gap behind it. */
  onMessage?: (bytes: number) => void;
  /** Called when the beginning of a message was too short, and more of it is asked for. */
  onSecondRequest?: () => void;
  /**
   * Called and awaited once a field that has messages is reduced, with its index in the plan. When
   * its step is read again, it is called again, and the earlier field is void. Numbers are only handed
   * over: the fields that are returned then have none.
   */
  onField?: (fieldIndex: number, field: ReducedField) => void | Promise<void>;
  /** Called before a step is read again, and awaited. */
  onRestart?: (stepHours: number, cause: RestartCause) => void | Promise<void>;
}

/**
 * Reduces every field of a plan. A message that is missing, damaged or not the one asked for becomes
 * a rejection of its field. Neighbouring messages share a request, and only the beginning of a long
 * one is fetched, as much as the region takes: results do not depend on it.
 *
 * A step whose references do not fit its files is read again from their indexes, once, after the
 * other steps: one GET and one HEAD a file, and the messages of the step once more. No field holds
 * messages of two versions of a file.
 *
 * An object that a server refuses, or fails to send, costs its messages if the server serves others.
 *
 * @returns one field for each of the plan, in its order.
 * @throws {StorageError} when the server cannot be reached, or serves nothing.
 */
export async function reduceFields(
  plan: readonly PlannedField[],
  options: ReduceOptions,
): Promise<ReducedField[]> {
  const { storage, run, region, workers = navigator.hardwareConcurrency } = options;
  if (plan.length === 0) return [];
  using pool = openPool(options.early, region, Math.min(workers, plan.length));
  const { needs = new PrefixNeeds(region), check = new ServerCheck(storage) } = options;
  const given = { ...options, needs, check };
  const first = new ReductionPass(plan, pool, { ...given, stops: ["replaced", "misplaced"] });
  await first.run();
  const { fields, stopped } = first;
  for (const [stepHours, { cause }] of stopped) await options.onRestart?.(stepHours, cause!);
  if (stopped.size === 0) return fields;
  const fieldIndexes = [...plan.keys()].filter((i) => stopped.has(plan[i]!.stepHours));
  const { replanFields } = await import("./replan_fields.ts");
  const fresh = await replanFields(fieldIndexes.map((i) => plan[i]!), storage, run, check);
  const second = new ReductionPass(fresh, pool, {
    ...given,
    stops: ["replaced"],
    onField: (i, field) => options.onField?.(fieldIndexes[i]!, field),
  });
  await second.run();
  fieldIndexes.forEach((fieldIndex, i) => fields[fieldIndex] = second.fields[i]!);
  return fields;
}

interface PassOptions extends ReduceOptions {
  needs: PrefixNeeds;
  check: ServerCheck;
  /** The causes that stop the reading of a step; others only cost the message. */
  stops: readonly RestartCause[];
}

/** Requests under way, being fetched or decoded, by those that are fetched. */
const MOST_UNDER_WAY = 1.5;

/** Messages of each variable that are seen before more of them are asked for. */
const SCOUTS = [1, 4];

/** Requests for all files that a server refuses before it is believed to serve nothing. */
const MAX_HELD = 20;

type MessageRequest = FetchRequest<QueuedMessage>;

/** One pass over a plan: every message of it is fetched, decoded and reduced, or lost. */
class ReductionPass {
  /** One for each field of the plan, in its order. */
  readonly fields: ReducedField[];
  /** Why a step was stopped, by its hours; the fields of these steps are not whole. */
  readonly stopped = new Map<number, MessageLoss>();

  readonly #plan: readonly PlannedField[];
  readonly #pool: DecodePool;
  readonly #options: PassOptions;
  readonly #policy: FetchPolicy;
  /** Messages of each field that are neither with a worker nor lost. */
  readonly #waiting: number[];
  readonly #limit: ReturnType<typeof limitCalls>;
  /** Requests that were refused before anything was served. */
  readonly #held: { request: MessageRequest; loss: MessageLoss }[] = [];
  /** Requests for files of those, until others were asked. */
  #putOff: MessageRequest[] | undefined = [];

  constructor(plan: readonly PlannedField[], pool: DecodePool, options: PassOptions) {
    this.#plan = plan;
    this.#pool = pool;
    this.#options = options;
    this.#policy = options.policy ?? DEFAULT_POLICY;
    this.fields = plan.map(({ rejections }) => emptyField(rejections));
    this.#waiting = plan.map(({ messages }) => messages.length);
    this.#limit = limitCalls(options.parallelFetches);
  }

  /** Bytes that cost as much as another request for a file. */
  readonly #requestBytes = (url: string) =>
    chooseGap(this.#policy, this.#options.storage.requestCost(url));

  readonly #wantBytes = ({ field, reference: { length } }: QueuedMessage, requestBytes: number) => {
    const { prefixes, wholeBytes } = this.#policy;
    if (!prefixes || length <= wholeBytes) return length;
    return this.#options.needs.predict(this.#plan[field]!.variable, length, requestBytes);
  };

  async run(): Promise<void> {
    const { needs } = this.#options;
    const policy = this.#policy;
    const queue = new MessageQueue(this.#plan, this.#pool.size);
    const schedule = () =>
      scheduleRequests(queue, this.#wantBytes, this.#requestBytes, policy.maxJoinedBytes);
    for (const count of policy.prefixes ? SCOUTS : []) {
      const scouts = chooseScouts(schedule(), this.#plan, needs, { ...policy, count });
      await this.#runAll(scouts);
      queue.leaveOut(scouts.flatMap(({ messages }) => messages));
    }
    await this.#runAll(schedule());
    const late = this.#putOff!;
    this.#putOff = undefined;
    await this.#runAll(late);
    if (this.#held.length > 0) await this.#requireServer();
    for (const { request, loss } of this.#held) await this.#settleHeld(request, loss);
  }

  async #runAll(requests: Iterable<MessageRequest>): Promise<void> {
    const { maxBytesUnderWay = 16 * 1024 * 1024, parallelFetches } = this.#options;
    // A request that has to wait for its turn is planned later, when more is known of what it needs.
    const leastBytes = Math.floor(maxBytesUnderWay / (MOST_UNDER_WAY * parallelFetches));
    await runWithin(
      maxBytesUnderWay,
      requests,
      ({ length }) => Math.max(length, leastBytes),
      (request) => this.#reduce(request),
    );
  }

  async #reduce(request: MessageRequest): Promise<void> {
    await this.#settleAll(request, await this.#decode(request));
  }

  /** Holds a request that was refused, or puts it off. */
  #hold(request: MessageRequest, loss: MessageLoss): void {
    const isAsked = this.#held.every((it) => it.loss !== loss);
    if (isAsked) this.#held.push({ request, loss });
    else this.#putOff!.push(request);
  }

  /** The loss of a request for the same file, while nothing was served and others were not asked. */
  async #findHeld(url: string): Promise<MessageLoss | undefined> {
    if (this.#options.check.served > 0) return undefined;
    if (this.#putOff) return this.#held.find(({ request }) => request.url === url)?.loss;
    if (this.#held.length >= MAX_HELD) await this.#requireServer();
    return undefined;
  }

  async #requireServer(): Promise<void> {
    const failed = new Set(this.#held.map(({ request }) => request.url));
    if (!await this.#options.check.findServed(failed)) throw this.#held[0]!.loss.suspect;
  }

  async #settleAll({ messages }: MessageRequest, losses: readonly (MessageLoss | undefined)[]) {
    for (const [i, message] of messages.entries()) await this.#settle(message, losses[i]);
  }

  /** Settles a request that was held, now that the server has served others. */
  async #settleHeld(request: MessageRequest, loss: MessageLoss): Promise<void> {
    const { messages } = request;
    if (messages.length > 1) return this.#settleAll(request, await this.#decodeApart(request));
    this.#options.onMessage?.(0);
    await this.#settle(messages[0]!, clearSuspicion(loss));
  }

  /**
   * Fetches a range and hands its messages to their workers.
   *
   * @returns the loss of each message; `undefined` for those that are with a worker.
   */
  async #decode(request: MessageRequest): Promise<(MessageLoss | undefined)[]> {
    const { messages } = request;
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = await this.#fetch(messages[0]!, request);
    } catch (error) {
      if (!(error instanceof MessageLostError)) throw error;
      const { loss } = error;
      if (loss.suspect) this.#hold(request, loss);
      else if (loss.splits && messages.length > 1) return await this.#decodeApart(request);
      else for (const _ of messages) this.#options.onMessage?.(0);
      return messages.map(() => loss);
    }
    return await this.#decodeMessages(request, bytes);
  }

  /** Fetches each message by its own request, so that one that is corrupt does not cost the others. */
  async #decodeApart(
    { url, messages }: MessageRequest,
  ): Promise<(MessageLoss | undefined)[]> {
    const losses: (MessageLoss | undefined)[] = [];
    for (const message of messages) {
      const { offset, length } = message.reference;
      losses.push(...await this.#decode({ url, offset, length, messages: [message] }));
    }
    return losses;
  }

  /** Fetches a range of the file that a message is in, unless its step is stopped. */
  async #fetch(message: QueuedMessage, range: ByteRange): Promise<Uint8Array<ArrayBuffer>> {
    const { field, reference: { url } } = message;
    return await this.#limit(async () => {
      const stop = this.stopped.get(this.#plan[field]!.stepHours);
      const known = stop ?? await this.#findHeld(url);
      if (known) throw new MessageLostError(known);
      const { storage, check } = this.#options;
      const servedBefore = check.served;
      try {
        const bytes = await storage.get(url, range);
        check.noteServed(url, range);
        return bytes;
      } catch (error) {
        // Before the next request gets its turn: it may be of the same step.
        const loss = await check.judge(explainLoss(error, url), servedBefore);
        if (!loss) throw error;
        if (!loss.splits) this.#noteLoss(message, loss);
        throw new MessageLostError(loss);
      }
    });
  }

  async #decodeMessages(
    request: MessageRequest,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<(MessageLoss | undefined)[]> {
    const { messages } = request;
    const shares = shareBytes(request);
    const parts = messages.map((message) => {
      const start = message.reference.offset - request.offset;
      const end = start + countBrought(request, message.reference);
      const { worker, field } = message;
      return { worker, field, expected: this.#expect(message), start, end };
    });
    const losses = messages.map((message, i) => {
      const { start, end } = parts[i]!;
      const { length } = message.reference;
      const loss = findMisplacement(bytes.subarray(start, end), length, request.url);
      // Before the worker answers: meanwhile other requests of the step would be sent in vain.
      if (loss) this.#noteLoss(message, loss);
      return loss;
    });
    const found = [...parts.keys()].filter((i) => !losses[i]);
    const needed = await this.#pool.add(bytes, found.map((i) => parts[i]!));
    for (const [n, i] of found.entries()) {
      const { start, end } = parts[i]!;
      const rest = await this.#decodeRest(messages[i]!, end - start, needed[n]);
      losses[i] = rest.loss;
      shares[i]! += rest.bytes;
    }
    for (const [i, share] of shares.entries()) this.#options.onMessage?.(losses[i] ? 0 : share);
    return losses;
  }

  /** Fetches the rest of a message whose beginning was too short, and notes what the message needed. */
  async #decodeRest(
    message: QueuedMessage,
    givenBytes: number,
    neededBytes: number | undefined,
  ): Promise<{ loss?: MessageLoss; bytes: number }> {
    const { field, worker, reference: { url, offset, length } } = message;
    const { variable } = this.#plan[field]!;
    const { needs } = this.#options;
    let given = givenBytes;
    let needed = neededBytes;
    try {
      for (let isFirst = true; needed !== undefined && needed > given; isFirst = false) {
        this.#options.onSecondRequest?.();
        // The whole message, where its packing does not say how much is missing.
        const asked = isFirst && needed === length
          ? needs.predictRest(variable, length, given, this.#requestBytes(url))
          : needed - given;
        const rest = await this.#fetch(message, { offset: offset + given, length: asked });
        const expected = this.#expect(message);
        given += rest.length;
        [needed] = await this.#pool.add(rest, [{
          ...{ worker, field, expected, start: 0, end: rest.length },
        }]);
      }
    } catch (error) {
      if (!(error instanceof MessageLostError)) throw error;
      return { loss: error.loss, bytes: 0 };
    }
    if (needed !== undefined && length > this.#policy.wholeBytes) {
      needs.note(variable, length, needed);
    }
    return { bytes: given - givenBytes };
  }

  #expect({ field, member }: QueuedMessage): ExpectedField {
    const { variable, stepHours } = this.#plan[field]!;
    return { run: this.#options.run, stepHours, member, variable };
  }

  /** Stops the step of a message if its loss is a reason to. */
  #noteLoss({ field }: QueuedMessage, loss: MessageLoss): void {
    if (loss.cause && this.#options.stops.includes(loss.cause)) {
      this.stopped.set(this.#plan[field]!.stepHours, loss);
    }
  }

  /** Counts a message as decoded or lost, unless it is held; the last one of a field finishes it. */
  async #settle(message: QueuedMessage, loss: MessageLoss | undefined): Promise<void> {
    const { field, member, worker } = message;
    if (loss?.suspect) return;
    if (loss) {
      this.#noteLoss(message, loss);
      this.fields[field]!.rejections.push({ member, reason: loss.reason });
    }
    if (--this.#waiting[field]! === 0) await this.#finish(field, worker);
  }

  async #finish(field: number, worker: number): Promise<void> {
    const { demand } = this.#plan[field]!;
    const reduced = await this.#pool.reduce(worker, field, demand) ?? emptyField([]);
    const rejections = [...this.fields[field]!.rejections, ...reduced.rejections];
    rejections.sort((a, b) => a.member - b.member);
    const whole = { ...reduced, rejections };
    this.fields[field] = whole;
    if (!this.#options.onField || this.stopped.has(this.#plan[field]!.stepHours)) return;
    // What is handed over is not held: the numbers of 1,020 fields of a run are hundreds of megabytes.
    const { members, implausible } = reduced;
    this.fields[field] = { ...emptyField(rejections), members, implausible };
    await this.#options.onField(field, whole);
  }
}
