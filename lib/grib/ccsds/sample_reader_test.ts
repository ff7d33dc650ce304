import { assert, assertEquals, assertInstanceOf, assertThrows } from "jsr:@std/assert@^1.0.0";
import { decodeSamples } from "../../../fixtures/ccsds/decode_samples.ts";
import { makeRandom, makeSignal } from "../../../fixtures/ccsds/signals.ts";
import { readVectors, type Vector } from "../../../fixtures/ccsds/vectors.ts";
import { GribError } from "../grib_error.ts";
import { parseFields } from "../parse_fields.ts";
import { type CcsdsParameters, planCoding } from "./coding.ts";
import { openSamples, readSamples } from "./sample_reader.ts";

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

function decodeWhole(stream: Uint8Array, vector: Vector) {
  return decodeSamples(stream, vector, 0, vector.sampleCount);
}

/** True when a damaged stream was refused; fails on anything but a GribError or plain samples. */
function isRefused(vector: Vector, stream: Uint8Array, message: string): boolean {
  try {
    const { samples } = decodeWhole(stream, vector);
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

/** Reads samples without room for more than an interval of them. */
function readPieces(
  stream: Uint8Array,
  parameters: CcsdsParameters,
  start: number,
  end: number,
  check: (piece: Uint32Array | Int32Array) => void = () => {},
): number {
  const coding = planCoding(parameters);
  const reader = openSamples(stream, coding);
  assertEquals(reader.samples.length, coding.samplesPerInterval);
  for (let at = start; at < end;) {
    const pieceEnd = readSamples(reader, at, end);
    const from = at % coding.samplesPerInterval;
    check(reader.samples.subarray(from, from + pieceEnd - at));
    at = pieceEnd;
  }
  return Math.ceil(reader.cursor.bit / 8);
}

Deno.test("readSamples() gives back what libaec encoded, for every width, block size and option", () => {
  for (const vector of vectors) {
    const { samples, bytesConsumed } = decodeWhole(vector.stream, vector);
    assertEquals(samples, makeSignal(vector), describe(vector));
    assertEquals(bytesConsumed, vector.stream.length, describe(vector));
  }
});

Deno.test("readSamples() decodes any range as the same part of the whole", () => {
  const random = makeRandom(1);
  for (const vector of vectors) {
    const expected = makeSignal(vector);
    for (let i = 0; i < 8; i++) {
      const { start, end } = drawRange(random, vector.sampleCount);
      const { samples } = decodeSamples(vector.stream, vector, start, end);
      const part = expected.subarray(start, end);
      assertEquals(samples, part, `${describe(vector)}, ${start} to ${end}`);
    }
  }
});

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

Deno.test("readSamples() reads no block after the last sample asked for", () => {
  const vector = vectors[0]!;
  const coding = planCoding(vector);
  const reader = openSamples(vector.stream, coding);
  readSamples(reader, 0, coding.blockSize);
  assertEquals(reader.blocksRead, 1);
});

Deno.test("readSamples() needs the bytes up to its cursor for a range, all of them and no more", () => {
  const random = makeRandom(2);
  for (const vector of smallVectors) {
    const { start, end } = drawRange(random, vector.sampleCount);
    const decode = (stream: Uint8Array) => decodeSamples(stream, vector, start, end);
    const whole = decode(vector.stream);
    assertEquals(decode(vector.stream.subarray(0, whole.bytesConsumed)), whole, describe(vector));
    assertThrows(
      () => decode(vector.stream.subarray(0, whole.bytesConsumed - 1)),
      GribError,
      "damaged or cut short",
    );
  }
});

Deno.test("readSamples() reads no byte before or after the stream", () => {
  for (const vector of smallVectors) {
    const { length } = vector.stream;
    for (const filler of [0x00, 0xff]) {
      const surrounded = new Uint8Array(length + 40).fill(filler);
      surrounded.set(vector.stream, 13);
      const stream = surrounded.subarray(13, 13 + length);
      const { samples } = decodeWhole(stream, vector);
      assertEquals(samples, makeSignal(vector), describe(vector));
      assert(isRefused(vector, stream.subarray(0, length - 1), describe(vector)));
    }
  }
});

Deno.test("readSamples() throws GribError wherever the stream is cut", () => {
  for (const vector of smallVectors.filter((_, i) => i % 4 === 0)) {
    for (let length = 0; length < vector.stream.length; length++) {
      const message = `${describe(vector)}, cut to ${length} bytes`;
      assert(isRefused(vector, vector.stream.subarray(0, length), message), message);
    }
  }
});

Deno.test("readSamples() gives plain samples or GribError, and ends, when bits are flipped", () => {
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

Deno.test("readSamples() gives plain samples or GribError, and ends, for any bytes at all", () => {
  const random = makeRandom(4);
  for (const vector of smallVectors) {
    const stream = Uint8Array.from({ length: 400 }, () => random() * 256);
    isRefused({ ...vector, sampleCount: 5000 }, stream, describe(vector));
  }
});

Deno.test("readSamples() does not depend on how an application stores samples in memory", () => {
  const [THREE_BYTES, MSB] = [2, 4];
  for (const vector of smallVectors) {
    const parameters = { ...vector, flags: vector.flags ^ THREE_BYTES ^ MSB };
    const { samples } = decodeSamples(vector.stream, parameters, 0, vector.sampleCount);
    assertEquals(samples, makeSignal(vector), describe(vector));
  }
});

Deno.test("readSamples() throws GribError for an interval that the reader has passed", () => {
  const vector = vectors[0]!;
  const coding = planCoding(vector);
  const reader = openSamples(vector.stream, coding);
  const next = coding.samplesPerInterval;
  readSamples(reader, next, next + 1);
  assertThrows(
    () => readSamples(reader, 0, 1),
    GribError,
    "the reader is at interval 1; read samples in ascending order",
  );
});

Deno.test("readSamples() throws GribError for samples that the stream does not have", () => {
  const { stream, sampleCount, ...parameters } = vectors[0]!;
  const ranges = [
    [0, sampleCount + 1],
    [sampleCount, sampleCount + 1],
    [0, Infinity],
  ] as const;
  for (const [start, end] of ranges) {
    assertThrows(
      () => readPieces(stream, parameters, start, end),
      GribError,
      "damaged or cut short",
    );
  }
  assertThrows(
    () => readPieces(stream, parameters, -1, 5),
    GribError,
    "Cannot read CCSDS interval",
  );
});

Deno.test("readSamples() takes memory for an interval, however many samples are asked for", () => {
  for (const sampleCount of [2 ** 25, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER]) {
    for (const vector of smallVectors.slice(0, 50)) {
      assertThrows(
        () => readPieces(vector.stream, vector, 0, sampleCount),
        GribError,
        "damaged or cut short",
      );
    }
  }
});

Deno.test("readSamples() reads more samples than any stream of their size should hold", () => {
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
  let readCount = 0;
  const bytesConsumed = readPieces(stream, parameters, 0, sampleCount, (piece) => {
    assert(piece.every((sample) => sample === 7));
    readCount += piece.length;
  });
  assertEquals([readCount, bytesConsumed], [sampleCount, stream.length]);
});

const realUrl = new URL("../../../../shared/data/ecmwf-ifs-oper-surface.grib2", import.meta.url);

Deno.test({
  name:
    "readSamples() decodes the tropics of real fields as the same part of the whole (needs ../shared)",
  ignore: !fileExists(realUrl),
  fn: () => {
    const [start, end] = [260 * 1440, 417 * 1440];
    for (const { representation, data } of parseFields(Deno.readFileSync(realUrl))) {
      if (representation.template !== 42 || representation.bitsPerValue === 0) continue;
      const { valueCount, bitsPerValue: bitsPerSample } = representation;
      const parameters = { ...representation, bitsPerSample };
      const whole = decodeSamples(data, parameters, 0, valueCount);
      const window = decodeSamples(data, parameters, start, end);
      assertEquals(whole.bytesConsumed, data.length);
      const part = whole.samples.subarray(start, end);
      assert(window.samples.every((sample, i) => sample === part[i]));
      const prefix = data.subarray(0, window.bytesConsumed);
      assert(prefix.length < data.length);
      assertEquals(decodeSamples(prefix, parameters, start, end), window);
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
