import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeRandom } from "../../fixtures/random.ts";
import {
  chooseQuantum,
  countDigits,
  packCodes,
  quantize,
  type StatisticFields,
} from "./pack_values.ts";
import { unpackSteps } from "./page/unpack.ts";

/** Fields of a kind, smooth or not, with or without missing cells, and their shape. */
function makeFields(seed: number) {
  const random = makeRandom(seed);
  for (let i = 0; i < 9; i++) random(); // the first numbers of near seeds are near
  const [rows, columns, steps] = [1 + Math.floor(9 * random()), 1 + Math.floor(9 * random()), 3];
  const [size, offset] = [10 ** (12 * random() - 6), random() < 0.5 ? 0 : 1e5 * random()];
  const [noise, gaps] = [random(), random() < 0.3 ? random() : 0];
  const makeField = (deviation: boolean) =>
    Float32Array.from({ length: rows * columns }, (_, i) => {
      if (random() < gaps) return NaN;
      const smooth = Math.sin(i % columns / 3) + Math.cos(Math.floor(i / columns) / 4);
      const value = size * (smooth + noise * random());
      return deviation ? Math.abs(value) / 20 : offset + value;
    });
  const fields: StatisticFields = {
    values: Array.from({ length: steps }, () => makeField(false)),
    deviation: Array.from({ length: steps }, () => makeField(true)),
  };
  return { fields, shape: { rows, columns } };
}

Deno.test("packing and unpacking gives every value to within half a quantum and the stated error", async () => {
  let values = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const { fields, shape } = makeFields(seed);
    const factor = seed % 2 ? 1 : 0.01;
    const quantum = chooseQuantum(fields, factor, 1 / 64);
    for (const given of [fields.values, fields.deviation]) {
      const codes = quantize(given, factor, quantum);
      const packed = await packCodes(codes, shape.columns);
      const unpacked = await unpackSteps(packed, quantum, shape);
      assertEquals(unpacked.length, given.length);
      assert(codes.largestError <= quantum * 0.5001, `${codes.largestError} of ${quantum}`);
      unpacked.forEach((field, step) =>
        field.forEach((value, i) => {
          const expected = given[step]![i]! * factor;
          assertEquals(Number.isNaN(value), Number.isNaN(expected));
          if (Number.isNaN(expected)) return;
          values++;
          assert(Math.abs(value - expected) <= codes.largestError, `seed ${seed}: ${value}`);
        })
      );
    }
  }
  assert(values > 10_000);
});

const field = (...values: number[]) => [Float32Array.from(values)];

Deno.test("chooseQuantum() takes a round share of the typical spread", () => {
  const spreadOf = (...deviations: number[]) => ({
    values: field(280, 300),
    deviation: field(...deviations),
  });
  assertEquals(chooseQuantum(spreadOf(0.7, 0.7), 1, 1 / 64), 0.01);
  assertEquals(chooseQuantum(spreadOf(1, 7, NaN), 1, 1 / 64), 0.05); // root mean square 5
  assertEquals(chooseQuantum(spreadOf(0.128, 0.128), 1, 1 / 64), 0.002);
  assertEquals(chooseQuantum(spreadOf(0.7, 0.7), 100, 1 / 64), 1);
});

Deno.test("chooseQuantum() is at least as coarse as 16 bits and float32 require", () => {
  assertEquals(
    chooseQuantum({ values: field(0, 1e5), deviation: field(1e-3, 1e-3) }, 1, 1 / 64),
    2,
  );
  assertEquals(chooseQuantum({ values: field(0, 655), deviation: field(0, 0) }, 1, 1 / 64), 0.01);
  assertEquals(chooseQuantum({ values: field(1e5, 1e5), deviation: field(0, 0) }, 1, 1 / 64), 0.01);
  assertEquals(chooseQuantum({ values: field(NaN), deviation: field(NaN) }, 1, 1 / 64), 1);
  assertEquals(chooseQuantum({ values: field(0, 0), deviation: field(0, 0) }, 1, 1 / 64), 1);
});

Deno.test("countDigits() gives the decimals that a multiple of the quantum has", () => {
  const digits = [5000, 10, 1, 0.5, 0.2, 0.1, 0.05, 0.001, 0.000002].map(countDigits);
  assertEquals(digits, [0, 0, 0, 1, 1, 1, 2, 3, 6]);
});

Deno.test("infinite values count as missing: they have no colour or number", () => {
  const { steps, base, largestError } = quantize(field(1, Infinity, 2, -Infinity), 1, 1);
  assertEquals([[...steps[0]!], base, largestError], [[0, 65535, 1, 65535], 1, 0]);
});

Deno.test("steps are predicted from their neighbours or from the previous step, whichever is nearer", async () => {
  const columns = 16;
  const make = (value: (row: number, column: number) => number) =>
    Float32Array.from({ length: 256 }, (_, i) => value(i >> 4, i % columns));
  const rough = makeRandom(7);
  const ground = make(() => Math.floor(5000 * rough()));
  const plane = make((row, column) => 30 * row + 70 * column);
  const fields = [ground, ground.map((value) => value + 3), plane, make((row) => 100 * row)];
  const { predictors } = await packCodes(quantize(fields, 1, 1), columns);
  assertEquals(predictors.slice(1), "210");
});
