import { assertEquals } from "jsr:@std/assert@^1.0.0";
import type { Member } from "../ecmwf/members.ts";
import { parseRun } from "../ecmwf/run.ts";
import { findVariable } from "../ecmwf/variables.ts";
import { emptySummary, type ResultField } from "../ensemble/field_result.ts";
import { type FieldProduct, plainProduct } from "../ensemble/field_product.ts";
import { keepMembers, type KeptMembers } from "../ensemble/kept_members.ts";
import { packValues, type ValuePacking } from "../ensemble/packed_values.ts";
import { countUp } from "../util/numbers.ts";
import { type ProductSource, ProductValues } from "./product_values.ts";

const AXES = { latitudes: Float64Array.of(5, 4), longitudes: Float64Array.of(30) };
const [TP, T2M, U700, V700] = ["tp", "t2m", "u700", "v700"].map((name) => findVariable(name)!);
/** Packed in whole multiples of 2^-10. */
const REPRESENTATION = {
  referenceValue: 0,
  binaryScaleFactor: -10,
  decimalScaleFactor: 0,
  bitsPerValue: 16,
} as ValuePacking["representation"];

/** Two points of each member. */
type Members = Record<Member, [number, number]>;

/** Fields as they are saved, and a count of how often one was read. */
function openValues(given: [name: string, stepHours: number, members: Members][]) {
  const kept: KeptMembers[] = [];
  const results = given.map(([name, stepHours, own]): ResultField => {
    const members = Object.keys(own).map(Number);
    kept.push(keepMembers(
      2,
      members.map((member) => {
        const values = Float64Array.from(own[member]!);
        return { member, ...packValues(values, { representation: REPRESENTATION, factor: 1 }) };
      }),
    ));
    const reduced = { ...emptySummary([]), members, axes: AXES };
    return { variable: findVariable(name)!, stepHours, reduced };
  });
  let reads = 0;
  const session: ProductSource = {
    plan: { run: parseRun("20260206", "00"), members: countUp(4) },
    readKept(index) {
      reads++;
      return Promise.resolve(kept[index]!);
    },
  };
  return { values: new ProductValues(session, results, AXES), countReads: () => reads };
}

const window = (startHours: number, endHours: number) => ({
  stepHours: endHours,
  startHours,
  endHours,
});

Deno.test("increments whose accumulations spread but whose steps do not have a deviation of exactly 0", async () => {
  const accumulate = (hours: number): Members =>
    Object.fromEntries(
      countUp(51).map((m) => {
        return [m, [m / 1024 + hours / 512, 3 * m / 1024 + hours / 256]];
      }),
    );
  const { values } = openValues([["tp", 36, accumulate(36)], ["tp", 60, accumulate(60)]]);
  const product: FieldProduct = { ...plainProduct(TP!), period: 24 };
  const reduced = await values.reduce(product, window(36, 60), [
    { kind: "standard_deviation", ddof: 1 },
    { kind: "maximum" },
  ]);
  assertEquals([...reduced.mean], [24 / 512, 24 / 256]);
  assertEquals([...reduced.deviation, ...reduced.further![0]!], [0, 0, 0, 0]);
  assertEquals([...reduced.further![1]!], [24 / 512, 24 / 256]);
});

Deno.test("what accumulates from the start of the run is the value at its end, and to no next step it is 0 for every member", async () => {
  const { values } = openValues([["tp", 24, { 0: [1, 2], 3: [0.5, 4] }]]);
  const sum: FieldProduct = { ...plainProduct(TP!), period: 24 };
  assertEquals(
    [...await values.read(sum, window(0, 24))].map(([member, own]) => [member, ...own]),
    [[0, 1, 2], [3, 0.5, 4]],
  );
  const reduced = await values.reduce({ ...sum, period: "next" }, window(24, 24), []);
  assertEquals([reduced.members, [...reduced.mean], [...reduced.deviation]], [
    [0, 1, 2, 3],
    [0, 0],
    [0, 0],
  ]);
});

Deno.test("a mean over a period has the members of all its steps, a speed those of both winds", async () => {
  const { values, countReads } = openValues([
    ["t2m", 3, { 0: [280, 281], 1: [290, 291] }],
    ["t2m", 6, { 0: [284, 285], 1: [300, 301], 2: [1, 1] }],
    ["t2m", 9, { 0: [288, 289], 2: [1, 1] }],
    ["u700", 6, { 0: [3, -6], 1: [1, NaN] }],
    ["v700", 6, { 0: [-4, 8], 1: [0, 2], 2: [1, 1] }],
  ]);
  const mean: FieldProduct = { ...plainProduct(T2M!), period: 6 };
  const list = async (...given: Parameters<typeof values.read>) =>
    Object.fromEntries([...await values.read(...given)].map(([member, own]) => [member, [...own]]));
  assertEquals(await list(mean, window(0, 6)), { 0: [282, 283], 1: [295, 296] });
  assertEquals(await list(mean, window(3, 9)), { 0: [286, 287], 2: [1, 1] });
  const wind: FieldProduct = { name: "wind700", inputs: [U700!, V700!], derive: "speed" };
  assertEquals(await list(wind, window(6, 6)), { 0: [5, 10], 1: [1, NaN] });
  assertEquals(await list({ ...wind, period: 3 }, window(3, 6)), { 0: [5, 10], 1: [1, NaN] });
  assertEquals(await list(wind, window(9, 9)), {});
  assertEquals(countReads(), 5); // each field once
});

Deno.test("a field on other points is in no product", async () => {
  const { values } = openValues([["tp", 24, { 0: [1, 2] }]]);
  const moved = new ProductValues(
    { plan: { run: parseRun("20260206", "00"), members: [0] }, readKept: () => Promise.reject() },
    [{
      variable: TP!,
      stepHours: 24,
      reduced: {
        ...emptySummary([]),
        members: [0],
        axes: { ...AXES, longitudes: Float64Array.of(9) },
      },
    }],
    AXES,
  );
  const sum: FieldProduct = { ...plainProduct(TP!), period: 24 };
  assertEquals((await moved.read(sum, window(0, 24))).size, 0);
  assertEquals((await values.read(sum, window(0, 24))).size, 1);
});
