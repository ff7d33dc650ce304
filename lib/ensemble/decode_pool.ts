/**
 * A pool of workers that decode and reduce fields. The caller sends all messages of a field to one
 * worker.
 *
 * @module
 */
import type { ExpectedField } from "../ecmwf/check_message.ts";
import type { Region } from "../grib/mod.ts";
import { release } from "../util/numbers.ts";
import type { FieldDemand } from "./statistic.ts";
import type { ReducedField } from "./field_reducer.ts";
import type {
  FieldOpening,
  MessagePart,
  WorkerCall,
  WorkerReply,
  WorkerRequest,
} from "./decode_worker.ts";

interface Call {
  resolve(reply: WorkerReply): void;
  reject(error: Error): void;
}

/** A message, or its beginning, for the worker that has its field. */
export interface WorkerPart extends Omit<MessagePart, "member"> {
  worker: number;
  /** All messages of a field differ in their member only. */
  expected: ExpectedField;
}

/** Decodes and reduces fields in workers, until it is disposed of. */
export class DecodePool implements Disposable {
  readonly #workers: Worker[];
  readonly #calls = new Map<number, Call>();
  /** Fields that a worker knows. */
  readonly #opened = new Set<number>();
  #nextCall = 0;
  /** Why a worker stopped; later calls are rejected with it. */
  #failure: Error | undefined;

  /**
   * @param region the window of every field.
   * @param size number of workers; one a core is fastest.
   */
  constructor(private readonly region: Region, size: number) {
    this.#workers = Array.from({ length: size }, () => this.#startWorker());
  }

  /** Number of workers. */
  get size(): number {
    return this.#workers.length;
  }

  /** Starts as many workers as it lacks. */
  grow(size: number): void {
    while (this.#workers.length < size) this.#workers.push(this.#startWorker());
  }

  #startWorker(): Worker {
    const worker = new Worker(new URL("./decode_worker.ts", import.meta.url), {
      type: "module",
    });
    worker.onmessage = ({ data }: MessageEvent<WorkerReply>) => this.#settle(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#failAll(new Error(`A decode worker stopped: ${event.message}`));
    };
    return worker;
  }

  /**
   * Sends messages to the workers of their fields. The bytes are moved, not copied, where all are for one
   * worker.
   *
   * @returns for each part what `FieldReducer.add()` returns.
   */
  async add(
    bytes: Uint8Array<ArrayBuffer>,
    parts: readonly WorkerPart[],
  ): Promise<(number | undefined)[]> {
    const needs = new Array<number | undefined>(parts.length);
    const shares = [...Map.groupBy(parts.keys(), (i) => parts[i]!.worker)]
      .map(([worker, indexes]) => ({ worker, indexes, parts: indexes.map((i) => parts[i]!) }));
    const cuts = shares.length === 1
      ? [{ bytes, parts: shares[0]!.parts }]
      : shares.map(({ parts }) => cutOut(bytes, parts));
    if (shares.length !== 1) release(bytes);
    await Promise.all(shares.map(async ({ worker, indexes }, i) => {
      const found = await this.#add(worker, cuts[i]!.bytes, cuts[i]!.parts);
      indexes.forEach((index, n) => needs[index] = found[n]);
    }));
    return needs;
  }

  async #add(
    worker: number,
    bytes: Uint8Array<ArrayBuffer>,
    given: readonly WorkerPart[],
  ): Promise<(number | undefined)[]> {
    const opened = given.flatMap((part) => this.#open(part));
    const parts = given.map(({ field, expected: { member }, start, end }) => ({
      ...{ field, member, start, end },
    }));
    const reply = await this.#ask(worker, { kind: "add", bytes, parts, opened }, [bytes.buffer]);
    return reply.needs!;
  }

  /** What the worker of a field must know of it, unless it does. */
  #open({ field, expected: { member: _, ...expected } }: WorkerPart): FieldOpening[] {
    if (this.#opened.has(field)) return [];
    this.#opened.add(field);
    return [{ field, region: this.region, expected }];
  }

  /**
   * Statistics of the messages added to a field; the worker forgets the field.
   *
   * @param demand what is asked for besides mean and deviation.
   * @returns `undefined` when no message was added.
   */
  async reduce(
    worker: number,
    field: number,
    demand?: FieldDemand,
  ): Promise<ReducedField | undefined> {
    this.#opened.delete(field);
    return (await this.#ask(worker, { kind: "reduce", field, demand }, [])).reduced;
  }

  #ask(number: number, request: WorkerRequest, transfer: Transferable[]): Promise<WorkerReply> {
    const call = this.#nextCall++;
    const worker = this.#workers[number]!;
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      this.#calls.set(call, { resolve, reject });
      worker.postMessage({ call, request } satisfies WorkerCall, transfer);
    });
  }

  #settle(reply: WorkerReply): void {
    const call = this.#calls.get(reply.call);
    this.#calls.delete(reply.call);
    if (reply.fault) call?.reject(new Error(`A decode worker failed: ${reply.fault}`));
    else call?.resolve(reply);
  }

  #failAll(error: Error): void {
    this.#failure = error;
    for (const call of this.#calls.values()) call.reject(error);
    this.#calls.clear();
  }

  /** Stops the workers. */
  [Symbol.dispose](): void {
    for (const worker of this.#workers) worker.terminate();
  }
}

/**
 * A worker that is started before its work is known: it loads its modules while indexes or stores are read.
 * Whoever fetches first takes it; where nothing is fetched it ends with this object.
 */
export class EarlyPool implements Disposable {
  #pool: DecodePool | undefined;

  /** @param region the window of every field. */
  constructor(region: Region) {
    this.#pool = new DecodePool(region, 1);
  }

  /** The pool, which its taker disposes of; `undefined` once it was taken. */
  take(): DecodePool | undefined {
    const pool = this.#pool;
    this.#pool = undefined;
    return pool;
  }

  [Symbol.dispose](): void {
    this.take()?.[Symbol.dispose]();
  }
}

/** The pool that was started before, grown, or else a new one. @param size number of workers. */
export function openPool(early: EarlyPool | undefined, region: Region, size: number): DecodePool {
  const pool = early?.take() ?? new DecodePool(region, size);
  pool.grow(size);
  return pool;
}

/** A copy of the bytes from the first of some parts to the last, and where they are in it. */
function cutOut(
  bytes: Uint8Array<ArrayBuffer>,
  parts: readonly WorkerPart[],
): { bytes: Uint8Array<ArrayBuffer>; parts: WorkerPart[] } {
  const first = Math.min(...parts.map(({ start }) => start));
  const last = Math.max(...parts.map(({ end }) => end));
  const moved = parts.map((part) => ({
    ...part,
    start: part.start - first,
    end: part.end - first,
  }));
  return { bytes: bytes.slice(first, last), parts: moved };
}
