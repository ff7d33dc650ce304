import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { makeRandom, makeSignal } from "../../../fixtures/ccsds/signals.ts";
import { readVectors } from "../../../fixtures/ccsds/vectors.ts";
import { GribError } from "../grib_error.ts";
import { planCoding } from "./coding.ts";
import { openSamples, readSamples } from "./sample_reader.ts";

const vectors = readVectors();

Deno.test("readSamples() gives any ascending pieces as the same parts of the whole", () => {
  const random = makeRandom(6);
  for (const vector of vectors) {
    const coding = planCoding(vector);
    const expected = makeSignal(vector);
    const reader = openSamples(vector.stream, coding);
    for (let at = 0; at < vector.sampleCount;) {
      at += Math.floor(random() * random() * 300);
      const end = Math.min(vector.sampleCount, at + Math.floor(random() * 300));
      while (at < end) {
        const pieceEnd = readSamples(reader, at, end);
        const from = at % coding.samplesPerInterval;
        const piece = reader.samples.subarray(from, from + pieceEnd - at);
        assertEquals(piece, expected.subarray(at, pieceEnd));
        at = pieceEnd;
      }
    }
  }
});

Deno.test("readSamples() looks at no block after the last sample asked for", () => {
  const vector = vectors[0]!;
  const coding = planCoding(vector);
  const reader = openSamples(vector.stream, coding);
  readSamples(reader, 0, coding.blockSize);
  assertEquals(reader.blocksRead, 1);
});

Deno.test("readSamples() throws GribError for an interval that has been left behind", () => {
  const vector = vectors[0]!;
  const coding = planCoding(vector);
  const reader = openSamples(vector.stream, coding);
  const next = coding.samplesPerInterval;
  readSamples(reader, next, next + 1);
  assertThrows(() => readSamples(reader, 0, 1), GribError, "come to interval 1, read samples in");
});
