/**
 * Worker that decodes and reduces the fields it is given. It holds a field's decoded members until
 * it is told to reduce them.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import type { ExpectedField } from "../ecmwf/check.ts";
import type { Region } from "../grib/mod.ts";
import { FieldReducer, type ReducedField } from "./field.ts";

/** What the worker is asked. */
export type WorkerRequest =
  | { kind: "add"; field: number; message: Uint8Array; expected: ExpectedField; region: Region }
  | { kind: "reduce"; field: number };

/** A request and its number. */
export interface WorkerCall {
  call: number;
  request: WorkerRequest;
}

/** What it answers to the call of that number. */
export interface WorkerReply {
  call: number;
  /** For `reduce`, unless the field never had a message. */
  reduced?: ReducedField;
  /** An unexpected fault, which ends the command. */
  fault?: string;
}

const reducers = new Map<number, FieldReducer>();

self.onmessage = ({ data: { call, request } }: MessageEvent<WorkerCall>) => {
  try {
    self.postMessage({ call, reduced: answer(request) } satisfies WorkerReply);
  } catch (error) {
    const fault = error instanceof Error ? error.stack ?? error.message : String(error);
    self.postMessage({ call, fault } satisfies WorkerReply);
  }
};

function answer(request: WorkerRequest): ReducedField | undefined {
  const { field } = request;
  if (request.kind === "add") {
    const reducer = reducers.get(field) ?? new FieldReducer(request.region);
    reducers.set(field, reducer);
    reducer.add(request.message, request.expected);
    return undefined;
  }
  const reduced = reducers.get(field)?.reduce();
  reducers.delete(field);
  return reduced;
}
