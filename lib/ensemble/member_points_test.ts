import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeRandom } from "../../fixtures/random.ts";
import { countUp } from "../util/numbers.ts";
import {
  type FieldPoints,
  findContradictions,
  findShrunkPoints,
  joinPoints,
  openPoints,
  packPoints,
  valueAt,
} from "./member_points.ts";
import { type PackedValues, unpackValues } from "./packed_values.ts";

/** The points of one field, of members from 0. */
function pack(members: number[][], precision = 0): FieldPoints {
  const parts = members.map((values, member) => ({
    member,
    ...packPoints({ numbers: Float64Array.from(values) }, precision),
  }));
  return joinPoints(members[0]!.length, parts);
}

/** The points at which a member shrinks. */
function findShrunk(earlier: number[], later: number[], precision = 0): number[] {
  const [before, after] = [pack([earlier], precision), pack([later], precision)];
  return findShrunkPoints(openPoints(before, 0)!, openPoints(after, 0)!);
}

Deno.test("openPoints() gives the packed integers of every member back, missing values included", () => {
  const random = makeRandom(1);
  const precision = 2 ** -18;
  const draw = (bits: number, count: number) =>
    Array.from({ length: count }, () => Math.floor(random() * 2 ** bits) * precision);
  for (const count of [1, 31, 32, 33, 1000]) {
    const members = countUp(16).map((bits) => draw(bits, count));
    members[8]![count >> 1] = NaN;
    const points = pack(members, precision);
    assertEquals(points.pointCount, count);
    for (const [member, values] of members.entries()) {
      const open = openPoints(points, member)!;
      assertEquals(values.map((_, i) => valueAt(open, i)), values);
    }
    assertEquals(openPoints(points, 16), undefined);
  }
});

Deno.test("packPoints() rounds by at most half a step of the range in 65,534 where values are finer", () => {
  const random = makeRandom(2);
  const values = Array.from({ length: 500 }, () => random());
  const open = openPoints(pack([values], 2 ** -24), 0)!;
  for (const [i, value] of values.entries()) {
    assert(Math.abs(valueAt(open, i) - value) <= 0.5001 / 65_534, `${value}`);
  }
});

Deno.test("packPoints() takes little room for smooth values", () => {
  const smooth = Array.from({ length: 22_765 }, (_, i) => Math.round(1000 * Math.sin(i / 50)));
  const { packed } = pack([smooth], 1);
  assert(packed.length < 22_765 * 6 / 8 + 800, `${packed.length}`);
});

Deno.test("packPoints() gives of packed integers the same points as of their values", () => {
  const scales = { least: 7, binary: 2 ** -4, reference: 3.25, decimal: 0.1, factor: 1 };
  const numbers = Uint16Array.from({ length: 100 }, (_, i) => 37 * i % 101);
  const bounds = { least: 0, most: 100 };
  const values = new Float64Array(numbers.length);
  unpackValues({ scales, numbers, bounds }, values);
  const precision = 2 ** -4 * 0.1;
  const open = (values: PackedValues) =>
    openPoints(
      joinPoints(numbers.length, [{ member: 0, ...packPoints(values, precision) }]),
      0,
    )!;
  const [ofIntegers, ofValues] = [open({ scales, numbers, bounds }), open({ numbers: values })];
  for (const i of values.keys()) {
    for (const points of [ofIntegers, ofValues]) {
      assert(Math.abs(valueAt(points, i) - values[i]!) < 1e-12, `${i}`);
    }
  }
});

Deno.test("packPoints() survives values that are not finite", () => {
  const open = openPoints(pack([[1, Infinity, NaN, 2]]), 0)!;
  assertEquals(open.steps.length, 4);
});

Deno.test("findShrunkPoints() names every point that became smaller, whatever the others do", () => {
  const earlier = Array.from({ length: 1000 }, (_, i) => i % 7);
  const later = earlier.map((value) => value + 5);
  assertEquals(findShrunk(earlier, later), []);
  later[17] = earlier[17]! - 0.028;
  later[999] = earlier[999]! - 1;
  assertEquals(findShrunk(earlier, later), [17, 999]);
});

Deno.test("findShrunkPoints() takes no offence at what packing explains, nor at missing values", () => {
  assertEquals(findShrunk([7, 0], [6.97, 0], 0.01), []);
  assertEquals(findShrunk([7, 0], [6.95, 0], 0.01), [0]);
  assertEquals(findShrunk([7, NaN, 3], [7, 1, NaN]), []);
  assertEquals(findShrunk([7, 8], [7]), []);
});

Deno.test("findContradictions() names the members that shrink, of those that both steps have", () => {
  const earlier = pack([[1, 2], [3, 4], [5, 6]]);
  const later = pack([[1, 2], [9, 3]]);
  assertEquals(findContradictions(earlier, later), [1]);
});

Deno.test("findContradictions() finds a single point that shrinks, wherever it is in a window of many", () => {
  const earlier = Array.from({ length: 3000 }, (_, i) => i % 13);
  for (const point of [0, 1023, 1024, 2999]) {
    const later = earlier.map((value, i) => i === point ? -1 : value + 1);
    const [before, after] = [pack([earlier, earlier]), pack([later, earlier])];
    assertEquals(findContradictions(before, after), [0], `${point}`);
    assertEquals(findShrunk(earlier, later), [point]);
  }
});

Deno.test("findContradictions() says nothing of windows of other sizes", () => {
  assertEquals(findContradictions(pack([[7, 8]]), pack([[7]])), []);
});
