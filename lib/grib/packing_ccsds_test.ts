import { assert, assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { makeSignal } from "../../fixtures/ccsds/signals.ts";
import { readVectors, type Vector } from "../../fixtures/ccsds/vectors.ts";
import { decodeField } from "./decode.ts";
import { GribError } from "./grib_error.ts";
import { copyNamedMessage } from "./messages_fixture.ts";
import { openCcsds } from "./packing_ccsds.ts";
import { parseFields } from "./parse_fields.ts";
import type { CcsdsRepresentation } from "./representation.ts";
import { fullWindow } from "./window.ts";

const SIGNED = 1;
const vectors = readVectors();
const isSigned = ({ flags }: Vector) => (flags & SIGNED) !== 0;

/** A vector as a field whose values are its samples. */
function representationOf(vector: Vector): CcsdsRepresentation {
  const { bitsPerSample, blockSize, referenceSampleInterval, flags, sampleCount } = vector;
  return {
    template: 42,
    valueCount: sampleCount,
    referenceValue: 0,
    binaryScaleFactor: 0,
    decimalScaleFactor: 0,
    bitsPerValue: bitsPerSample,
    flags,
    blockSize,
    referenceSampleInterval,
  };
}

Deno.test("openCcsds() reads what libaec encoded, and says how many bytes that took", () => {
  const unsigned = vectors.filter((vector) => !isSigned(vector));
  assert(unsigned.length > 400);
  for (const vector of unsigned) {
    const packing = openCcsds(representationOf(vector), vector.stream);
    const values = new Float64Array(vector.sampleCount);
    packing.readValues(0, vector.sampleCount, values, 0);
    assertEquals(values, Float64Array.from(makeSignal(vector)));
    assertEquals(packing.dataBytes, vector.stream.length);
  }
});

Deno.test("openCcsds() throws GribError for every vector of signed samples", () => {
  for (const vector of vectors.filter(isSigned)) {
    assertThrows(
      () => openCcsds(representationOf(vector), vector.stream),
      GribError,
      `flags ${vector.flags} (template 5.42, octet 22)`,
    );
  }
});

Deno.test("openCcsds() writes to `out` and touches no more of it than the range", () => {
  const vector = vectors[0]!;
  const out = new Float64Array(2000).fill(-1);
  const { readValues } = openCcsds(representationOf(vector), vector.stream);
  readValues(4000, 1000, out, 500);
  const expected = new Float64Array(2000).fill(-1);
  expected.set(makeSignal(vector).subarray(4000, 5000), 500);
  assertEquals(out, expected);
});

Deno.test("openCcsds() needs no bytes for an empty range", () => {
  const packing = openCcsds(representationOf(vectors[0]!), new Uint8Array(0));
  packing.readValues(700, 0, new Float64Array(0), 0);
  assertEquals(packing.dataBytes, 0);
});

Deno.test("decodeField() of CCSDS throws GribError when `out` is shorter than the window", () => {
  const field = parseFields(copyNamedMessage("CCSDS packing, 16 bits"))[0]!;
  assertThrows(
    () => decodeField(field, fullWindow(field.grid), new Float64Array(9)),
    GribError,
    "into an array of 9",
  );
});
