/**
 * Worker that decodes and reduces the fields it is given. It holds a field's decoded members until
 * it is told to reduce them.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import type { ExpectedField } from "../ecmwf/check_message.ts";
import type { Region } from "../grib/mod.ts";
import { FieldReducer, type ReducedField } from "./field_reducer.ts";

/** What the worker is asked. */
export type WorkerRequest =
  | { kind: "add"; bytes: Uint8Array; parts: MessagePart[]; region: Region }
  | { kind: "reduce"; field: number };

/** Where a message, or as much of it as was fetched, lies in the bytes that come with it. */
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

/** What it answers to the call of that number. */
export interface WorkerReply {
  call: number;
  /** For `add`, what each part's `FieldReducer.add()` returned. */
  needs?: (number | undefined)[];
  /** For `reduce`, unless the field never had a message. */
  reduced?: ReducedField;
  /** An unexpected fault, which ends the command. */
  fault?: string;
}

const reducers = new Map<number, FieldReducer>();

self.onmessage = ({ data: { call, request } }: MessageEvent<WorkerCall>) => {
  try {
    self.postMessage({ call, ...answer(request) } satisfies WorkerReply);
  } catch (error) {
    const fault = error instanceof Error ? error.stack ?? error.message : String(error);
    self.postMessage({ call, fault } satisfies WorkerReply);
  }
};

function answer(request: WorkerRequest): Omit<WorkerReply, "call"> {
  if (request.kind === "add") {
    const { bytes, parts, region } = request;
    return { needs: parts.map((part) => addPart(bytes, part, region)) };
  }
  const reduced = reducers.get(request.field)?.reduce();
  reducers.delete(request.field);
  return reduced ? { reduced } : {};
}

function addPart(
  bytes: Uint8Array,
  { field, expected, start, end }: MessagePart,
  region: Region,
): number | undefined {
  const reducer = reducers.get(field) ?? new FieldReducer(region);
  reducers.set(field, reducer);
  return reducer.add(bytes.subarray(start, end), expected);
}
