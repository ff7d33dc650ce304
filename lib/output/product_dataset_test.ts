import { assertEquals } from "jsr:@std/assert@^1.0.0";
import type { Member } from "../ecmwf/members.ts";
import { parseRun } from "../ecmwf/run.ts";
import { findVariable } from "../ecmwf/variables.ts";
import { type FieldProduct, plainProduct } from "../ensemble/field_product.ts";
import type { Exceedance, MemberStatistic } from "../ensemble/statistic.ts";
import type { NetcdfDataset } from "../netcdf/encode_netcdf.ts";
import { buildDataset, type OutputField } from "./forecast_dataset.ts";
import { GIK } from "./profile.ts";
import { nameStatistic } from "./statistic_attributes.ts";

const [TP, T2M, U700, V700] = ["tp", "t2m", "u700", "v700"].map((name) => findVariable(name)!);
const ABOVE: Exceedance = {
  kind: "exceedance",
  comparison: ">",
  threshold: 0.02,
  label: "20mm",
};
const TP_24H: FieldProduct = {
  ...plainProduct(TP!),
  name: "tp_24h",
  period: 24,
  statistics: [{ kind: "mean" }, ABOVE],
};
const WIND: FieldProduct = { name: "wind700", inputs: [U700!, V700!], derive: "speed" };
const RUN_HOURS = 1105368; // 2026-02-06 00 UTC

const field = (product: FieldProduct, stepHours: number, ...values: number[]): OutputField => {
  const statistics = values.map((value) => Float32Array.of(value, value + 0.5));
  return { product, stepHours, statistics, membersUsed: 3 };
};

/** Products at 12, 24 and 36 h on two points, with members 0, 1 and 2. */
function makeDataset(
  products: readonly FieldProduct[],
  fields: readonly OutputField[],
  statistics: readonly MemberStatistic[] = [{ kind: "mean" }],
): NetcdfDataset {
  return buildDataset({
    profile: { ...GIK, statistics },
    run: parseRun("20260206", "00"),
    products,
    steps: [12, 24, 36],
    axes: { latitudes: Float64Array.of(5), longitudes: Float64Array.of(30, 30.25) },
    fields,
    membersUsed: [0, 2],
    membersAbsent: [1],
    readMembers: (_, stepHours) =>
      Promise.resolve((member: Member, out: Float32Array) => {
        if (member === 1) return false;
        out.set([stepHours, member === 0 ? 1 : 2]);
        return true;
      }),
    history: "written by a test",
  });
}

function describe(dataset: NetcdfDataset, name: string) {
  const { dimensions, attributes, data } = dataset.variables.find((it) => it.name === name)!;
  return { dimensions: dimensions.join(), attributes, data: [...data] };
}

Deno.test("a sum over a period has an axis of its own, with the steps that end one, and its bounds", () => {
  const fields = [field(TP_24H, 24, 1, 0.25), field(TP_24H, 36, 2, 0.75)];
  const dataset = makeDataset([plainProduct(TP!), TP_24H], fields);
  assertEquals(dataset.dimensions, {
    ...{ time: 1, valid_time: 3, valid_time_24h: 2, latitude: 1, longitude: 2, bnds: 2 },
  });
  assertEquals(describe(dataset, "valid_time_24h").data, [RUN_HOURS + 24, RUN_HOURS + 36]);
  assertEquals(describe(dataset, "valid_time_24h").attributes.bounds, "valid_time_24h_bnds");
  assertEquals(
    describe(dataset, "valid_time_24h_bnds").data.map((value) => value - RUN_HOURS),
    [0, 24, 12, 36],
  );
  const mean = describe(dataset, "tp_24h_ensemble_mean");
  assertEquals(mean, {
    dimensions: "time,valid_time_24h,latitude,longitude",
    attributes: {
      long_name: "ensemble mean of total precipitation accumulated over 24 hours",
      standard_name: "lwe_thickness_of_precipitation_amount",
      units: "m",
      cell_methods: "valid_time_24h: sum realization: mean",
      ancillary_variables: "tp_24h_members_used",
      _FillValue: Float32Array.of(NaN),
    },
    data: [1, 1.5, 2, 2.5],
  });
  assertEquals(describe(dataset, "tp_24h_members_used").data, [3, 3]);
  assertEquals(describe(dataset, "tp_members_used").data, [0, 0, 0]);
});

Deno.test("a probability has no unit and no standard name, and says what it is above", () => {
  const dataset = makeDataset([TP_24H], [field(TP_24H, 24, 1, 0.25)]);
  const { attributes, data } = describe(dataset, "tp_24h_probability_above_20mm");
  assertEquals(data, [0.25, 0.75, NaN, NaN]);
  assertEquals(attributes, {
    long_name: "probability above 20mm of total precipitation accumulated over 24 hours",
    units: "1",
    threshold: 0.02,
    threshold_units: "m",
    comparison: ">",
    cell_methods: "valid_time_24h: sum",
    ancillary_variables: "tp_24h_members_used",
    _FillValue: Float32Array.of(NaN),
  });
});

Deno.test("without a plain variable there is no valid_time, and the first axis is that of time", () => {
  const dataset = makeDataset([TP_24H], []);
  assertEquals(Object.keys(dataset.dimensions).slice(0, 2), ["time", "valid_time_24h"]);
  assertEquals(describe(dataset, "valid_time_24h").attributes.axis, "T");
});

Deno.test("sums to the next step are on valid_time itself, whose bounds are those of the next step", () => {
  const next: FieldProduct = { ...plainProduct(TP!), period: "next" };
  const dataset = makeDataset([next, plainProduct(T2M!)], [field(next, 12, 1)]);
  const bounds = describe(dataset, "valid_time_bnds").data.map((value) => value - RUN_HOURS);
  assertEquals(bounds, [12, 24, 24, 36, 36, 36]);
  const { dimensions, attributes, data } = describe(dataset, "tp_ensemble_mean");
  assertEquals([dimensions, attributes.cell_methods, data.slice(0, 2)], [
    "time,valid_time,latitude,longitude",
    "valid_time: sum (from each time to the next) realization: mean",
    [1, 1.5],
  ]);
});

Deno.test("beside sums from the start of the run, those to the next step have no bounds: none fit both", () => {
  const next: FieldProduct = { ...plainProduct(TP!), name: "rain", period: "next" };
  const both = makeDataset([plainProduct(TP!), next], []);
  assertEquals(both.variables.filter(({ name }) => name.endsWith("_bnds")), []);
  assertEquals(["bnds" in both.dimensions, describe(both, "valid_time").attributes.bounds], [
    ...[false, undefined],
  ]);
  assertEquals(
    describe(both, "tp_ensemble_mean").attributes.cell_methods,
    "valid_time: sum (from the start of the run) realization: mean",
  );
});

Deno.test("members are streamed one step after the other, on an axis of all that were asked for", async () => {
  const members: MemberStatistic[] = [{ kind: "members" }, { kind: "maximum" }];
  const dataset = makeDataset([WIND], [field(WIND, 12, 7)], members);
  assertEquals(dataset.dimensions.number, 3);
  assertEquals(describe(dataset, "number").data, [0, 1, 2]);
  assertEquals(describe(dataset, "number").attributes.standard_name, "realization");
  assertEquals(describe(dataset, "wind700_ensemble_maximum").data.slice(0, 2), [7, 7.5]);
  const [streamed] = dataset.streamed!;
  assertEquals([streamed!.name, streamed!.dimensions.join(), streamed!.attributes.units], [
    "wind700_members",
    "time,valid_time,number,latitude,longitude",
    "m s-1",
  ]);
  const pieces = await Array.fromAsync(streamed!.pieces());
  assertEquals(
    pieces.map((piece) => [...piece]),
    [12, 24, 36].map((step) => {
      return [step, 1, NaN, NaN, step, 2];
    }),
  );
});

Deno.test("names of variables follow from product and statistic", () => {
  const names = ([
    { kind: "mean" },
    { kind: "standard_deviation", ddof: 0 },
    { kind: "standard_deviation", ddof: 1 },
    { kind: "minimum" },
    { kind: "maximum" },
    { kind: "percentile", percent: 97.5 },
    { ...ABOVE, comparison: "<=", label: "-0.5°C" },
    { ...ABOVE, comparison: ">=", label: "80%" },
    { ...ABOVE, label: "15m/s" },
    { kind: "members" },
  ] satisfies MemberStatistic[]).map((statistic) => nameStatistic(TP_24H, statistic));
  assertEquals(names, [
    "tp_24h_ensemble_mean",
    "tp_24h_ensemble_standard_deviation",
    "tp_24h_ensemble_standard_deviation_sample",
    "tp_24h_ensemble_minimum",
    "tp_24h_ensemble_maximum",
    "tp_24h_ensemble_p97p5",
    "tp_24h_probability_at_most_minus0p5C",
    "tp_24h_probability_at_least_80percent",
    "tp_24h_probability_above_15m_s",
    "tp_24h_members",
  ]);
});
