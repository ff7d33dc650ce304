/**
 * Fetches the messages of planned fields, decodes them in workers and reduces them.
 *
 * @module
 */
import type { Run } from "../ecmwf/run.ts";
import { checkMessage, GribError, type Region } from "../grib/mod.ts";
import { mapInParallel } from "../parallel.ts";
import { type Storage, StorageError } from "../storage/mod.ts";
import { emptyField, type ReducedField } from "./field.ts";
import type { PlannedField, PlannedMessage } from "./plan.ts";
import { DecodePool } from "./pool.ts";
import { replanFields } from "./replan.ts";

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
  /** Messages under way at once, fetched or being decoded. */
  parallelFetches: number;
  /** Decode workers. @default one a core */
  workers?: number;
  /** Called after each message that was asked for. */
  onMessage?: (bytes: number) => void;
  /** Called before a step is read again. */
  onRestart?: (stepHours: number, cause: RestartCause) => void;
  /**
   * Called once a field is reduced, with its place in the plan, and awaited. When its step has to be
   * read again what came before does not hold any more.
   */
  onField?: (index: number, field: ReducedField) => void | Promise<void>;
}

/** A message on its way, with the place of its field in the plan. */
interface QueuedMessage extends PlannedMessage {
  field: number;
}

/** Why a message cannot be had. */
interface Loss {
  reason: string;
  /** Set when the index may know better. */
  cause?: RestartCause;
}

/** What one go at a plan gave. */
interface Pass {
  /** One for each field of the plan, in its order. */
  fields: ReducedField[];
  /** What stopped the reading of a step, by its hours; the fields of these steps are not whole. */
  stopped: Map<number, Loss>;
}

/**
 * Reduces every field of a plan. One GET a message; a message that is not there, is damaged or is
 * not what was asked for becomes a rejection of its field.
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
  const { workers = navigator.hardwareConcurrency } = options;
  using pool = new DecodePool(options.region, workers);
  const { fields, stopped } = await reduceOnce(plan, ["replaced", "misplaced"], pool, options);
  for (const [stepHours, { cause }] of stopped) options.onRestart?.(stepHours, cause!);

  const places = [...plan.keys()].filter((i) => stopped.has(plan[i]!.stepHours));
  const stale = places.map((place) => plan[place]!);
  const fresh = await replanFields(stale, options.storage, options.run);
  const onField: ReduceOptions["onField"] = (i, field) => options.onField?.(places[i]!, field);
  const again = await reduceOnce(fresh, ["replaced"], pool, { ...options, onField });
  places.forEach((place, i) => fields[place] = again.fields[i]!);
  return fields;
}

/** @param stops the causes that end the reading of a step; the others only cost the message. */
async function reduceOnce(
  plan: readonly PlannedField[],
  stops: readonly RestartCause[],
  pool: DecodePool,
  options: ReduceOptions,
): Promise<Pass> {
  const fields: ReducedField[] = plan.map((field) => emptyField(field.rejections));
  const waiting = plan.map((field) => field.messages.length);
  const stopped = new Map<number, Loss>();

  const reduceMessage = async (message: QueuedMessage): Promise<void> => {
    const { field, member } = message;
    const { stepHours } = plan[field]!;
    const loss = stopped.get(stepHours) ??
      await decodeMessage(message, plan[field]!, pool, options);
    if (loss?.cause && stops.includes(loss.cause)) stopped.set(stepHours, loss);
    const result = fields[field]!;
    if (loss) result.rejections.push({ member, reason: loss.reason });
    if (--waiting[field]! > 0) return;
    const reduced = await pool.reduce(field) ?? emptyField([]);
    const rejections = [...result.rejections, ...reduced.rejections];
    rejections.sort((a, b) => a.member - b.member);
    fields[field] = { ...reduced, rejections };
    if (!stopped.has(stepHours)) await options.onField?.(field, fields[field]);
  };
  const queue = interleave(plan, pool.size);
  for await (const _ of mapInParallel(options.parallelFetches, queue, reduceMessage));
  return { fields, stopped };
}

/** Messages in an order that keeps every worker busy: as many fields at a time as workers. */
function* interleave(plan: readonly PlannedField[], workers: number): Generator<QueuedMessage> {
  for (let first = 0; first < plan.length; first += workers) {
    const fields = plan.slice(first, first + workers);
    const longest = Math.max(...fields.map((field) => field.messages.length));
    for (let i = 0; i < longest; i++) {
      for (let f = 0; f < fields.length; f++) {
        const message = fields[f]!.messages[i];
        if (message) yield { ...message, field: first + f };
      }
    }
  }
}

const REMEDY = "run the pipeline and stream again";

/** @returns why the message cannot be had; `undefined` when it is with its worker. */
async function decodeMessage(
  { field, member, reference }: QueuedMessage,
  { variable, stepHours }: PlannedField,
  pool: DecodePool,
  { storage, run, onMessage }: ReduceOptions,
): Promise<Loss | undefined> {
  try {
    const message = await storage.get(reference.url, reference);
    checkMessage(message);
    const bytes = message.byteLength;
    await pool.add(field, message, { run, stepHours, member, variable });
    onMessage?.(bytes);
    return undefined;
  } catch (error) {
    const loss = explainLoss(error, reference.url);
    if (!loss) throw error;
    onMessage?.(0);
    return loss;
  }
}

/** @returns `undefined` for failures that concern more than one object. */
function explainLoss(error: unknown, url: string): Loss | undefined {
  if (error instanceof GribError) {
    const reason = `no whole message lies where it is referenced in ${url}, ${REMEDY}`;
    return { reason, cause: "misplaced" };
  }
  if (!(error instanceof StorageError)) return undefined;
  const { kind, message } = error;
  if (kind === "missing" || kind === "corrupt") return { reason: message };
  if (kind === "range") return { reason: message, cause: "misplaced" };
  if (kind !== "changed") return undefined;
  // Told only when it happens again: after the first time the step is read anew.
  return { reason: `${url} was replaced twice while it was read, ${REMEDY}`, cause: "replaced" };
}
