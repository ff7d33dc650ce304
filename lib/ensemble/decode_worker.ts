/**
 * Worker that decodes and reduces fields. It holds the decoded members of a field until the request to
 * reduce them.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import type { ExpectedField } from "../ecmwf/check_message.ts";
import type { Member } from "../ecmwf/members.ts";
import type { Region } from "../grib/mod.ts";
import type { FieldDemand } from "./statistic.ts";
import { release } from "../util/numbers.ts";
import { FieldReducer, type ReducedField } from "./field_reducer.ts";
import { WindowMemory } from "./packed_values.ts";

/** A request to the worker. */
export type WorkerRequest =
  | { kind: "add"; bytes: Uint8Array<ArrayBuffer>; parts: MessagePart[]; opened: FieldOpening[] }
  | { kind: "reduce"; field: number; demand?: FieldDemand };

/** A field that is new to the worker: what all its messages have in common, which is copied only once. */
export interface FieldOpening {
  /** Its number. */
  field: number;
  region: Region;
  expected: Omit<ExpectedField, "member">;
}

/** A message, or its beginning, in the bytes of a request. */
export interface MessagePart {
  /** Number of its field. */
  field: number;
  member: Member;
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

/** A field of which messages were added. */
interface OpenField {
  reducer: FieldReducer;
  expected: FieldOpening["expected"];
}

const fields = new Map<number, OpenField>();
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
    const { bytes, parts, opened } = request;
    for (const { field, region, expected } of opened) {
      fields.set(field, { reducer: new FieldReducer(region, memory), expected });
    }
    const needs = parts.map((part) => addPart(bytes, part));
    release(bytes);
    return { needs };
  }
  const reduced = fields.get(request.field)?.reducer.reduce(request.demand);
  fields.delete(request.field);
  return reduced ? { reduced } : {};
}

/** The memory of a field's numbers, which is moved to the main thread: copies would take it three times. */
function listBuffers({ mean, deviation, further, counts, points, kept }: ReducedField) {
  const arrays = [mean, deviation, ...further ?? [], counts, points?.packed, kept?.packed];
  return arrays.flatMap((array) => array ? [array.buffer] : []) as ArrayBuffer[];
}

function addPart(
  bytes: Uint8Array,
  { field, member, start, end }: MessagePart,
): number | undefined {
  const { reducer, expected } = fields.get(field)!;
  return reducer.add(bytes.subarray(start, end), { ...expected, member });
}
