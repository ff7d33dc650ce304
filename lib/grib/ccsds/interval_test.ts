import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { makeRandom } from "../../../fixtures/ccsds/signals.ts";
import { GribError } from "../grib_error.ts";
import { type BitCursor, openBits } from "./bit_cursor.ts";
import { type CcsdsParameters, type Coding, planCoding } from "./coding.ts";
import { readBlock, skipInterval } from "./interval.ts";

// Streams written by hand from the standard, for what encoders do not write.

const ONE_BLOCK: CcsdsParameters = {
  bitsPerSample: 8,
  blockSize: 8,
  referenceSampleInterval: 1,
  flags: 8,
};

/** Bytes of a string of bits; spaces are for the reader. */
function packBits(text: string): Uint8Array {
  const bits = text.replaceAll(" ", "");
  const lengthBytes = Math.ceil(bits.length / 8);
  const padded = bits.padEnd(lengthBytes * 8, "0");
  return Uint8Array.from(
    { length: lengthBytes },
    (_, i) => parseInt(padded.slice(8 * i, 8 * i + 8), 2),
  );
}

/** Decodes one interval; skipping it must end at the same bit. */
function decodeInterval(parameters: CcsdsParameters, bits: string): number[] {
  const coding = planCoding(parameters);
  const stream = packBits(bits);
  const reading = openBits(stream);
  const samples = readBlocks(reading, coding);
  const skipping = openBits(stream);
  skipInterval(skipping, coding);
  assertEquals(skipping.bit, reading.bit);
  return [...samples];
}

function readBlocks(cursor: BitCursor, coding: Coding): Int32Array {
  const samples = new Int32Array(coding.samplesPerInterval);
  for (let block = 0; block < coding.blocksPerInterval;) {
    block += readBlock(cursor, coding, block, samples);
  }
  return samples;
}

Deno.test("readBlock() maps residuals to both sides, then to the side with more room", () => {
  const quotients = [0, 1, 2, 3, 4, 5, 6].map((quotient) => "0".repeat(quotient) + "1").join(" ");
  assertEquals(
    decodeInterval(ONE_BLOCK, `001 00000010 ${quotients}`),
    [2, 2, 1, 2, 0, 4, 1, 6],
  );
  assertEquals(
    decodeInterval(ONE_BLOCK, `001 11111110 ${quotients}`),
    [254, 254, 253, 254, 252, 254, 250, 253],
  );
});

Deno.test("readBlock() reads pairs of any size in the second extension", () => {
  const number = (a: number, b: number) => (a + b) * (a + b + 1) / 2 + b;
  const code = (a: number, b: number) => "0".repeat(number(a, b)) + "1";
  const bits = `000 1 ${code(0, 1)} ${code(30, 2)} ${code(0, 0)} ${code(1, 40)}`;
  assertEquals(decodeInterval({ ...ONE_BLOCK, flags: 0 }, bits), [0, 1, 30, 2, 0, 0, 1, 40]);
});

Deno.test("readBlock() splits off more bits than a sample has", () => {
  const parameters = { ...ONE_BLOCK, bitsPerSample: 17, flags: 0 };
  const remainders = [1, 2, 3, 4, 5, 6, 7, 2 ** 17 - 1];
  const bits = remainders.map((remainder) => remainder.toString(2).padStart(29, "0")).join(" ");
  assertEquals(decodeInterval(parameters, `11110 ${"1".repeat(8)} ${bits}`), remainders);
});

Deno.test("readBlock() reads quotients that span many words", () => {
  const parameters = { ...ONE_BLOCK, bitsPerSample: 16, flags: 0 };
  const quotients = [0, 31, 32, 33, 1000, 65535, 63, 5];
  const bits = quotients.map((quotient) => "0".repeat(quotient) + "1").join("");
  assertEquals(decodeInterval(parameters, `0001 ${bits}`), quotients);
});

/** The sample that a residual makes of the one before it: the standard's mapper, the other way around. */
function addResidual(previous: number, residual: number, maximum: number): number {
  const room = Math.min(previous, maximum - previous);
  if (residual <= 2 * room) {
    return residual % 2 === 0 ? previous + residual / 2 : previous - (residual + 1) / 2;
  }
  return previous === room ? residual : maximum - residual;
}

Deno.test("readBlock() adds residuals near and far from both ends of the range as the standard says", () => {
  const random = makeRandom(11);
  const draw = (end: number) => Math.floor(random() * end);
  for (let round = 0; round < 3000; round++) {
    const bitsPerSample = 9 + draw(8);
    const maximum = 2 ** bitsPerSample - 1;
    const k = draw(bitsPerSample - 2);
    const end = Math.min(maximum + 1, (1 + draw(6)) * 2 ** k);
    const distance = draw(8 * end);
    const reference = [distance, maximum - distance, draw(maximum)][draw(3)]!;
    let sample = Math.max(0, Math.min(maximum, reference));
    const expected = [sample];
    let bits = `${(k + 1).toString(2).padStart(4, "0")}${
      sample.toString(2).padStart(bitsPerSample, "0")
    }`;
    for (let block = 0; block < 3; block++) {
      const residuals = Array.from({ length: block === 0 ? 7 : 8 }, () => draw(end));
      for (const residual of residuals) {
        expected.push(sample = addResidual(sample, residual, maximum));
      }
      if (block > 0) bits += (k + 1).toString(2).padStart(4, "0");
      bits += residuals.map((residual) => "0".repeat(residual >> k) + "1").join("");
      const remainders = residuals.map((residual) =>
        (residual % 2 ** k).toString(2).padStart(k, "0")
      );
      if (k > 0) bits += remainders.join("");
    }
    const parameters = { ...ONE_BLOCK, bitsPerSample, referenceSampleInterval: 3 };
    assertEquals(decodeInterval(parameters, bits), expected, `${bitsPerSample} bits, k ${k}`);
  }
});

Deno.test("readBlock() reads quotients of any length in blocks near each other, from any bit", () => {
  const parameters = { ...ONE_BLOCK, bitsPerSample: 16, referenceSampleInterval: 2 };
  const first = 30000;
  for (let shift = 0; shift < 8; shift++) {
    for (let length = 238; length < 266; length++) {
      const blocks = [[shift, length, 0, 1, 7, 8, 9], [0, shift, 3, length, 64, 0, 2, length + 1]];
      const bits = blocks.map((quotients, i) => {
        const codes = quotients.map((quotient) => "0".repeat(quotient) + "1").join("");
        const reference = i === 0 ? first.toString(2).padStart(16, "0") : "";
        // The identifier of remainders of 2 bits.
        return `0011 ${reference} ${codes} ${"10".repeat(quotients.length)}`;
      });
      let sample = first;
      const expected = blocks.flat().map((quotient) => sample += 2 * quotient + 1);
      assertEquals(decodeInterval(parameters, bits.join("")), [first, ...expected]);
    }
  }
});

Deno.test("readBlock() throws GribError for a residual wider than a sample", () => {
  const quotients = `${"0".repeat(256)}1 ${"1".repeat(7)}`;
  for (const [flags, reference] of [[0, ""], [8, "00000000"]] as const) {
    assertThrows(
      () => decodeInterval({ ...ONE_BLOCK, flags }, `001 ${reference} ${quotients}`),
      GribError,
      "residual of more than 8 bits",
    );
  }
});

Deno.test("readBlock() reads the largest quotient that fits 32 bits and rejects the next", () => {
  const parameters = { ...ONE_BLOCK, bitsPerSample: 32 };
  const remainders = "101".padStart(25, "0") + "0".repeat(6 * 25);
  const block = (quotient: number) =>
    `11010 ${"0".repeat(32)} ${"0".repeat(quotient)}1 ${"1".repeat(6)} ${remainders}`;
  const sample = (127 * 2 ** 25 + 5) | 0;
  assertEquals(decodeInterval(parameters, block(127)), [0, ...Array(7).fill(sample)]);
  assertThrows(
    () => decodeInterval(parameters, block(128)),
    GribError,
    "residual above 32 bits",
  );
});

Deno.test("readBlock() throws GribError for a residual wider than 32 bits", () => {
  const parameters = { ...ONE_BLOCK, bitsPerSample: 32, flags: 0 };
  assertThrows(
    () => decodeInterval(parameters, `11110 00000000 1 ${"1".repeat(7)} ${"0".repeat(29 * 8)}`),
    GribError,
    "residual above 32 bits",
  );
});

Deno.test("readBlock() and skipInterval() throw GribError for zero blocks beyond the interval", () => {
  const parameters = { ...ONE_BLOCK, referenceSampleInterval: 3 };
  const stream = packBits("000 0 00000000 0001");
  const coding = planCoding(parameters);
  const message = "starts 4 zero blocks where the interval has 3 left";
  assertThrows(() => readBlocks(openBits(stream), coding), GribError, message);
  assertThrows(() => skipInterval(openBits(stream), coding), GribError, message);
});
