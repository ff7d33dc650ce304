import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { parseRun } from "../ecmwf/run.ts";
import { findVariables } from "../ecmwf/variables.ts";
import { plainProduct } from "../ensemble/field_product.ts";
import { addAbsentFields } from "./absent_fields.ts";
import { buildDataset } from "./forecast_dataset.ts";
import { GIK } from "./profile.ts";
import { SEWAA_6H } from "./profiles/sewaa.ts";

/** The dataset of two variables, one of which is not published. */
const DATASET = buildDataset<Float32Array>({
  profile: SEWAA_6H,
  run: parseRun("20260206", "00"),
  products: findVariables(["tp"]).map(plainProduct),
  steps: [36, 42],
  axes: { latitudes: Float64Array.of(1, 0), longitudes: Float64Array.of(30, 31) },
  fields: [],
  unpublished: { variables: findVariables(["ssr"]), fields: [] },
  membersUsed: [1, 2],
  membersAbsent: [],
  history: "written by a test",
});

const namesIn = ({ variables }: typeof DATASET) => variables.map(({ name }) => name);

Deno.test("fields that ECMWF does not publish are listed after those that it did not publish of the run", () => {
  const dataset = addAbsentFields(DATASET, SEWAA_6H);
  assertEquals(
    dataset.attributes.variables_not_published,
    "ssr, cp, mcc, tciw, tclw, tcrw",
  );
  assertEquals(dataset.attributes.substituted_variables, undefined);
  assertEquals(namesIn(dataset), namesIn(DATASET));
});

Deno.test("a substitute is a constant without deviation, and says that it is experimental", () => {
  const dataset = addAbsentFields(DATASET, { ...SEWAA_6H, substitutes: { mcc: 0.5, cp: 0 } });
  assertEquals(
    dataset.attributes.substituted_variables,
    "mcc=0.5, cp=0 (experimental: constants that a user chose)",
  );
  const added = dataset.variables.slice(DATASET.variables.length);
  const sample = "ensemble_standard_deviation_sample";
  assertEquals(added.map(({ name, data, attributes: { units } }) => [name, units, ...data]), [
    ["cp_ensemble_mean", "m", ...Array(8).fill(0)],
    [`cp_${sample}`, "m", ...Array(8).fill(0)],
    ["mcc_ensemble_mean", "1", ...Array(8).fill(0.5)],
    [`mcc_${sample}`, "1", ...Array(8).fill(0)],
  ]);
  for (const { attributes: { comment } } of added) {
    assertEquals(`${comment}`.startsWith("experimental: "), true);
  }
});

Deno.test("where all fields are of a period, a substitute is on its axis", () => {
  const { valid_time, ...dimensions } = DATASET.dimensions;
  const dataset = addAbsentFields(
    { ...DATASET, dimensions: { ...dimensions, valid_time_24h: valid_time! } },
    { ...SEWAA_6H, substitutes: { cp: 2 } },
  );
  const { dimensions: own, data } = dataset.variables.at(-2)!;
  assertEquals([own[1], ...data], ["valid_time_24h", ...Array(8).fill(2)]);
});

Deno.test("a profile that lacks nothing leaves the dataset as it is", () => {
  assertEquals(addAbsentFields(DATASET, GIK), DATASET);
});
