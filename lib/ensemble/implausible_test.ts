import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { findVariable } from "../ecmwf/variables.ts";
import type { PlannedField } from "./field_plan.ts";
import { emptyField, type Finding, type ReducedField } from "./field_reducer.ts";
import { findUntrusted, GrowthCheck } from "./implausible.ts";
import { type FieldPoints, joinPoints, packPoints } from "./member_points.ts";

/** Untrusted steps of a series of numbers that can only grow. */
function judgeNumbers(...numbers: number[]) {
  const { wrong, undecided } = findUntrusted(
    [...numbers.keys()],
    (a, b) => numbers[a]! > numbers[b]!,
  );
  return [wrong, undecided];
}

const SERIES: [what: string, numbers: number[], wrong: number[], undecided: number[]][] = [
  ["a series that grows", [1, 2, 2, 3], [], []],
  ["one that is too large, not those that follow it", [1, 90, 2, 3], [1], []],
  ["one that is too small", [1, 2, 0, 3], [2], []],
  ["the first", [90, 1, 2], [0], []],
  ["the last of three", [1, 2, 0], [2], []],
  ["none of two, but doubts both", [2, 1], [], [0, 1]],
  ["none of the last two, but doubts both", [1, 5, 2], [], [1, 2]],
  ["none of two halves, but doubts all", [5, 6, 1, 2], [], [0, 1, 2, 3]],
  ["none of none", [], [], []],
];

for (const [what, numbers, wrong, undecided] of SERIES) {
  Deno.test(`findUntrusted() names ${what}: ${numbers.join()}`, () => {
    assertEquals(judgeNumbers(...numbers), [wrong, undecided]);
  });
}

/** Values of one member at one step, or none. */
type Step = number[] | undefined;

function planField(name: string, stepHours: number): PlannedField {
  const reference = { url: "s3://bucket/file.grib2", offset: 0, length: 1 };
  return {
    variable: findVariable(name)!,
    stepHours,
    messages: [{ member: 0, reference }],
    rejections: [],
  };
}

const SHRUNK = "it does not fit the other steps: from one to the next it could only grow";
const UNDECIDED = "it and another step contradict each other, and nothing shows which is wrong: " +
  "from one to the next it could only grow";

/** Judges tp of some members (the outer list) at steps (the inner one), which come in some order. */
async function judge(
  members: Step[][],
  order: number[] = [...members[0]!.keys()],
  known: Finding[] = [],
) {
  const steps = [...members[0]!.keys()];
  const plan = steps.map((step) => planField("tp", 3 * step + 3));
  const check = new GrowthCheck(plan);
  const saved = new Map<number, FieldPoints>();
  const fields = new Map<number, ReducedField>();
  for (const step of order) {
    const parts = [...members.entries()].flatMap(([member, series]) => {
      const values = series[step];
      return values
        ? [{ member, ...packPoints({ numbers: Float64Array.from(values) }, 2 ** -10) }]
        : [];
    });
    const points = joinPoints(members[0]!.find((it) => it)!.length, parts);
    saved.set(step, points);
    const implausible = step === 0 ? known : [];
    fields.set(step, { ...emptyField([]), members: parts.map((it) => it.member), implausible });
    check.note(step, structuredClone(points));
  }
  const read: number[] = [];
  const findings = await check.judge(fields, (i) => {
    read.push(i);
    return Promise.resolve(saved.get(i)!);
  });
  const listed = [...findings].flatMap(([step, own]) =>
    own.map(({ member, reason }) => [member, step, reason] as const)
  );
  return { found: listed.sort((a, b) => a[0] - b[0] || a[1] - b[1]), read };
}

const GROWING = [[1, 1], [2, 2], [3, 3], [4, 4]];

Deno.test("GrowthCheck finds nothing in series that grow, in whatever order they come, and reads nothing again", async () => {
  for (const order of [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]]) {
    assertEquals(await judge([GROWING, GROWING], order), { found: [], read: [] });
  }
});

Deno.test("GrowthCheck names the message of the member and step that does not fit, at a single point", async () => {
  const fault = [[1, 1], [2, 2], [3, 0.5], [4, 4]];
  const { found, read } = await judge([GROWING, fault], [3, 1, 0, 2]);
  assertEquals(found, [[1, 2, SHRUNK]]);
  assertEquals(read.toSorted(), [0, 1, 2, 3]);
});

Deno.test("GrowthCheck names both of two steps that contradict each other", async () => {
  assertEquals((await judge([[[5, 5], [5, 4.9]]])).found, [[0, 0, UNDECIDED], [0, 1, UNDECIDED]]);
});

Deno.test("GrowthCheck lets the other members show which of two steps is wrong", async () => {
  const others = [0, 0.1, 0.2, 0.3].map((more) => [[5 + more, 5], [6 + more, 6]]);
  assertEquals((await judge([...others, [[9, 5], [6, 6]]])).found, [[4, 0, SHRUNK]]);
  assertEquals((await judge([...others, [[5, 5], [1, 6]]])).found, [[4, 1, SHRUNK]]);
  // Neither is far from the others, or both are.
  assertEquals((await judge([...others, [[5.9, 5], [5.7, 6]]])).found.length, 2);
  assertEquals((await judge([...others, [[90, 5], [80, 6]]])).found, [
    [4, 0, UNDECIDED],
    [4, 1, UNDECIDED],
  ]);
});

Deno.test("GrowthCheck lets a step be much farther from the other members than the next one of a member that is unusual", async () => {
  const others = [0, 0.1, 0.2, 0.3].map((more) => [[5 + more, 5], [6 + more, 6]]);
  // 4 deviations from the others at the right step, 50 at the wrong one.
  assertEquals((await judge([...others, [[12, 5], [6.75, 6]]])).found, [[4, 0, SHRUNK]]);
});

Deno.test("GrowthCheck compares the steps that a member has, when it lacks one between them", async () => {
  const lacking = [[3, 3], undefined, [1, 3], [4, 4]];
  const { found } = await judge([GROWING, lacking]);
  assertEquals(found, [[1, 0, UNDECIDED], [1, 2, UNDECIDED]]);
});

Deno.test("GrowthCheck does not hold a message against the others that is known to be wrong", async () => {
  const known = [{ member: 0, reason: "above 3.6" }];
  assertEquals((await judge([[[90, 90], [2, 2]]], [0, 1], known)).found, []);
});

Deno.test("GrowthCheck forgets what it found of a field that came again", async () => {
  const plan = [planField("tp", 3), planField("tp", 6)];
  const check = new GrowthCheck(plan);
  const pack = (values: number[]) =>
    joinPoints(2, [{ member: 0, ...packPoints({ numbers: Float64Array.from(values) }, 0) }]);
  const [first, wrong, right] = [pack([1, 1]), pack([1, 0]), pack([1, 2])];
  for (const [i, points] of [[0, first], [1, wrong], [1, right]] as const) {
    check.note(i, structuredClone(points));
  }
  const fields = new Map([0, 1].map((i) => [i, { ...emptyField([]), members: [0] }]));
  const read = (i: number) => Promise.resolve([first, right][i]!);
  assertEquals(await check.judge(fields, read), new Map());
});

Deno.test("GrowthCheck does not compare what does not accumulate", async () => {
  const plan = [planField("sp", 3), planField("sp", 6)];
  const fields = new Map([0, 1].map((i) => [i, { ...emptyField([]), members: [0] }]));
  const read = () => Promise.reject(new Error("nothing to read"));
  assertEquals(await new GrowthCheck(plan).judge(fields, read), new Map());
});
