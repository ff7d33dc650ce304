import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeRandom } from "../../fixtures/random.ts";
import { makeRichForecast } from "../../fixtures/rich_forecast.ts";
import { makeAxes, makeSyntheticForecast } from "../../fixtures/synthetic_forecast.ts";
import { findField } from "../output/forecast_fields.ts";
import { type ForecastFile, parseForecast } from "../output/forecast_file.ts";
import { encodeNetcdf } from "../netcdf/encode_netcdf.ts";
import { buildContent } from "./content.ts";
import type { PageData } from "./page/data.ts";
import { describeMembers } from "./page/describe_view.ts";
import { silentReporter } from "../util/reporter.ts";
import { viewForecast } from "./view_forecast.ts";
import { unpackSteps } from "./page/unpack.ts";

const axes = makeAxes({ north: 8, south: -8, west: 30, east: 46 });

async function openForecast(): Promise<ForecastFile> {
  const dataset = makeSyntheticForecast({ variables: ["tp", "t2m", "tcc"], steps: [36, 39], axes });
  const bytes = await new Response(ReadableStream.from(encodeNetcdf(dataset))).bytes();
  return parseForecast(bytes, "folder/IFS_20260206_00Z_cgan.nc");
}

/** The page's data of one forecast. */
async function buildOne(forecast: ForecastFile, onVariable?: () => void): Promise<PageData> {
  return (await buildContent([forecast], onVariable)).forecasts[0]!;
}

Deno.test("buildContent() has the run, the grid and every variable in its shown unit", async () => {
  const forecast = await openForecast();
  const data = await buildOne(forecast);
  assertEquals(data.fileName, "IFS_20260206_00Z_cgan.nc");
  assertEquals(data.runTime, Date.UTC(2026, 1, 6));
  assertEquals(data.times, [Date.UTC(2026, 1, 7, 12), Date.UTC(2026, 1, 7, 15)]);
  assertEquals(data.bounds, { north: 8.125, south: -8.125, west: 29.875, east: 46.125 });
  assertEquals(data.variables.map(({ name, units }) => [name, units]), [
    ["tp", "mm"],
    ["t2m", "K"],
    ["tcc", "0–1"],
  ]);
  const shape = { rows: axes.latitudes.length, columns: axes.longitudes.length };
  assertEquals(data.variables[0]!.fields.map(({ key }) => key), ["mean", "deviation"]);
  for (const { key, packed, quantum, largestError } of data.variables[0]!.fields) {
    const steps = await unpackSteps(packed, quantum, shape);
    steps.forEach((field, step) => {
      const expected = findField(forecast.variables[0]!, key)!.values(step);
      field.forEach((value, i) => assert(Math.abs(value - expected[i]! * 1000) <= largestError));
    });
  }
});

Deno.test("buildContent() has a palette of 256 colours for every scale, and outlines of the region", async () => {
  const { variables, palettes, outlines } = await buildOne(await openForecast());
  for (const { fields } of variables) {
    for (const { scale } of fields) {
      assert(/^[\da-f]{1536}$/.test(palettes[scale!.palette]!));
    }
  }
  assert(outlines.paths.lakes.length > 100, "Lake Victoria is there");
});

/** The forecast with t2m alone, its values replaced by noise about a mean and a deviation. */
function makeNoisy(forecast: ForecastFile, points: number): ForecastFile {
  const random = makeRandom(3);
  const noise = (middle: number, width: number) =>
    Float32Array.from({ length: points }, () => middle + width * random());
  const [t2m] = forecast.variables.slice(1, 2);
  const [mean, deviation] = t2m!.fields;
  const fields = [
    { ...mean!, values: () => noise(300, 2) },
    { ...deviation!, values: () => noise(0.5, 0.5) },
  ];
  return { ...forecast, variables: [{ ...t2m!, fields }] };
}

Deno.test("buildContent() rounds noise more coarsely than smooth fields, so that the page stays small", async () => {
  const small = await openForecast();
  const forecast = {
    ...small,
    latitudes: Float64Array.from({ length: 500 }, (_, i) => 40 - i / 8),
    longitudes: Float64Array.from({ length: 500 }, (_, i) => i / 8),
  };
  let packed = 0;
  const { variables } = await buildOne(makeNoisy(forecast, 250_000), () => packed++);
  assertEquals([packed, variables[0]!.fields[0]!.quantum], [4, 0.05]); // at most an eighth of 0.76
  const smooth = await buildOne({ ...small, variables: small.variables.slice(1, 2) });
  assert(smooth.variables[0]!.fields[0]!.quantum < 0.05);
});

Deno.test("a small region is rounded no more coarsely than a large one: noise on 65 × 65 points to 1/64 of its spread", async () => {
  const forecast = await openForecast();
  const points = axes.latitudes.length * axes.longitudes.length;
  let packed = 0;
  const { variables } = await buildOne(makeNoisy(forecast, points), () => packed++);
  assertEquals([packed, variables[0]!.fields[0]!.quantum], [1, 0.01]);
});

Deno.test("two forecasts have the same colours for the same values, and the towns of their region", async () => {
  const forecast = await openForecast();
  const [tp] = forecast.variables;
  const wetter = tp!.fields.map((field) => ({
    ...field,
    values: (step: number) => field.values(step).map((value) => 3 * value),
  }));
  const other = { ...forecast, variables: [{ ...tp!, fields: wetter }] };
  const { forecasts: [first, second], towns } = await buildContent([forecast, other]);
  const [scale] = first!.variables.map(({ fields }) => fields[0]!.scale);
  assertEquals(second!.variables[0]!.fields[0]!.scale, scale);
  assert(scale!.most > first!.variables[0]!.fields[1]!.scale!.most);
  const kigali = towns.find(([name]) => name === "Kigali")!;
  assertEquals(kigali[1], "Rwanda");
  assert(Math.abs(kigali[2] + 1.95) < 0.1 && Math.abs(kigali[3] - 30.06) < 0.1);
  assert(towns.every(([, , latitude]) => Math.abs(latitude) < 8.2));
});

Deno.test("periods come first, probabilities are whole percent, and members are every few points where they are many", async () => {
  const region = makeAxes({ north: 2, south: -2, west: 30, east: 34 }, 1);
  const dataset = makeRichForecast({ axes: region, memberCount: 5 });
  const bytes = await new Blob([...encodeNetcdf(dataset)]).bytes();
  const forecast = parseForecast(bytes, "a.nc");
  const { variables } = await buildOne(forecast);
  assertEquals(variables.map(({ name }) => name).slice(0, 3), ["tp_24h", "tp", "t2m"]);
  const [tp24] = variables;
  assertEquals([tp24!.period, tp24!.steps, tp24!.units], ["24 h", [2, 3, 4, 5, 6], "mm"]);
  const probability = tp24!.fields.find(({ key }) => key === "above_20mm")!;
  assertEquals(
    [probability.label, probability.units, probability.quantum, probability.digits],
    ["probability above 20 mm", "%", 1, 0],
  );
  const shape = { rows: 5, columns: 5 };
  const percent = await unpackSteps(probability.packed, 1, shape);
  const stored = dataset.variables.find(({ name }) => name === "tp_24h_probability_above_20mm")!;
  assertEquals(
    [...percent[0]!],
    [...stored.data.subarray(0, 25)].map((it) => Math.round(100 * it)),
  );
  const { numbers, stride, quantum, packed } = tp24!.members!;
  assertEquals([numbers, stride], [[0, 1, 2, 3, 4], 1]);
  const planes = await unpackSteps(packed, quantum, shape);
  const members = dataset.variables.find(({ name }) => name === "tp_24h_members")!.data;
  assertEquals(planes.length, 25);
  planes.flatMap((plane) => [...plane]).forEach((value, i) =>
    assert(Math.abs(value - 1000 * members[i]!) <= quantum / 2 + 1e-6)
  );
});

Deno.test("the page of a forecast says what ECMWF did not publish, and nothing where it published all", async () => {
  const forecast = await openForecast();
  const usual = await buildOne(forecast);
  assert(!("notPublished" in usual));
  assert(describeMembers(usual).endsWith("Absent: none."));
  const data = await buildOne({ ...forecast, notPublished: ["sf", "tp (0 h)"] });
  assertEquals(data.notPublished, ["sf", "tp (0 h)"]);
  assert(
    describeMembers(data).endsWith("Absent: none. Not published by ECMWF: sf, tp (0 h)."),
  );
});

Deno.test("viewForecast() warns of no field that ECMWF did not publish", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const dataset = makeSyntheticForecast({ variables: ["tp", "t2m"], steps: [0, 36], axes });
    const values = (name: string) => dataset.variables.find((it) => it.name === name)!.data;
    const points = axes.latitudes.length * axes.longitudes.length;
    values("tp_ensemble_mean").fill(NaN, 0, points);
    const view = async (attributes: Record<string, string>) => {
      dataset.attributes = { ...dataset.attributes, ...attributes };
      await Deno.writeFile(`${folder}/a.nc`, ReadableStream.from(encodeNetcdf(dataset)));
      const lines: string[] = [];
      const report = (line: string) => void lines.push(line);
      const reporter = { ...silentReporter, warn: report, info: report };
      const options = { input: `${folder}/a.nc`, output: `${folder}/a.html` };
      const { complete } = await viewForecast(options, reporter);
      return [complete, lines[0]];
    };
    const page = `${folder}/a.html`;
    assertEquals(await view({}), [false, `${page}: no value of tp at 0 h`]);
    assertEquals(await view({ variables_not_published: "sf", fields_not_published: "tp (0 h)" }), [
      true,
      `${page}: ECMWF published no sf, tp (0 h) for this run`,
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
