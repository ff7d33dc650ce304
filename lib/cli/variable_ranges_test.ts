import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { formatTable } from "./text_report.ts";
import { findVariable } from "../ecmwf/variables.ts";
import { type ResultField, summarizeField } from "../ensemble/field_result.ts";
import { measureVariables, tabulateVariables } from "./variable_ranges.ts";

/** A field with a number of members. */
function makeField(
  name: string,
  stepHours: number,
  members: number,
  mean: number[],
  deviation: number[],
): ResultField {
  return {
    variable: findVariable(name)!,
    stepHours,
    reduced: summarizeField({
      mean: Float32Array.from(mean),
      deviation: Float32Array.from(deviation),
      members: Array.from({ length: members }, (_, i) => i),
      rejections: [],
      implausible: [],
    }),
  };
}

const FIELDS = [
  makeField("t2m", 36, 4, [280, 290], [1, 3]),
  makeField("t2m", 39, 3, [NaN, 300], [NaN, 2]),
  makeField("t2m", 42, 0, [], []),
  makeField("sp", 36, 4, [95_607.5, 104_202.5], [1834.5, 3658.5]),
  makeField("cape", 36, 0, [], []),
];

Deno.test("measureVariables() gives the range over all steps, without points that have no value", () => {
  const [t2m, sp, cape] = measureVariables(FIELDS, 4);
  assertEquals(t2m, {
    name: "t2m",
    units: "K",
    minimum: 280,
    mean: 290,
    maximum: 300,
    deviationMean: 2,
    deviationMaximum: 3,
    members: { least: 0, most: 4 },
    fields: { whole: 1, partial: 1, empty: 1 },
  });
  assertEquals([sp!.minimum, sp!.maximum, sp!.fields.whole], [95_607.5, 104_202.5, 1]);
  assertEquals([cape!.mean, cape!.deviationMaximum, cape!.fields.empty], [NaN, NaN, 1]);
});

Deno.test("tabulateVariables() writes numbers as people do, and shows what is missing", () => {
  assertEquals(formatTable(tabulateVariables(measureVariables(FIELDS, 4))).split("\n"), [
    "  variable  units     min   mean     max  sd mean  sd max  members  fields",
    "  t2m       K       280.0  290.0   300.0    2.000   3.000      0–4  1 whole, 1 partial, 1 empty",
    "  sp        Pa      95608  99905  104203     2747    3659        4  1 whole",
    "  cape      J kg-1      –      –       –        –       –        0  1 empty",
  ]);
});
