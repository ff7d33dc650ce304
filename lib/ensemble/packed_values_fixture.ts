/**
 * Messages of the embedded run, decoded and packed, for tests.
 *
 * @module
 */
import { BEFORE_50R1 } from "../../fixtures/embedded_run.ts";
import { readMessage } from "../ecmwf/messages_fixture.ts";
import { decodePacked, decodePrefix, parsePrefix, selectWindow } from "../grib/mod.ts";
import type { ValuePacking } from "./packed_values.ts";

const REGION = { north: 25, west: 19, south: -14, east: 55 };

/** A message over a region. */
export interface DecodedMessage extends ValuePacking {
  member: number;
  /** Multiplied by the factor. */
  values: Float64Array;
  integers: Uint16Array<ArrayBuffer>;
}

/** A message of the embedded run over East Africa, which is packed in 16 bits or fewer. */
export function decodeMessage(param: string, member: number, factor: number = 1): DecodedMessage {
  const { run } = BEFORE_50R1;
  const field = parsePrefix(readMessage({ run, stepHours: 36, param, member }));
  const window = selectWindow(field.grid, REGION);
  const values = decodePrefix(field, window).values.map((value) => value * factor);
  const packed = decodePacked(field, window);
  if (!("integers" in packed)) throw new RangeError(`Cannot take ${param}: it has no integers`);
  return {
    member,
    values,
    integers: packed.integers,
    representation: field.representation,
    factor,
  };
}
