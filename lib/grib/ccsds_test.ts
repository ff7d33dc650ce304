import { assert, assertEquals, assertInstanceOf, assertThrows } from "jsr:@std/assert@^1.0.0";
import { makeRandom, makeSignal } from "../../fixtures/ccsds/signals.ts";
import { readVectors, type Vector } from "../../fixtures/ccsds/vectors.ts";
import { type CcsdsParameters, decodeCcsds } from "./ccsds.ts";
import { GribError } from "./grib_error.ts";
import { parseFields } from "./parse_fields.ts";

const SIGNED = 1;
const vectors = readVectors();

/** Vectors of a few hundred bytes at most, for tests that decode them again and again. */
const smallVectors = vectors.filter((vector) => vector.stream.length <= 300);

function describe(vector: Vector): string {
  const { bitsPerSample, blockSize, referenceSampleInterval, flags, signal } = vector;
  return `${signal}, ${bitsPerSample} bits, blocks of ${blockSize}, interval ` +
    `${referenceSampleInterval}, flags ${flags}`;
}

function drawRange(random: () => number, sampleCount: number): { start: number; end: number } {
  const start = Math.floor(random() * sampleCount);
  return { start, end: start + 1 + Math.floor(random() * (sampleCount - start)) };
}

/** True when a damaged stream was refused; fails on anything but a GribError or plain samples. */
function isRefused(vector: Vector, stream: Uint8Array, message: string): boolean {
  try {
    const { samples } = decodeCcsds(stream, vector, vector.sampleCount);
    assertEquals(samples.length, vector.sampleCount, message);
    const lowest = vector.flags & SIGNED ? -(2 ** (vector.bitsPerSample - 1)) : 0;
    const isPlain = samples.every((sample) =>
      sample >= lowest && sample < lowest + 2 ** vector.bitsPerSample
    );
    assert(isPlain, message);
    return false;
  } catch (error) {
    assertInstanceOf(error, GribError, `${message}: ${error}`);
    return true;
  }
}

Deno.test("decodeCcsds() gives back what libaec encoded, for every width, block size and option", () => {
  for (const vector of vectors) {
    const { samples, bytesConsumed } = decodeCcsds(vector.stream, vector, vector.sampleCount);
    assertEquals(samples, makeSignal(vector), describe(vector));
    assertEquals(bytesConsumed, vector.stream.length, describe(vector));
  }
});

Deno.test("decodeCcsds() decodes any range as the same part of the whole", () => {
  const random = makeRandom(1);
  for (const vector of vectors) {
    const expected = makeSignal(vector);
    for (let i = 0; i < 8; i++) {
      const range = drawRange(random, vector.sampleCount);
      const { samples } = decodeCcsds(vector.stream, vector, vector.sampleCount, range);
      const part = expected.subarray(range.start, range.end);
      assertEquals(samples, part, `${describe(vector)}, ${range.start} to ${range.end}`);
    }
  }
});

Deno.test("decodeCcsds() needs bytesConsumed bytes for a range, all of them and no more", () => {
  const random = makeRandom(2);
  for (const vector of smallVectors) {
    const range = drawRange(random, vector.sampleCount);
    const decode = (stream: Uint8Array) => decodeCcsds(stream, vector, vector.sampleCount, range);
    const whole = decode(vector.stream);
    assertEquals(decode(vector.stream.subarray(0, whole.bytesConsumed)), whole, describe(vector));
    assertThrows(
      () => decode(vector.stream.subarray(0, whole.bytesConsumed - 1)),
      GribError,
      "damaged or cut short",
    );
  }
});

Deno.test("decodeCcsds() reads no byte before or after the stream", () => {
  for (const vector of smallVectors) {
    const { length } = vector.stream;
    for (const filler of [0x00, 0xff]) {
      const surrounded = new Uint8Array(length + 40).fill(filler);
      surrounded.set(vector.stream, 13);
      const stream = surrounded.subarray(13, 13 + length);
      const { samples } = decodeCcsds(stream, vector, vector.sampleCount);
      assertEquals(samples, makeSignal(vector), describe(vector));
      assert(isRefused(vector, stream.subarray(0, length - 1), describe(vector)));
    }
  }
});

Deno.test("decodeCcsds() throws GribError wherever the stream is cut", () => {
  for (const vector of smallVectors.filter((_, i) => i % 4 === 0)) {
    for (let length = 0; length < vector.stream.length; length++) {
      const message = `${describe(vector)}, cut to ${length} bytes`;
      assert(isRefused(vector, vector.stream.subarray(0, length), message), message);
    }
  }
});

Deno.test("decodeCcsds() gives plain samples or GribError, and ends, when bits are flipped", () => {
  const random = makeRandom(3);
  let refused = 0;
  let tried = 0;
  for (const vector of smallVectors) {
    for (let i = 0; i < 40; i++, tried++) {
      const stream = vector.stream.slice();
      for (let flips = 1 + Math.floor(random() * 4); flips > 0; flips--) {
        const bit = Math.floor(random() * stream.length * 8);
        stream[bit >> 3]! ^= 0x80 >> (bit & 7);
      }
      if (isRefused(vector, stream, `${describe(vector)}, flip ${i}`)) refused++;
    }
  }
  assert(refused > tried / 20, `only ${refused} of ${tried} damaged streams were refused`);
});

Deno.test("decodeCcsds() gives plain samples or GribError, and ends, for any bytes at all", () => {
  const random = makeRandom(4);
  for (const vector of smallVectors) {
    const stream = Uint8Array.from({ length: 400 }, () => random() * 256);
    isRefused({ ...vector, sampleCount: 5000 }, stream, describe(vector));
  }
});

Deno.test("decodeCcsds() takes no notice of how samples are kept in memory", () => {
  const [THREE_BYTES, MSB] = [2, 4];
  for (const vector of smallVectors) {
    const parameters = { ...vector, flags: vector.flags ^ THREE_BYTES ^ MSB };
    const { samples } = decodeCcsds(vector.stream, parameters, vector.sampleCount);
    assertEquals(samples, makeSignal(vector), describe(vector));
  }
});

Deno.test("decodeCcsds() writes to `out` and touches no more of it than the range", () => {
  const vector = vectors[0]!;
  const out = new Uint32Array(2000).fill(0xdeadbeef);
  const range = { start: 4000, end: 5000 };
  const { samples } = decodeCcsds(vector.stream, vector, vector.sampleCount, range, out);
  assertEquals(samples.buffer, out.buffer);
  assertEquals(samples, makeSignal(vector).subarray(4000, 5000));
  assertEquals(out.subarray(1000), new Uint32Array(1000).fill(0xdeadbeef));
});

Deno.test("decodeCcsds() throws GribError when `out` is shorter than the range", () => {
  const { stream, sampleCount, ...parameters } = vectors[0]!;
  assertThrows(
    () => decodeCcsds(stream, parameters, sampleCount, undefined, new Uint32Array(9)),
    GribError,
    "`out` has room for 9",
  );
});

Deno.test("decodeCcsds() needs no bytes for an empty range", () => {
  const vector = vectors[0]!;
  const range = { start: 700, end: 700 };
  const result = decodeCcsds(new Uint8Array(0), vector, vector.sampleCount, range);
  assertEquals(result, { samples: new Uint32Array(0), bytesConsumed: 0 });
});

Deno.test("decodeCcsds() throws GribError for a range that the samples do not have", () => {
  const { stream, sampleCount, ...parameters } = vectors[0]!;
  const ranges = [[0, sampleCount + 1], [-1, 5], [6, 5], [0.5, 3], [0, NaN], [
    0,
    Infinity,
  ]] as const;
  for (const [start, end] of ranges) {
    assertThrows(
      () => decodeCcsds(stream, parameters, sampleCount, { start, end }),
      GribError,
      `samples ${start} to ${end}`,
    );
  }
});

Deno.test("decodeCcsds() takes no memory for samples that the stream cannot hold", () => {
  for (const sampleCount of [2 ** 25, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER]) {
    for (const vector of smallVectors.slice(0, 50)) {
      assertThrows(
        () => decodeCcsds(vector.stream, vector, sampleCount),
        GribError,
        "damaged or cut short",
      );
    }
  }
});

Deno.test("decodeCcsds() decodes fields larger than it trusts at first sight", () => {
  // One interval of zero blocks to the ends of its 64 segments: reference 7, then "rest of segment".
  const segment = "000" + "0" + "00001";
  const interval = "000" + "0" + "00000111" + "00001" + segment.repeat(63);
  const stream = packBits(interval.repeat(66));
  const parameters: CcsdsParameters = {
    bitsPerSample: 8,
    blockSize: 64,
    referenceSampleInterval: 4096,
    flags: 8,
  };
  const sampleCount = 66 * 64 * 4096;
  const { samples, bytesConsumed } = decodeCcsds(stream, parameters, sampleCount);
  assertEquals(bytesConsumed, stream.length);
  assert(samples.every((sample) => sample === 7));
});

const realUrl = new URL("../../../shared/data/ecmwf-ifs-oper-surface.grib2", import.meta.url);

Deno.test({
  name:
    "decodeCcsds() decodes the tropics of real fields as the same part of the whole (needs ../shared)",
  ignore: !fileExists(realUrl),
  fn: () => {
    const range = { start: 260 * 1440, end: 417 * 1440 };
    for (const { representation, data } of parseFields(Deno.readFileSync(realUrl))) {
      if (representation.template !== 42 || representation.bitsPerValue === 0) continue;
      const { valueCount, bitsPerValue: bitsPerSample } = representation;
      const parameters = { ...representation, bitsPerSample };
      const whole = decodeCcsds(data, parameters, valueCount);
      const window = decodeCcsds(data, parameters, valueCount, range);
      assertEquals(whole.bytesConsumed, data.length);
      const part = whole.samples.subarray(range.start, range.end);
      assert(window.samples.every((sample, i) => sample === part[i]));
      const prefix = data.subarray(0, window.bytesConsumed);
      assert(prefix.length < data.length);
      assertEquals(decodeCcsds(prefix, parameters, valueCount, range), window);
    }
  },
});

function packBits(bits: string): Uint8Array {
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0");
  return Uint8Array.from(
    { length: padded.length / 8 },
    (_, i) => parseInt(padded.slice(8 * i, 8 * i + 8), 2),
  );
}

function fileExists(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}
