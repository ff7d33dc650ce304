/**
 * Unpacks the values of steps.
 *
 * @module
 */
import type { PackedSteps } from "./data.ts";
import { predictNumber } from "./predict.ts";

/** The grid of a step. */
export interface Shape {
  rows: number;
  columns: number;
}

/** The values of every step in shown units, row-major, NaN where missing. */
export async function unpackSteps(
  packed: PackedSteps,
  quantum: number,
  { rows, columns }: Shape,
): Promise<Float64Array[]> {
  const bytes = await inflate(decodeBase64(packed.bytes));
  const length = rows * columns;
  let codes = new Uint16Array(length);
  return [...packed.predictors].map((predictor, step) => {
    const planes = bytes.subarray(2 * length * step, 2 * length * (step + 1));
    codes = restoreCodes(planes, Number(predictor), codes, columns);
    return Float64Array.from(
      codes,
      (code) => code === 65535 ? NaN : (packed.base + code) * quantum,
    );
  });
}

/** The codes of a step from the remainders of its predictions. */
export function restoreCodes(
  planes: Uint8Array,
  predictor: number,
  before: Uint16Array,
  columns: number,
): Uint16Array<ArrayBuffer> {
  const { length } = before;
  const isPlane = predictor % 2 === 1;
  const numbers = new Uint16Array(length);
  for (let i = 0; i < length; i++) {
    const zigzag = planes[i]! | planes[length + i]! << 8;
    const rest = zigzag >> 1 ^ -(zigzag & 1);
    numbers[i] = predictNumber(numbers, i, columns, isPlane) + rest;
  }
  return predictor < 2 ? numbers : numbers.map((number, i) => number + before[i]!);
}

/** The bytes of a base64 text. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Inflates raw deflate, with the browser's own decoder. */
export async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
