import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, largestDifference, readExpected } from "../../fixtures/embedded_run.ts";
import type { ExpectedField } from "../ecmwf/check_message.ts";
import { findSection, makeConstant, readMessage } from "../ecmwf/messages_fixture.ts";
import { findVariable } from "../ecmwf/variables.ts";
import { parsePrefix, selectWindow } from "../grib/mod.ts";
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

/** The message on a grid that begins half a circle further east. */
function shiftGrid(message: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return changeGrid(message, GRID_CHANGES["180° further east"]!);
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
  assertEquals(shifted.axes?.longitudes[0], 21);
  assertEquals(shifted.rejections, [rejectStray(0)]);
});

Deno.test("FieldReducer rejects a globe that begins 1° further east, though no other member shows it", () => {
  const further: GridChange = (view, at) => {
    for (const octet of [51, 60]) view.setUint32(at(octet), view.getUint32(at(octet)) + 1_000_000);
  };
  const messages = [0, 1].map((member): [number, Uint8Array] => [
    member,
    changeGrid(readU(member), further),
  ]);
  const { members, axes, rejections } = reduce(messages);
  assertEquals([members, axes, rejections], [[], undefined, [0, 1].map(rejectStray)]);
});

/** A change of section 3, by octets of template 3.0. */
type GridChange = (view: DataView, at: (octet: number) => number) => void;

const GRID_CHANGES: Readonly<Record<string, GridChange>> = {
  "180° further east": (view, at) => {
    view.setInt32(at(51), 0);
    view.setInt32(at(60), 357_000_000);
  },
  "from south to north": (view, at) => {
    const [first, last] = [view.getUint32(at(47)), view.getUint32(at(56))];
    view.setUint32(at(47), last);
    view.setUint32(at(56), first);
    view.setUint8(at(72), 0x40);
  },
  "from east to west": (view, at) => {
    const [first, last] = [view.getUint32(at(51)), view.getUint32(at(60))];
    view.setUint32(at(51), last);
    view.setUint32(at(60), first);
    view.setUint8(at(72), 0x80);
  },
};

function changeGrid(
  message: Uint8Array<ArrayBuffer>,
  change: GridChange,
): Uint8Array<ArrayBuffer> {
  const section = findSection(message, 3);
  change(new DataView(message.buffer), (octet) => section + octet - 1);
  return message;
}

for (const [what, change] of Object.entries(GRID_CHANGES)) {
  Deno.test(`FieldReducer rejects a member whose grid runs ${what}, though its window looks alike`, () => {
    const changed = changeGrid(readU(2), change);
    const sound = MEMBERS.map((member): [number, Uint8Array] => [member, readU(member)]);
    const found = reduce(sound.with(2, [2, changed]));
    const [own, theirs] = [changed, readU(2)].map((it) =>
      selectWindow(parsePrefix(it).grid, REGION)
    );
    assertEquals(own!.longitudes, theirs!.longitudes);
    assertEquals(found.rejections, [rejectStray(2)]);
    assertEquals(found.mean, reduce(sound.toSpliced(2, 1)).mean);
  });
}

Deno.test("FieldReducer rejects a message that has no value in the region", () => {
  const missing = makeConstant(readU(2), 5, () => false);
  const { members, rejections, mean } = reduce([[1, readU(1)], [2, missing]]);
  const reason = "it has no value in the region";
  assertEquals([members, rejections], [[1], [{ member: 2, reason, fault: "damaged" }]]);
  assertEquals(mean, reduce([[1, readU(1)]]).mean);
});

Deno.test("FieldReducer counts the members with a value point by point, where some lack one", () => {
  const sound: [number, Uint8Array][] = [[0, readU(0)], [1, makeConstant(readU(1), 7)]];
  assertEquals(reduce(sound).counts, undefined);
  const part = makeConstant(readU(2), 5, (point) => point % 2 === 0);
  const { members, counts, mean } = reduce([...sound, [2, part]]);
  assertEquals([members, [...new Set(counts)].toSorted()], [[0, 1, 2], [2, 3]]);
  const two = reduce(sound).mean;
  assertEquals(
    counts!.map((count, i) => count === 2 ? Number(mean[i] === two[i]) : 1).includes(0),
    false,
  );
});

Deno.test("FieldReducer refuses values of 0 bits beside data that are not empty", () => {
  const message = readU(2);
  message[findSection(message, 5) + 19] = 0;
  const { members, rejections } = reduce([[1, readU(1)], [2, message]]);
  assertEquals([members, rejections.map(({ fault }) => fault)], [[1], ["damaged"]]);
  assertMatch(rejections[0]!.reason, /its values have 0 bits, but there are \d+ bytes of data/);
});

Deno.test("FieldReducer refuses a window of more points than it can hold, before it decodes any", () => {
  for (const [columns, rows] of [[8192, 8192], [2 ** 26, 1], [2001, 2000]] as const) {
    const message = makeConstant(readU(1), 5);
    const view = new DataView(message.buffer, findSection(message, 3));
    view.setUint32(6, columns * rows);
    view.setUint32(30, columns);
    view.setUint32(34, rows);
    view.setUint8(54, 0); // no increments
    if (rows === 1) view.setUint32(55, view.getUint32(46));
    new DataView(message.buffer, findSection(message, 5)).setUint32(5, columns * rows);
    const reducer = new FieldReducer({ north: 90, west: -180, south: -90, east: 180 });
    reducer.add(message, expect(1));
    const { members, rejections } = reducer.reduce();
    assertEquals(members, []);
    assertMatch(
      rejections[0]!.reason,
      /^Cannot average .*: the region has \d+ points .*, more than 4000000; choose a smaller --region$/,
    );
  }
});

/** Ten members that differ, of which more than four are alike: u at other levels, named 700 hPa. */
function readEnsemble(): [member: number, message: Uint8Array<ArrayBuffer>][] {
  return Array.from({ length: 10 }, (_, i) => {
    const message = readU(i % 4, [700, 850, 500][Math.floor(i / 4)]);
    const view = new DataView(message.buffer, findSection(message, 4));
    view.setUint32(24, 70_000); // octets 25–28: value of the level
    view.setUint8(35, i); // octet 36: number of the member
    return [i, message];
  });
}

const DAMAGES: [octet: number, bit: number, text: RegExp][] = [
  [16, 1, /its binaryScaleFactor is -\d+, theirs/],
  [17, 1, /its binaryScaleFactor is -\d+, theirs/],
  [19, 7, /its decimalScaleFactor is 1, theirs 0/],
  [20, 7, /its bitsPerValue is 13, theirs 12/],
];

const OTHER_UNITS: [name: string, code: number[], units: string, factor: number][] = [
  ["tp", [0, 1, 52], "kg m-2", 1e-3],
  ["tp", [0, 1, 8], "kg m-2", 1e-3],
  ["sf", [0, 1, 53], "kg m-2", 1e-3],
  ["ro", [2, 0, 42], "kg m-2", 1e-3],
  ["tcc", [0, 6, 1], "%", 1e-2],
];

for (const [name, code, units, factor] of OTHER_UNITS) {
  Deno.test(`FieldReducer converts ${name} of parameter ${code.join(".")} from ${units}, and counts it`, () => {
    const variable = findVariable(name)!;
    const add = (inOtherUnits: readonly number[]) => {
      const reducer = new FieldReducer(REGION);
      for (const member of MEMBERS) {
        const message = readMessage({ run, stepHours: 36, param: variable.param, member });
        if (inOtherUnits.includes(member)) {
          const section = findSection(message, 4);
          message.set(code.slice(0, 1), 6); // discipline
          message.set(code.slice(1), section + 9);
          scaleValues(message, 1 / factor);
        }
        reducer.add(message, { run, stepHours: 36, member, variable });
      }
      return reducer.reduce();
    };
    const [own, other, mixed] = [add([]), add(MEMBERS), add([1, 3])];
    const counted = (messages: number) => [{ units, factor, messages }];
    assertEquals(own.conversions, undefined);
    assertEquals(other.conversions, counted(4));
    assertEquals(mixed.conversions, counted(2));
    for (const reduced of [other, mixed]) {
      assertEquals([reduced.rejections, reduced.implausible], [[], []]);
      for (const [point, mean] of own.mean.entries()) {
        assert(Math.abs(reduced.mean[point]! - mean) <= 1e-6 * Math.abs(mean), `${point}`);
      }
    }
  });
}

/** Multiplies all values by a power of ten, as its decimal scale says, octets 18–19 of section 5. */
function scaleValues(message: Uint8Array<ArrayBuffer>, factor: number): void {
  new DataView(message.buffer, findSection(message, 5)).setInt16(
    17,
    signAndMagnitude(-Math.round(Math.log10(factor))),
  );
}

/** GRIB has the sign in the first bit. */
const signAndMagnitude = (value: number) => value < 0 ? 0x8000 | -value : value;

Deno.test("FieldReducer finds nothing in a sound ensemble of ten", () => {
  const { members, rejections, implausible } = reduce(readEnsemble());
  assertEquals([members.length, rejections, implausible], [10, [], []]);
});

for (const [octet, bit, text] of DAMAGES) {
  Deno.test(`FieldReducer names a member whose octet ${octet} of section 5 has bit ${bit} changed`, () => {
    const ensemble = readEnsemble();
    const [member, message] = ensemble[6]!;
    message[findSection(message, 5) + octet - 1]! ^= 0x80 >> bit;
    const { members, implausible } = reduce(ensemble);
    assertEquals([members.length, implausible.map((it) => it.member)], [10, [member]]);
    assertMatch(implausible[0]!.reason, text);
  });
}

Deno.test("FieldReducer names a member that a damaged scale flattens, without others to compare it with", () => {
  for (const [octet, bit] of [[16, 1], [16, 7], [17, 0], [18, 1]] as const) {
    const [[member, message]] = readEnsemble() as [[number, Uint8Array]];
    message[findSection(message, 5) + octet - 1]! ^= 0x80 >> bit;
    const { implausible } = reduce([[member, message]]);
    assertEquals(implausible.length, 1, `octet ${octet}, bit ${bit}`);
  }
  // All members alike are no damage.
  const alike = readEnsemble();
  for (const [, message] of alike) {
    const section = findSection(message, 5);
    message[section + 16]! |= 8;
    message.set([0, 0, 0, 0], section + 11); // reference values
  }
  assertEquals(reduce(alike).implausible, []);
});

Deno.test("of the bits of sections 3 to 5 of a member of ten, fewer than 1 in 1,000 move a mean unnoticed", () => {
  const ensemble = readEnsemble();
  const sound = reduce(ensemble);
  const usual = rootMeanSquare(sound.deviation);
  const [member, message] = ensemble[6]!;
  const [first, last] = [findSection(message, 3), findSection(message, 6)];
  let unnoticed = 0;
  for (let bit = 8 * first; bit < 8 * last; bit++) {
    const flipped = message.slice();
    flipped[bit >> 3]! ^= 0x80 >> (bit & 7);
    const { members, implausible, mean } = reduce(ensemble.with(6, [member, flipped]));
    if (members.length < 10 || implausible.some((it) => it.member === member)) continue;
    if (rootMeanSquare(mean.map((value, i) => value - sound.mean[i]!)) > usual) unnoticed++;
  }
  assert(unnoticed / (8 * (last - first)) < 1 / 1000, `${unnoticed}`);
});

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

Deno.test("FieldReducer uses the usual grid when two are equally frequent, whichever member has it", () => {
  const messages: [number, Uint8Array][] = [[0, readU(0)], [1, shiftGrid(readU(1))]];
  assertEquals(reduce(messages).members, [0]);
  assertEquals(reduce(messages.toReversed()).members, [0]);
  for (const change of Object.values(GRID_CHANGES)) {
    assertEquals(reduce([[0, changeGrid(readU(0), change)], [1, readU(1)]]).members, [1]);
  }
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
