/**
 * Fetches the messages of planned fields, decodes them in workers and reduces them.
 *
 * @module
 */
import type { Run } from "../ecmwf/run.ts";
import type { Region } from "../grib/mod.ts";
import { mapInParallel } from "../parallel.ts";
import { type Storage, StorageError } from "../storage/mod.ts";
import { emptyField, type ReducedField } from "./field.ts";
import type { PlannedField, PlannedMessage } from "./plan.ts";
import { DecodePool } from "./pool.ts";

/** How to reduce. */
export interface ReduceOptions {
  storage: Storage;
  run: Run;
  region: Region;
  /** Messages under way at once, fetched or being decoded. */
  parallelFetches: number;
  /** Decode workers. @default one a core */
  workers?: number;
  /** Called after each message. */
  onMessage?: (bytes: number) => void;
}

/** A message on its way, with the place of its field in the plan. */
interface QueuedMessage extends PlannedMessage {
  field: number;
}

/**
 * Reduces every field of a plan. One GET a message; a message that is not there, is damaged or is
 * not what was asked for becomes a rejection of its field.
 *
 * @returns one field for each of the plan, in its order.
 * @throws {StorageError} when the server cannot be reached or refuses, and nothing is kept then.
 */
export async function reduceFields(
  plan: readonly PlannedField[],
  options: ReduceOptions,
): Promise<ReducedField[]> {
  const { parallelFetches, workers = navigator.hardwareConcurrency } = options;
  using pool = new DecodePool(options.region, workers);
  const results: ReducedField[] = plan.map((field) => emptyField(field.rejections));
  const waiting = plan.map((field) => field.messages.length);

  const reduceMessage = async (message: QueuedMessage): Promise<void> => {
    const { field, member } = message;
    const reason = await decodeMessage(message, plan[field]!, pool, options);
    const result = results[field]!;
    if (reason) result.rejections.push({ member, reason });
    if (--waiting[field]! > 0) return;
    const reduced = await pool.reduce(field) ?? emptyField([]);
    const rejections = [...result.rejections, ...reduced.rejections];
    rejections.sort((a, b) => a.member - b.member);
    results[field] = { ...reduced, rejections };
  };
  const queue = interleave(plan, workers);
  for await (const _ of mapInParallel(parallelFetches, queue, reduceMessage));
  return results;
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

/** Kinds of failure that concern one object and leave the others to be had. */
const LOCAL_FAILURES: readonly string[] = ["missing", "range", "corrupt"];

/** @returns why the message cannot be had; `undefined` when it is with its worker. */
async function decodeMessage(
  { field, member, reference }: QueuedMessage,
  { variable, stepHours }: PlannedField,
  pool: DecodePool,
  { storage, run, onMessage }: ReduceOptions,
): Promise<string | undefined> {
  try {
    const message = await storage.get(reference.url, reference);
    const bytes = message.byteLength;
    await pool.add(field, message, { run, stepHours, member, variable });
    onMessage?.(bytes);
    return undefined;
  } catch (error) {
    if (!(error instanceof StorageError) || !LOCAL_FAILURES.includes(error.kind)) throw error;
    onMessage?.(0);
    return error.message;
  }
}
