import { assert, assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { makeRichForecast } from "../../fixtures/rich_forecast.ts";
import { makeAxes, makeSyntheticForecast } from "../../fixtures/synthetic_forecast.ts";
import { encodeNetcdf, type NetcdfDataset } from "../netcdf/encode_netcdf.ts";
import { findField, nameBase, parseFieldName } from "./forecast_fields.ts";
import { type ForecastFile, parseForecast } from "./forecast_file.ts";

const AXES = makeAxes({ north: 1, south: -1, west: 30, east: 32 }, 1);
const POINTS = 9;
const TENTHS = makeAxes({ north: 0.15, south: 0.05, west: 30.05, east: 30.15 }, 0.1);

async function parse(dataset: NetcdfDataset): Promise<ForecastFile> {
  return parseForecast(await new Blob([...encodeNetcdf(dataset)]).bytes(), "a.nc");
}

const dataOf = (dataset: NetcdfDataset, name: string) =>
  dataset.variables.find((variable) => variable.name === name)!.data;

Deno.test("the name of a variable says its product and statistic", () => {
  const cases: [string, string, string][] = [
    ["tp_ensemble_mean", "tp", "mean"],
    ["tp_24h_ensemble_standard_deviation", "tp_24h", "deviation"],
    ["u700_ensemble_standard_deviation_sample", "u700", "deviation_sample"],
    ["tp_day_ensemble_p10", "tp_day", "p10"],
    ["tp_ensemble_p99p9", "tp", "p99.9"],
    ["t2m_ensemble_minimum", "t2m", "minimum"],
    ["tp_24h_probability_above_0p5mm", "tp_24h", "above_0p5mm"],
    ["t2m_probability_below_273K", "t2m", "below_273K"],
    ["tcc_probability_at_least_0p5", "tcc", "at_least_0p5"],
    ["t2m_probability_at_most_minus5C", "t2m", "at_most_minus5C"],
    ["wind700_members", "wind700", "members"],
  ];
  for (const [name, product, key] of cases) {
    const parsed = parseFieldName(name)!;
    assertEquals([name, parsed.product, parsed.key], [name, product, key]);
  }
  const others = ["tp_members_used", "valid_time_24h_bnds", "latitude", "_ensemble_mean", "number"];
  assertEquals(others.map(parseFieldName), Array(5).fill(undefined));
  assertEquals(["tp_24h", "tp_day", "u700"].map(nameBase), ["tp", "tp", "u700"]);
});

Deno.test("variables over periods have time steps of their own among those of the file", async () => {
  const dataset = makeRichForecast({ axes: AXES });
  const file = await parse(dataset);
  assertEquals(file.stepHours, [0, 12, 24, 36, 48, 60, 72]);
  const tp24 = file.variables.find(({ name }) => name === "tp_24h")!;
  assertEquals([tp24.steps, tp24.period, tp24.units], [[2, 3, 4, 5, 6], 24, "m"]);
  assertEquals(tp24.longName, "total precipitation");
  assertEquals(tp24.fields.map(({ key }) => key), [
    ...["mean", "deviation", "minimum", "maximum", "p10", "p50", "p90"],
    ...["above_5mm", "above_20mm", "above_50mm"],
  ]);
  const p90 = dataOf(dataset, "tp_24h_ensemble_p90");
  assertEquals([...findField(tp24, "p90")!.values(3)], [...p90.subarray(POINTS, 2 * POINTS)]);
  assertThrows(() => findField(tp24, "p90")!.values(0), RangeError, "5 steps, from 2 on");
  const wind = file.variables.find(({ name }) => name === "wind10m")!;
  assertEquals([wind.steps.length, wind.longName], [7, "10 metre wind speed"]);
});

Deno.test("members are read by step, member and point; mean and deviation follow where there is no other", async () => {
  const dataset = makeRichForecast({ axes: AXES, memberCount: 5 });
  const kept = /^(?:time|valid_time(?:_24h)?(?:_bnds)?|latitude|longitude|t2m_members)$/;
  dataset.variables = dataset.variables.filter(({ name }) => kept.test(name));
  const file = await parse(dataset);
  assertEquals(file.variables.map(({ name }) => name), ["t2m"]);
  const [t2m] = file.variables;
  assertEquals(t2m!.members!.numbers, [0, 1, 2, 3, 4]);
  const stored = dataOf(dataset, "t2m_members");
  assertEquals([...t2m!.members!.read()], [...stored]);
  const first = Array.from({ length: 5 }, (_, member) => stored[member * POINTS]!);
  const mean = first.reduce((sum, value) => sum + value) / 5;
  const deviation = Math.sqrt(first.reduce((sum, it) => sum + (it - mean) ** 2, 0) / 5);
  assert(Math.abs(findField(t2m!, "mean")!.values(0)[0]! - mean) < 1e-4);
  assert(Math.abs(findField(t2m!, "deviation")!.values(0)[0]! - deviation) < 1e-4);
});

Deno.test("a file with one time axis has the start of the run as a scalar", async () => {
  const dataset = makeRichForecast({ axes: AXES });
  const { time: _, ...dimensions } = dataset.dimensions;
  const scalar = (it: NetcdfDataset["variables"][number]) => ({
    ...it,
    name: it.name === "time"
      ? "forecast_reference_time"
      : it.name === "valid_time"
      ? "time"
      : it.name,
    dimensions: it.dimensions.filter((name) => name !== "time")
      .map((name) => name === "valid_time" ? "time" : name),
  });
  const kept = dataset.variables.filter(({ name }) => !/24h|_bnds/.test(name)).map(scalar);
  const file = await parse({
    ...dataset,
    dimensions: { ...dimensions, time: dimensions.valid_time! },
    variables: kept,
  });
  assertEquals(file.runLabel, "2026-02-06 00 UTC");
  assertEquals(file.stepHours, [0, 12, 24, 36, 48, 60, 72]);
  assertEquals(
    [...findField(file.variables.find(({ name }) => name === "t2m")!, "p10")!.values(6)],
    [...dataOf(dataset, "t2m_ensemble_p10").subarray(6 * POINTS)],
  );
});

Deno.test("a file whose rows begin in the south, in float32, has increments to the next step", async () => {
  const dataset = makeSyntheticForecast({ variables: ["tp"], steps: [30, 36], axes: TENTHS });
  const { variables } = dataset;
  for (const variable of variables) {
    const { name, data, dimensions } = variable;
    if (name === "latitude") variable.data = Float32Array.from(data).reverse();
    if (name === "longitude") variable.data = Float32Array.from(data);
    if (!dimensions.includes("latitude") || name === "latitude") continue;
    variable.dimensions = dimensions.filter((dimension) => dimension !== "time");
    variable.attributes.long_name = "ensemble mean of total precipitation accumulated over the " +
      "time to the next step";
    data.set(Array.from({ length: 8 }, (_, i) => i));
  }
  const { latitudes, variables: [tp] } = await parse(dataset);
  assert(latitudes[0]! > latitudes[1]!);
  assertEquals([tp!.name, tp!.longName, tp!.period], [
    ...["tp", "total precipitation", "to the next step"],
  ]);
  assertEquals([...findField(tp!, "mean")!.values(1)], [6, 7, 4, 5]);
});
