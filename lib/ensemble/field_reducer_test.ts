import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, largestDifference, readExpected } from "../../fixtures/embedded_run.ts";
import type { ExpectedField } from "../ecmwf/check_message.ts";
import { findSection, readMessage } from "../ecmwf/messages_fixture.ts";
import { findVariable } from "../ecmwf/variables.ts";
import {
  FieldReducer,
  mostCommon,
  type ReducedField,
  rejectStray,
  sameAxes,
} from "./field_reducer.ts";

const { run } = BEFORE_50R1;
const REGION = { north: 25, west: 19, south: -14, east: 55 };
const MEMBERS = [0, 1, 2, 3];
const U700 = findVariable("u700")!;

function expect(member: number): ExpectedField {
  return { run, stepHours: 36, member, variable: U700 };
}

function readU(member: number, level = 700): Uint8Array<ArrayBuffer> {
  return readMessage({ run, stepHours: 36, param: "u", level, member });
}

/** Reduces u at 700 hPa from these messages, added in this order. */
function reduce(messages: [member: number, message: Uint8Array][]): ReducedField {
  const reducer = new FieldReducer(REGION);
  for (const [member, message] of messages) reducer.add(message, expect(member));
  return reducer.reduce();
}

/** The message on a grid whose columns lie one degree further east. */
function shiftGrid(message: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(message.buffer);
  const section = findSection(message, 3);
  for (const octet of [51, 60]) { // longitudes of the first and the last point
    const at = section + octet - 1;
    view.setUint32(at, view.getUint32(at) + 1_000_000);
  }
  return message;
}

/** One message with the field of the given one twice. */
function repeatField(message: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const field = message.slice(findSection(message, 4), -4);
  const double = new Uint8Array(message.length + field.length);
  double.set(message.subarray(0, -4));
  double.set(field, message.length - 4);
  double.set(message.subarray(-4), double.length - 4);
  new DataView(double.buffer).setBigUint64(8, BigInt(double.length));
  return double;
}

Deno.test("FieldReducer gives the mean and deviation that ecCodes and numpy find", async () => {
  const reduced = reduce(MEMBERS.map((member) => [member, readU(member)]));
  const fields = [{ variable: U700, stepHours: 36, reduced }];
  const difference = largestDifference(fields, await readExpected(run));
  assert(difference <= 1e-6, `${difference}`);
  assertEquals([reduced.members, reduced.rejections], [MEMBERS, []]);
  const { latitudes, longitudes } = reduced.axes!;
  assertEquals([latitudes[0], latitudes.at(-1), latitudes.length], [24, -12, 13]);
  assertEquals([longitudes[0], longitudes.at(-1), longitudes.length], [21, 54, 12]);
});

Deno.test("FieldReducer gives equal bits and equal rejections for any order of messages", () => {
  const messages: [number, Uint8Array][] = [
    [0, readU(0)],
    [1, readU(1, 850)],
    [2, readU(2)],
    [3, new Uint8Array(500)],
  ];
  const first = reduce(messages);
  assertEquals(first.members, [0, 2]);
  assertEquals(first.rejections.map(({ member }) => member), [1, 3]);
  assertEquals(reduce(messages.toReversed()), first);
  assertEquals(reduce([2, 0, 3, 1].map((i) => messages[i]!)), first);
});

Deno.test("FieldReducer names a message of another level, and averages without it", () => {
  const reduced = reduce([[1, readU(1)], [2, readU(2, 850)]]);
  assertEquals(reduced.rejections, [{
    member: 2,
    reason: "its level is 85000 on surface type 100, expected 70000 on surface type 100",
    fault: "mismatched",
  }]);
  const alone = reduce([[1, readU(1)]]);
  assertEquals([reduced.members, reduced.mean], [[1], alone.mean]);
});

Deno.test("FieldReducer rejects a message of another member", () => {
  const { members, rejections } = reduce([[1, readU(2)]]);
  assertEquals(members, []);
  assertEquals(rejections, [{
    member: 1,
    reason: "its member is 2, expected ens01",
    fault: "mismatched",
  }]);
});

Deno.test("FieldReducer rejects damaged messages and says what is wrong with them", () => {
  const unpackable = readU(2);
  unpackable[findSection(unpackable, 5) + 10] = 99; // octets 10–11: data template
  const { members, rejections } = reduce([
    [0, readU(0)],
    [1, readU(1).fill(0, -40)],
    [2, unpackable],
    [3, new Uint8Array(100)],
  ]);
  assertEquals([members, rejections.map(({ member }) => member)], [[0], [1, 2, 3]]);
  for (const { reason, fault } of rejections) {
    assertStringIncludes(reason, "Cannot ");
    assertEquals(fault, "damaged");
  }
  assertStringIncludes(rejections[1]!.reason, "code table 5.0");
});

Deno.test("FieldReducer rejects a message of several fields", () => {
  const { members, rejections } = reduce([[1, repeatField(readU(1))]]);
  const reason = "Cannot use a message of several fields: one is expected";
  assertEquals([members, rejections], [[], [{ member: 1, reason, fault: "damaged" }]]);
});

Deno.test("FieldReducer averages on the grid of most members and rejects the others", () => {
  const shifted = reduce([
    [0, readU(0)],
    [1, shiftGrid(readU(1))],
    [2, shiftGrid(readU(2))],
  ]);
  assertEquals(shifted.members, [1, 2]);
  assertEquals(shifted.axes?.longitudes[0], 19);
  assertEquals(shifted.rejections, [rejectStray(0)]);
});

Deno.test("FieldReducer uses the lowest member's grid when two are equally frequent", () => {
  const messages: [number, Uint8Array][] = [[0, readU(0)], [1, shiftGrid(readU(1))]];
  assertEquals(reduce(messages).members, [0]);
  assertEquals(reduce(messages.toReversed()).members, [0]);
});

Deno.test("FieldReducer rejects a message that has no point in the region", () => {
  const reducer = new FieldReducer({ north: 2, west: 1, south: 1, east: 2 });
  reducer.add(readU(1), expect(1));
  const { axes, members, rejections } = reducer.reduce();
  assertEquals([axes, members], [undefined, []]);
  assertStringIncludes(rejections[0]!.reason, "no grid point is inside it");
});

Deno.test("FieldReducer without messages has no axes and no values", () => {
  assertEquals(reduce([]), {
    mean: new Float32Array(),
    deviation: new Float32Array(),
    members: [],
    rejections: [],
    implausible: [],
  });
});

const axes = (...longitudes: number[]) => ({
  latitudes: Float64Array.of(1, 0),
  longitudes: Float64Array.from(longitudes),
});

Deno.test("sameAxes() compares every row and column", () => {
  assertEquals(sameAxes(axes(1, 2), axes(1, 2)), true);
  assertEquals(sameAxes(axes(1, 2), axes(1, 3)), false);
  assertEquals(sameAxes(axes(1, 2), axes(1)), false);
  assertEquals(sameAxes(axes(1), { ...axes(1), latitudes: Float64Array.of(1, 0.5) }), false);
});

Deno.test("mostCommon() gives the axes that occur most often, the first of equals", () => {
  assertEquals(mostCommon([axes(1), axes(2), axes(2), axes(1), axes(2)]), axes(2));
  assertEquals(mostCommon([axes(3), axes(1), axes(1), axes(3)]), axes(3));
  assertEquals(mostCommon([]), undefined);
});

Deno.test("FieldReducer accepts the beginning of a message, and asks for more when it is too short", () => {
  const whole = reduce([[1, readU(1)], [2, readU(2)]]);
  const message = readU(2);
  const reducer = new FieldReducer(REGION);
  const needed = reducer.add(readU(1), expect(1))!;
  assert(needed < message.length);
  reducer.add(message.slice(0, 100), expect(2));
  for (let given = 100;;) {
    const next = Math.min(given + 300, message.length);
    const needed = reducer.add(message.slice(given, next), expect(2))!;
    given = next;
    if (needed <= given) break;
  }
  assertEquals(reducer.reduce(), whole);
});

Deno.test("FieldReducer leaves out a message of which only a part was added", () => {
  const reducer = new FieldReducer(REGION);
  reducer.add(readU(1), expect(1));
  assert(reducer.add(readU(2).slice(0, 500), expect(2))! > 500);
  assertEquals(reducer.reduce(), reduce([[1, readU(1)]]));
});
