import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { chooseChunkShape, cutChunk, listChunkOrigins } from "./chunk_shape.ts";

const FIELD = ["time", "valid_time", "latitude", "longitude"];

function choose(lengths: number[], maxBytes: number, dimensions = FIELD): number[] {
  return chooseChunkShape({ dimensions, lengths, bytesPerValue: 4 }, maxBytes);
}

/** Chunks that a map, and that a series at a point, is spread over. */
function countReads(lengths: number[], shape: number[]): { map: number; series: number } {
  const parts = lengths.map((length, i) => Math.ceil(length / shape[i]!));
  return { series: parts[0]! * parts[1]!, map: parts[2]! * parts[3]! };
}

Deno.test("chooseChunkShape() leaves an array that fits as one chunk", () => {
  assertEquals(choose([1, 9, 20, 30], 4 * 9 * 20 * 30), [1, 9, 20, 30]);
  assertEquals(choose([], 4, []), []);
});

Deno.test("a map and a series at a point are spread over about as many chunks", () => {
  for (
    const lengths of [[1, 85, 721, 1440], [1, 9, 157, 145], [1, 145, 90, 98], [1, 40, 384, 352]]
  ) {
    const shape = choose(lengths, 262_144);
    const { map, series } = countReads(lengths, shape);
    const ratio = map / series;
    assertEquals(ratio >= 0.5 && ratio <= 4, true, `${lengths}: ${shape}, ${map} and ${series}`);
    const bytes = shape.reduce((product, length) => product * length, 4);
    assertEquals(bytes <= 262_144 && bytes > 50_000, true, `${shape}`);
  }
});

Deno.test("chooseChunkShape() halves what is left where one kind of dimension is used up", () => {
  assertEquals(choose([1000, 2], 400, ["time", "bnds"]), [32, 2]);
  assertEquals(choose([1, 1, 1000, 1], 400), [1, 1, 63, 1]);
  assertEquals(choose([1, 1, 1, 1], 1), [1, 1, 1, 1]);
});

Deno.test("chunks of every shape hold each value once, and the fill value beyond the edges", () => {
  const lengths = [3, 1, 4, 5];
  const values = Int32Array.from({ length: 60 }, (_, i) => i);
  for (const shape of [[3, 1, 4, 5], [2, 1, 3, 2], [1, 1, 1, 1], [3, 2, 5, 7]]) {
    const origins = [...listChunkOrigins(lengths, shape)];
    const chunks = origins.map((origin) => cutChunk(values, lengths, origin, shape, -9));
    const found = chunks.flatMap((chunk) => [...chunk]);
    assertEquals(found.filter((value) => value >= 0).toSorted((a, b) => a - b), [...values]);
    const size = shape.reduce((product, length) => product * length, 1);
    assertEquals(found.length, origins.length * size);
    for (const [i, origin] of origins.entries()) {
      const [a, , c, d] = origin as [number, number, number, number];
      assertEquals(chunks[i]![0], a * 20 + c * 5 + d);
    }
  }
});

Deno.test("a scalar is one chunk of one value", () => {
  assertEquals([...listChunkOrigins([], [])], [[]]);
  assertEquals(cutChunk(Float64Array.of(7), [], [], [], 0), Float64Array.of(7));
});
