/**
 * Worker that decodes and reduces fields. It holds the decoded members of a field until the request to
 * reduce them.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import type { ExpectedField } from "../ecmwf/check_message.ts";
import type { Region } from "../grib/mod.ts";
import type { FieldDemand } from "./statistic.ts";
import { release } from "../util/numbers.ts";
import { FieldReducer, type ReducedField } from "./field_reducer.ts";
import { WindowMemory } from "./packed_values.ts";

/** A request to the worker. */
export type WorkerRequest =
  | { kind: "add"; bytes: Uint8Array<ArrayBuffer>; parts: MessagePart[]; region: Region }
  | { kind: "reduce"; field: number; demand?: FieldDemand };

/** A message, or its beginning, in the bytes of a request. */
export interface MessagePart {
  /** Number of its field. */
  field: number;
  expected: ExpectedField;
  start: number;
  /** Exclusive. */
  end: number;
}

/** A request and its number. */
export interface WorkerCall {
  call: number;
  request: WorkerRequest;
}

/** The answer to the call of that number. */
export interface WorkerReply {
  call: number;
  /** For `add`, what each part's `FieldReducer.add()` returned. */
  needs?: (number | undefined)[];
  /** For `reduce`, unless the field has no message. */
  reduced?: ReducedField;
  /** A fault of the program, which ends the command. */
  fault?: string;
}

const reducers = new Map<number, FieldReducer>();
const memory = new WindowMemory();

self.onmessage = ({ data: { call, request } }: MessageEvent<WorkerCall>) => {
  try {
    const reply: WorkerReply = { call, ...answer(request) };
    self.postMessage(reply, reply.reduced ? listBuffers(reply.reduced) : []);
  } catch (error) {
    const fault = error instanceof Error ? error.stack ?? error.message : String(error);
    self.postMessage({ call, fault } satisfies WorkerReply);
  }
};

function answer(request: WorkerRequest): Omit<WorkerReply, "call"> {
  if (request.kind === "add") {
    const { bytes, parts, region } = request;
    const needs = parts.map((part) => addPart(bytes, part, region));
    release(bytes);
    return { needs };
  }
  const reduced = reducers.get(request.field)?.reduce(request.demand);
  reducers.delete(request.field);
  return reduced ? { reduced } : {};
}

/** The memory of a field's numbers, which is moved to the main thread: copies would take it three times. */
function listBuffers({ mean, deviation, further, counts, points, kept }: ReducedField) {
  const arrays = [mean, deviation, ...further ?? [], counts, points?.packed, kept?.packed];
  return arrays.flatMap((array) => array ? [array.buffer] : []) as ArrayBuffer[];
}

function addPart(
  bytes: Uint8Array,
  { field, expected, start, end }: MessagePart,
  region: Region,
): number | undefined {
  const reducer = reducers.get(field) ?? new FieldReducer(region, memory);
  reducers.set(field, reducer);
  return reducer.add(bytes.subarray(start, end), expected);
}
