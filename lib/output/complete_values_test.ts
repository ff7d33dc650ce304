import { assert, assertRejects } from "jsr:@std/assert@^1.0.0";
import { parseRun } from "../ecmwf/run.ts";
import { findVariables } from "../ecmwf/variables.ts";
import { plainProduct } from "../ensemble/field_product.ts";
import { MissingDataError } from "../errors.ts";
import { requireEveryValue } from "./complete_values.ts";
import type { OutputContent, OutputField } from "./forecast_dataset.ts";
import { GIK, type OutputProfile } from "./profile.ts";

const PRODUCTS = findVariables(["tp", "t2m"]).map(plainProduct);
const WHOLE: OutputProfile = { ...GIK, everyValueOf: 2 };

/** Two products at two steps; one field changed. */
function makeContent(profile: OutputProfile, change?: (field: OutputField) => OutputField[]) {
  const fields = PRODUCTS.flatMap((product) =>
    [36, 39].map((stepHours): OutputField => ({
      ...{ product, stepHours, membersUsed: 2 },
      statistics: [Float32Array.of(1, 2, 3, 4), Float32Array.of(1, 2, 3, 4)],
    }))
  );
  const content: OutputContent = {
    ...{ profile, products: PRODUCTS, steps: [36, 39], run: parseRun("20260206", "00") },
    axes: { latitudes: Float64Array.of(1, 0), longitudes: Float64Array.of(30, 31) },
    fields: fields.flatMap((field) =>
      change && field.product.name === "t2m" && field.stepHours === 39 ? change(field) : [field]
    ),
    ...{ membersUsed: [1, 2], membersAbsent: [], history: "" },
  };
  return content;
}

const lack: [why: string, change: (field: OutputField) => OutputField[], state: string][] = [
  ["is not there", () => [], "t2m at step 39 has 0 of the 2 members required"],
  [
    "has one member",
    (field) => [{ ...field, membersUsed: 1 }],
    "t2m at step 39 has 1 of the 2 members required",
  ],
  [
    "lacks a value of its deviation",
    (field) => [{
      ...field,
      statistics: [field.statistics[0]!, Float32Array.of(1, 2, 3, NaN)],
    }],
    "t2m_ensemble_standard_deviation at step 39 has no value at 0, 31",
  ],
];

for (const [why, change, state] of lack) {
  Deno.test(`a file that wants every value is refused when a field ${why}, and no other file is`, async () => {
    const { message } = await assertRejects(
      () => requireEveryValue(makeContent(WHOLE, change), "a.nc"),
      MissingDataError,
    );
    assert(message.startsWith(`Cannot write "a.nc": ${state}, `), message);
    await requireEveryValue(makeContent(GIK, change), "a.nc");
  });
}

Deno.test("a file that has every value is written", async () => {
  await requireEveryValue(makeContent(WHOLE), "a.nc");
});

Deno.test("a file of members that wants every value is refused when one of them lacks a field", async () => {
  const members: OutputProfile = { ...WHOLE, statistics: [{ kind: "members" }] };
  await requireEveryValue(makeContent(members), "a.nc");
  const content = { ...makeContent(members), membersAbsent: [3] };
  await assertRejects(
    () => requireEveryValue(content, "a.nc"),
    MissingDataError,
    'Cannot write "a.nc": tp at step 36 has 2 of the 3 members to write, ',
  );
});
