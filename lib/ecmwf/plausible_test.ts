import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { decodeField, type GribField, parseFields } from "../grib/mod.ts";
import { findEncoding } from "./check_message.ts";
import {
  findFlatPacking,
  findImplausible,
  findPrecision,
  isRangePlausible,
  mayBeMissing,
  scaleLimits,
} from "./plausible.ts";
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

const EXACT = { precision: 0, mayBeMissing: false };

function find(
  name: string,
  values: number[],
  packing = EXACT,
  stepHours = 36,
) {
  const variable = findVariable(name)!;
  return findImplausible(Float64Array.from(values), packing, { variable, stepHours });
}

Deno.test("findPrecision() is the distance between packed values, 0 for a constant field", () => {
  assertEquals(findPrecision({ representation }), 1.25);
  assertEquals(findPrecision({ representation: { ...representation, bitsPerValue: 0 } }), 0);
});

Deno.test("findFlatPacking() finds a packing that holds less than differs on the globe, without other members", () => {
  const find = (
    name: string,
    change: Partial<GribField["representation"]>,
    { factor = 1, stepHours = 36 } = {},
  ) => {
    const field = { representation: { ...representation, ...change } as typeof representation };
    return findFlatPacking(field, factor, { variable: findVariable(name)!, stepHours });
  };
  assertEquals(
    find("u700", { binaryScaleFactor: -13 }),
    "its packing holds no values more than 0.31 apart, and on the globe they differ by more than 0.5",
  );
  assertEquals(find("u700", { binaryScaleFactor: -12 }), undefined);
  // A constant field, and one whose packed values are differences.
  assertEquals(find("u700", { binaryScaleFactor: -13, bitsPerValue: 0 }), undefined);
  assertEquals(find("u700", { binaryScaleFactor: -13, template: 3 }), undefined);
  // An accumulation grows by the hour, from nothing.
  const oneMillimetre = { decimalScaleFactor: 0, binaryScaleFactor: -18 };
  assertEquals(find("tp", oneMillimetre, { stepHours: 6 }), undefined);
  assertEquals(find("tp", oneMillimetre)?.includes("0.00098 apart"), true);
  assertEquals(find("tp", oneMillimetre, { stepHours: 0 }), undefined);
  assertEquals(find("tp", { binaryScaleFactor: -3 }, { factor: 1e-6 })?.includes("0.00032"), true);
});

Deno.test("of a variable without known limits any finite value is plausible, and any packing", () => {
  const at = { variable: { accumulated: true }, stepHours: 36 };
  const find = (...values: number[]) => findImplausible(Float64Array.from(values), EXACT, at);
  assertEquals(find(-1e300, 0, Number.MAX_VALUE), undefined);
  assertEquals(
    find(0, Infinity),
    "1 of 2 values not finite, 1 above 1.79769313486e+308 (highest Infinity)",
  );
  assertEquals(findFlatPacking({ representation }, 1e-20, at), undefined);
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
  ["sp", [NaN, 1e5, Infinity], "2 of 3 values not finite, 1 above 115000 (highest Infinity)"],
  [
    "sp",
    [0, 3.8e14],
    "1 of 2 values below 30000 (lowest 0), 1 above 115000 (highest 380000000000000)",
  ],
  ["u700", [9999, -9999], "1 of 2 values below -150 (lowest -9999), 1 above 150 (highest 9999)"],
  ["v700", [151], "1 of 1 values above 150 (highest 151)"],
  ["tcw", [-1, 151], "1 of 2 values below 0 (lowest -1), 1 above 150 (highest 151)"],
  ["tcwv", [-1, 151], "1 of 2 values below 0 (lowest -1), 1 above 150 (highest 151)"],
  ["cape", [-1, 20001], "1 of 2 values below 0 (lowest -1), 1 above 20000 (highest 20001)"],
  ["tp", [3.5, 20], "1 of 2 values above 3.6 (highest 20)"],
  ["sf", [3.7], "1 of 1 values above 3.6 (highest 3.7)"],
  ["ro", [3.7], "1 of 1 values above 3.6 (highest 3.7)"],
  ["ssr", [1.9e8], "1 of 1 values above 181440000 (highest 190000000)"],
  ["ssrd", [1.9e8], "1 of 1 values above 181440000 (highest 190000000)"],
];

for (const [name, values, text] of IMPLAUSIBLE) {
  Deno.test(`findImplausible() says of ${name}: ${text}`, () => {
    assertEquals(find(name, values), text);
  });
}

Deno.test("findImplausible() finds nothing in values within their limits, or outside by the packing alone", () => {
  assertEquals(find("tp", [0, 3.6]), undefined);
  assertEquals(find("u700", [-150, 150]), undefined);
  assertEquals(find("ssr", [-1.25], { ...EXACT, precision: 1.25 }), undefined);
  assertEquals(find("ssr", [-1.3], { ...EXACT, precision: 1.25 }) === undefined, false);
});

Deno.test("isRangePlausible() says of the ends of values what findImplausible() says of each of them", () => {
  const plausible: Record<"true" | "false", number> = { true: 0, false: 0 };
  for (const variable of VARIABLES) {
    for (const stepHours of [0, 3, 36]) {
      const at = { variable, stepHours };
      const { least, most } = scaleLimits(at);
      for (const precision of [0, 1e-3, (most - least) / 100]) {
        for (const share of [-1, -1e-3, -1e-6, 0, 0.5, 1, 1 + 1e-6, 1 + 1e-3, 2]) {
          const end = least + share * (most - least);
          const range = { least: Math.min(end, most), most: Math.max(end, least) };
          const values = Float64Array.of(range.least, range.most);
          const reason = findImplausible(values, { ...EXACT, precision }, at);
          const found = isRangePlausible(range, precision, at);
          assertEquals(found, reason === undefined, `${variable.name} ${stepHours} ${share}`);
          plausible[`${found}`]++;
        }
      }
    }
  }
  assertEquals(plausible.true > 100 && plausible.false > 100, true);
  const at = { variable: findVariable("tp")!, stepHours: 36 };
  assertEquals(isRangePlausible({ least: NaN, most: NaN }, 0, at), false);
});

Deno.test("findImplausible() limits an accumulation by the hours of its step, and nothing else by them", () => {
  assertEquals(find("tp", [0.5], EXACT, 6), undefined);
  assertEquals(
    find("tp", [0.5], EXACT, 3),
    "1 of 1 values above 0.3 (highest 0.5)",
  );
  assertEquals(find("tp", [0], EXACT, 0), undefined);
  assertEquals(find("tp", [0.5], EXACT, 0), "1 of 1 values above 0 (highest 0.5)");
  assertEquals(find("sp", [1e5], EXACT, 0), undefined);
});

Deno.test("findImplausible() does not widen the limits by packing as coarse as they are", () => {
  assertEquals(
    find("tp", [-1e7], { ...EXACT, precision: 1e7 }),
    "1 of 1 values below 0 (lowest -10000000)",
  );
});

Deno.test("findImplausible() accepts NaN where values of the message may be missing", () => {
  assertEquals(find("sp", [NaN, 1e5], { ...EXACT, mayBeMissing: true }), undefined);
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
      const variable = VARIABLES.find((variable) => findEncoding(field, variable));
      if (!variable) continue;
      known++;
      const at = { variable, stepHours: field.product.stepRange.endHours };
      const packing = { precision: findPrecision(field), mayBeMissing: mayBeMissing(field) };
      assertEquals(findImplausible(decodeField(field), packing, at), undefined, variable.name);
    }
    assertEquals(known > 0, true);
  },
});
