import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { decodeField, type GribField, parseFields } from "../grib/mod.ts";
import { findImplausible, findPrecision } from "./plausible.ts";
import { findVariable, VARIABLES } from "./variables.ts";

/** Values 2^-3 · 10^1 = 1.25 apart. */
const representation: GribField["representation"] = {
  template: 0,
  valueCount: 4,
  referenceValue: 0,
  binaryScaleFactor: -3,
  decimalScaleFactor: -1,
  bitsPerValue: 8,
};

const EXACT = { representation: { ...representation, bitsPerValue: 0 }, bitmap: undefined };

function find(
  name: string,
  values: number[],
  field: Parameters<typeof findImplausible>[1] = EXACT,
) {
  return findImplausible(Float64Array.from(values), field, findVariable(name)!);
}

Deno.test("findPrecision() is the distance between packed values, 0 for a constant field", () => {
  assertEquals(findPrecision({ representation }), 1.25);
  assertEquals(findPrecision(EXACT), 0);
});

const IMPLAUSIBLE: [name: string, values: number[], text: string][] = [
  ["tp", [0, -0.5, -0.25, 1], "2 of 4 values below 0 (lowest -0.5)"],
  ["ssr", [-1], "1 of 1 values below 0 (lowest -1)"],
  ["tcc", [0, 1, 1.5], "1 of 3 values above 1 (highest 1.5)"],
  [
    "t2m",
    [149, 150, 350, 351],
    "1 of 4 values below 150 (lowest 149), 1 above 350 (highest 351)",
  ],
  ["sp", [NaN, 1, Infinity], "2 of 3 values not finite"],
];

for (const [name, values, text] of IMPLAUSIBLE) {
  Deno.test(`findImplausible() says of ${name}: ${text}`, () => {
    assertEquals(find(name, values), text);
  });
}

Deno.test("findImplausible() finds nothing in values within their limits, or outside by the packing alone", () => {
  assertEquals(find("tp", [0, 900]), undefined);
  assertEquals(find("u700", [-1e6, 1e6]), undefined);
  assertEquals(find("tp", [-1.25], { ...EXACT, representation }), undefined);
  assertEquals(find("tp", [-1.3], { ...EXACT, representation }) === undefined, false);
});

Deno.test("findImplausible() accepts NaN where values of the message may be missing", () => {
  const bitmap = { bytes: new Uint8Array([0x7f]), bitCount: 8 } as unknown as GribField["bitmap"];
  assertEquals(find("sp", [NaN, 1], { ...EXACT, bitmap }), undefined);
});

const REAL = new URL("../../../shared/data/", import.meta.url);

async function readReal(): Promise<GribField[]> {
  const names = ["ecmwf-ifs-oper-surface.grib2", "ecmwf-ifs-oper-0p4-first-10.grib2"];
  const files = await Promise.all(names.map((name) => Deno.readFile(new URL(name, REAL))));
  return files.flatMap((bytes) => parseFields(bytes));
}

const hasReal = await Deno.stat(REAL).then(() => true, () => false);

Deno.test({
  name: "findImplausible() finds nothing in real messages of ECMWF (needs ../shared)",
  ignore: !hasReal,
  fn: async () => {
    let known = 0;
    for (const field of await readReal()) {
      const { discipline, product: { parameterCategory, parameterNumber } } = field;
      const variable = VARIABLES.find(({ encodings }) =>
        encodings.some(({ discipline: d, category, number }) =>
          d === discipline && category === parameterCategory && number === parameterNumber
        )
      );
      if (!variable) continue;
      known++;
      assertEquals(findImplausible(decodeField(field), field, variable), undefined, variable.name);
    }
    assertEquals(known > 0, true);
  },
});
