import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { findVariable } from "../ecmwf/variables.ts";
import {
  alignFields,
  countLeastMembers,
  describeRejections,
  describeScarcePoints,
  emptyUncounted,
  requireMembers,
  type ResultField,
  summarizeField,
} from "./field_result.ts";

const axesAt = (north: number) => ({
  latitudes: Float64Array.of(north, north - 1),
  longitudes: Float64Array.of(30),
});

function resultField(stepHours: number, north: number): ResultField {
  return {
    variable: findVariable("tp")!,
    stepHours,
    reduced: summarizeField({
      axes: axesAt(north),
      mean: Float32Array.of(1, 2),
      deviation: Float32Array.of(0, 0),
      members: [0, 1],
      rejections: [],
      implausible: [],
    }),
  };
}

Deno.test("alignFields() empties a field on other points than most", () => {
  const { axes, fields } = alignFields([
    resultField(36, 9),
    resultField(39, 5),
    resultField(42, 5),
  ]);
  assertEquals(axes, axesAt(5));
  assertEquals(fields.map(({ reduced }) => reduced.members), [[], [0, 1], [0, 1]]);
  assertEquals(describeRejections(fields), [
    "tp (36 h), members control, 1: it is on another grid",
  ]);
});

Deno.test("alignFields() has no axes when no field has a value", () => {
  const { reduced, ...field } = resultField(36, 9);
  const { axes: _, ...empty } = reduced;
  assertEquals(alignFields([{ ...field, reduced: empty }]).axes, undefined);
});

Deno.test("describeRejections() gives one line for the same members, reason and fields", () => {
  const fields = [resultField(36, 9), resultField(39, 9), resultField(42, 9)];
  const [first, second] = fields;
  for (const { reduced } of fields) reduced.rejections.push({ member: 2, reason: "no store" });
  for (const { reduced } of [first!, second!]) {
    reduced.rejections.push({ member: 3, reason: "it is damaged" });
    reduced.rejections.push({ member: 4, reason: "it is damaged" });
  }
  assertEquals(describeRejections(fields), [
    "all fields, members 2: no store",
    "tp (36, 39 h), members 3-4: it is damaged",
  ]);
});

const VALUES = Float32Array.of(1, 2, 3);

/** A field of three points and members, some of which lack values. */
function fieldWithCounts(...counts: number[]): ResultField {
  const field = resultField(36, 9);
  const [mean, members] = [VALUES, [0, 1, 2]];
  const given = { mean, deviation: mean, members, rejections: [], implausible: [] };
  return { ...field, reduced: summarizeField({ ...given, counts: Uint16Array.from(counts) }) };
}

Deno.test("requireMembers() counts at each point, and empties those with fewer members", () => {
  const [field] = requireMembers([fieldWithCounts(3, 1, 2)], 2);
  assertEquals([...emptyUncounted(VALUES.slice(), field!.reduced)], [1, NaN, 3]);
  assertEquals([field!.reduced.members, field!.reduced.scarcePoints], [[0, 1, 2], 1]);
  assertEquals(countLeastMembers(field!.reduced), 2);
  assertEquals(describeScarcePoints([field!]), [
    "tp (36 h): 1 of 3 points are empty, as fewer members than required have a value there",
  ]);
});

Deno.test("requireMembers() empties a field that has enough members at no point", () => {
  const [field] = requireMembers([fieldWithCounts(2, 1, 0)], 3);
  assertEquals([field!.reduced.members, field!.reduced.pointCount], [[], 0]);
  assertEquals(describeRejections([field!]), [
    "all fields, members control, 1-2: the field has 2 members and 3 are required",
  ]);
});

Deno.test("requireMembers() leaves points alone that no member has a value at, and fields that lack nothing", () => {
  for (const field of [fieldWithCounts(3, 0, 3), fieldWithCounts(3, 3, 3), resultField(36, 9)]) {
    assertEquals(requireMembers([field], 2), [field]);
  }
  assertEquals(countLeastMembers(fieldWithCounts(3, 0, 2).reduced), 2);
  assertEquals(countLeastMembers(resultField(36, 9).reduced), 2);
});
