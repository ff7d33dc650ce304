/**
 * Fetches the messages of planned fields, decodes them in workers and reduces them.
 *
 * @module
 */
import type { ExpectedField } from "../ecmwf/check_message.ts";
import type { Run } from "../ecmwf/run.ts";
import { checkMessage, GribError, type Region } from "../grib/mod.ts";
import { limitCalls, runWithin } from "../util/parallel.ts";
import { type ByteRange, type Storage, StorageError } from "../storage/mod.ts";
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
import { DecodePool } from "./decode_pool.ts";
import { PrefixNeeds } from "./prefix_need.ts";
import { replanFields } from "./replan_fields.ts";
import {
  chooseScouts,
  type QueuedMessage,
  queueMessages,
  scheduleRequests,
} from "./schedule_requests.ts";

/**
 * Why a step is read again from the indexes of its files:
 * - `replaced`: a file was replaced after messages of it were read
 * - `misplaced`: there is no message where a reference points, as when the file was replaced before
 */
export type RestartCause = "replaced" | "misplaced";

/** How to reduce. */
export interface ReduceOptions {
  storage: Storage;
  run: Run;
  region: Region;
  /** Requests under way at once. */
  parallelFetches: number;
  /** @default that of `DEFAULT_POLICY` */
  policy?: FetchPolicy;
  /** What is known of needs from before; it learns more. @default {nothing} */
  needs?: PrefixNeeds;
  /** Bytes of messages under way at once, being fetched or decoded. @default {16_777_216} (16 MiB) */
  maxBytesUnderWay?: number;
  /** Decode workers. @default one a core */
  workers?: number;
  /** Called after each message that was asked for, with its bytes and those of the gap behind it. */
  onMessage?: (bytes: number) => void;
  /** Called when the beginning of a message was too short, and more of it is asked for. */
  onSecondRequest?: () => void;
  /**
   * Called once a field that has messages is reduced, with its place in the plan, and awaited. When its step has to be
   * read again it is called again, and what came before does not hold any more.
   */
  onField?: (index: number, field: ReducedField) => void | Promise<void>;
  /** Called before a step is read again, and awaited. */
  onRestart?: (stepHours: number, cause: RestartCause) => void | Promise<void>;
}

/** Why a message cannot be had. */
interface Loss {
  reason: string;
  /** Set when the index may know better. */
  cause?: RestartCause;
  /** It may concern only one of several messages that were asked for together. */
  splits?: boolean;
}

/** What one go at a plan gave. */
interface Pass {
  /** One for each field of the plan, in its order. */
  fields: ReducedField[];
  /** What stopped the reading of a step, by its hours; the fields of these steps are not whole. */
  stopped: Map<number, Loss>;
}

/** Told to who asks for messages of a step that is not read on. */
class StepStopped extends Error {
  constructor(readonly loss: Loss) {
    super(loss.reason);
  }
}

/** What all goes at a plan use. */
interface Tools extends ReduceOptions {
  pool: DecodePool;
  policy: FetchPolicy;
  needs: PrefixNeeds;
  inStream: ReturnType<typeof limitCalls>;
}

/** What the messages of one go use. */
interface PassTools extends Tools {
  plan: readonly PlannedField[];
  stopped: ReadonlyMap<number, Loss>;
  /** Stops the reading of a message's step if its loss is a reason to. */
  noteLoss: (message: QueuedMessage, loss: Loss) => void;
}

/**
 * Reduces every field of a plan. A message that is not there, is damaged or is not what was asked for
 * becomes a rejection of its field. Messages that lie near each other come in one request, and of
 * long ones only the beginning that the region takes: results do not depend on it.
 *
 * A step whose references do not fit its files is read again from their indexes, once, after the
 * others: one GET and one HEAD a file, and the messages of the step once more. No field holds
 * messages of two versions of a file.
 *
 * @returns one field for each of the plan, in its order.
 * @throws {StorageError} when the server cannot be reached or refuses, and nothing is kept then.
 */
export async function reduceFields(
  plan: readonly PlannedField[],
  options: ReduceOptions,
): Promise<ReducedField[]> {
  const { workers = navigator.hardwareConcurrency, policy = DEFAULT_POLICY, storage } = options;
  using pool = new DecodePool(options.region, workers);
  const inStream = limitCalls(options.parallelFetches);
  const { needs = new PrefixNeeds() } = options;
  const tools: Tools = { ...options, pool, policy, inStream, needs };
  const { fields, stopped } = await reduceOnce(plan, ["replaced", "misplaced"], tools);
  for (const [stepHours, { cause }] of stopped) await options.onRestart?.(stepHours, cause!);

  const places = [...plan.keys()].filter((i) => stopped.has(plan[i]!.stepHours));
  const stale = places.map((place) => plan[place]!);
  const fresh = await replanFields(stale, storage, options.run);
  const onField: Tools["onField"] = (i, field) => options.onField?.(places[i]!, field);
  const again = await reduceOnce(fresh, ["replaced"], { ...tools, onField });
  places.forEach((place, i) => fields[place] = again.fields[i]!);
  return fields;
}

/** @param stops the causes that end the reading of a step; the others only cost the message. */
async function reduceOnce(
  plan: readonly PlannedField[],
  stops: readonly RestartCause[],
  tools: Tools,
): Promise<Pass> {
  const { pool, policy, needs, storage, onField } = tools;
  const fields: ReducedField[] = plan.map((field) => emptyField(field.rejections));
  const waiting = plan.map((field) => field.messages.length);
  const stopped = new Map<number, Loss>();
  const noteLoss: PassTools["noteLoss"] = ({ field }, loss) => {
    if (loss.cause && stops.includes(loss.cause)) stopped.set(plan[field]!.stepHours, loss);
  };
  const passTools = { ...tools, plan, stopped, noteLoss };

  const settleField = async (field: number, worker: number): Promise<void> => {
    const reduced = await pool.reduce(worker, field) ?? emptyField([]);
    const rejections = [...fields[field]!.rejections, ...reduced.rejections];
    rejections.sort((a, b) => a.member - b.member);
    fields[field] = { ...reduced, rejections };
    if (!stopped.has(plan[field]!.stepHours)) await onField?.(field, fields[field]);
  };
  const settle = async (message: QueuedMessage, loss: Loss | undefined): Promise<void> => {
    const { field, member, lot } = message;
    if (loss) {
      noteLoss(message, loss);
      fields[field]!.rejections.push({ member, reason: loss.reason });
    }
    if (--waiting[field]! === 0) await settleField(field, lot % pool.size);
  };
  const reduceRequest = async (request: FetchRequest<QueuedMessage>): Promise<void> => {
    const losses = await decodeRequest(request, passTools);
    for (const [i, message] of request.messages.entries()) await settle(message, losses[i]);
  };

  const queue = queueMessages(plan, pool.size);
  const scouts = policy.prefixes ? chooseScouts(queue, plan, needs) : new Set<QueuedMessage>();
  const followers = queue.filter((message) => !scouts.has(message));
  const wantBytes = ({ field, reference: { length } }: QueuedMessage) =>
    policy.prefixes && length > policy.wholeBytes
      ? needs.predict(plan[field]!.variable.name, length)
      : length;
  const gapBytes = (url: string) => chooseGap(policy, storage.requestCost(url));
  const { maxBytesUnderWay = 16 * 1024 * 1024 } = tools;
  for (const messages of [[...scouts], followers]) {
    const { maxJoinedBytes } = policy;
    const requests = scheduleRequests(messages, pool.size, wantBytes, gapBytes, maxJoinedBytes);
    await runWithin(maxBytesUnderWay, requests, ({ length }) => length, reduceRequest);
  }
  return { fields, stopped };
}

/**
 * Fetches a range and hands its messages to their worker.
 *
 * @returns for each message why it cannot be had; `undefined` when it is with the worker.
 */
async function decodeRequest(
  request: FetchRequest<QueuedMessage>,
  tools: PassTools,
): Promise<(Loss | undefined)[]> {
  const { url, messages } = request;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await fetchRange(messages[0]!, request, tools);
  } catch (error) {
    const loss = explainLoss(error, url);
    if (!loss) throw error;
    if (loss.splits && messages.length > 1) return await decodeApart(request, tools);
    for (const _ of messages) tools.onMessage?.(0);
    return messages.map(() => loss);
  }
  return await decodeMessages(request, bytes, tools);
}

/** Fetches a part of the file that a message is in, unless its step is not read on. */
async function fetchRange(
  message: QueuedMessage,
  range: ByteRange,
  { plan, stopped, storage, inStream, noteLoss }: PassTools,
): Promise<Uint8Array<ArrayBuffer>> {
  const { field, reference: { url } } = message;
  return await inStream(async () => {
    const stop = stopped.get(plan[field]!.stepHours);
    if (stop) throw new StepStopped(stop);
    try {
      return await storage.get(url, range);
    } catch (error) {
      // Before the next one gets the stream.
      const loss = explainLoss(error, url);
      if (loss && !loss.splits) noteLoss(message, loss);
      throw error;
    }
  });
}

/** Each message by a request of its own, so that none suffers for another. */
async function decodeApart(
  { url, messages }: FetchRequest<QueuedMessage>,
  tools: PassTools,
): Promise<(Loss | undefined)[]> {
  const losses: (Loss | undefined)[] = [];
  for (const message of messages) {
    const { offset, length } = message.reference;
    const alone = { url, offset, length, messages: [message] };
    losses.push(...await decodeRequest(alone, tools));
  }
  return losses;
}

async function decodeMessages(
  request: FetchRequest<QueuedMessage>,
  bytes: Uint8Array<ArrayBuffer>,
  tools: PassTools,
): Promise<(Loss | undefined)[]> {
  const { pool, onMessage } = tools;
  const { messages } = request;
  const shares = shareBytes(request);
  const worker = messages[0]!.lot % pool.size;
  const parts = messages.map((message) => {
    const start = message.reference.offset - request.offset;
    const end = start + countBrought(request, message.reference);
    return { field: message.field, expected: expect(message, tools), start, end };
  });
  const losses = messages.map(({ reference }, i) => {
    const { start, end } = parts[i]!;
    return checkPlace(bytes.subarray(start, end), reference.length, request.url);
  });
  const places = [...parts.keys()].filter((i) => !losses[i]);
  const needed = await pool.add(worker, bytes, places.map((i) => parts[i]!));
  for (const [n, i] of places.entries()) {
    const { start, end } = parts[i]!;
    const rest = await decodeRest(messages[i]!, end - start, needed[n], tools);
    losses[i] = rest.loss;
    shares[i]! += rest.bytes;
  }
  for (const [i, share] of shares.entries()) onMessage?.(losses[i] ? 0 : share);
  return losses;
}

/**
 * Of the rest of a message, when its beginning was too short and does not tell by how much: it seldom
 * is by more.
 */
const FIRST_SHARE = 1 / 3;

/** Fetches what is missing of a message whose beginning was too short, and learns from one that was not. */
async function decodeRest(
  message: QueuedMessage,
  givenBytes: number,
  neededBytes: number | undefined,
  tools: PassTools,
): Promise<{ loss?: Loss; bytes: number }> {
  const { plan, pool, policy, needs, onSecondRequest } = tools;
  const { field, lot, reference: { url, offset, length } } = message;
  let given = givenBytes;
  let needed = neededBytes;
  try {
    for (let isFirst = true; needed !== undefined && needed > given; isFirst = false) {
      onSecondRequest?.();
      const missing = needed - given;
      const asked = isFirst && needed === length ? Math.ceil(FIRST_SHARE * missing) : missing;
      const range = { offset: offset + given, length: asked };
      const rest = await fetchRange(message, range, tools);
      const part = { field, expected: expect(message, tools), start: 0, end: rest.length };
      given += rest.length;
      [needed] = await pool.add(lot % pool.size, rest, [part]);
    }
  } catch (error) {
    const loss = explainLoss(error, url);
    if (!loss) throw error;
    return { loss, bytes: 0 };
  }
  if (needed !== undefined && length > policy.wholeBytes) {
    needs.note(plan[field]!.variable.name, length, needed);
  }
  return { bytes: given - givenBytes };
}

function expect(
  { field, member }: QueuedMessage,
  { plan, run }: PassTools,
): ExpectedField {
  const { variable, stepHours } = plan[field]!;
  return { run, stepHours, member, variable };
}

const REMEDY = "run the pipeline and stream again";

/** Whether the message begins where its reference says, and has its length. */
function checkPlace(bytes: Uint8Array, messageBytes: number, url: string): Loss | undefined {
  try {
    checkMessage(bytes, messageBytes);
    return undefined;
  } catch (error) {
    const loss = explainLoss(error, url);
    if (!loss) throw error;
    return loss;
  }
}

/** @returns `undefined` for failures that concern more than one object. */
function explainLoss(error: unknown, url: string): Loss | undefined {
  if (error instanceof StepStopped) return error.loss;
  if (error instanceof GribError) {
    const reason = `no whole message lies where it is referenced in ${url}, ${REMEDY}`;
    return { reason, cause: "misplaced" };
  }
  if (!(error instanceof StorageError)) return undefined;
  const { kind, message } = error;
  if (kind === "missing") return { reason: message };
  if (kind === "corrupt") return { reason: message, splits: true };
  if (kind === "range") return { reason: message, cause: "misplaced", splits: true };
  if (kind !== "changed") return undefined;
  // Told only when it happens again: after the first time the step is read anew.
  return { reason: `${url} was replaced twice while it was read, ${REMEDY}`, cause: "replaced" };
}
