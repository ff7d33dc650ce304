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
  | {
    kind: "add";
    call: number;
    field: number;
    message: Uint8Array;
    expected: ExpectedField;
    region: Region;
  }
  | { kind: "reduce"; call: number; field: number };

/** What it answers; `call` is the request's. */
export interface WorkerReply {
  call: number;
  /** For `reduce`, unless the field never had a message. */
  reduced?: ReducedField;
  /** An unexpected fault, which ends the command. */
  fault?: string;
}

const reducers = new Map<number, FieldReducer>();

self.onmessage = ({ data }: MessageEvent<WorkerRequest>) => {
  try {
    self.postMessage(answer(data));
  } catch (error) {
    const fault = error instanceof Error ? error.stack ?? error.message : String(error);
    self.postMessage({ call: data.call, fault } satisfies WorkerReply);
  }
};

function answer(request: WorkerRequest): WorkerReply {
  const { call, field } = request;
  if (request.kind === "add") {
    const reducer = reducers.get(field) ?? new FieldReducer(request.region);
    reducers.set(field, reducer);
    reducer.add(request.message, request.expected);
    return { call };
  }
  const reduced = reducers.get(field)?.reduce();
  reducers.delete(field);
  return { call, ...(reduced && { reduced }) };
}
