import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeRandom } from "../../fixtures/random.ts";
import { makeAxes, makeSyntheticForecast } from "../../fixtures/synthetic_forecast.ts";
import { type ForecastFile, parseForecast } from "../output/forecast_file.ts";
import { encodeNetcdf } from "../netcdf/encode_netcdf.ts";
import { buildContent } from "./content.ts";
import { describeMembers } from "./page/view_state.ts";
import { silentReporter } from "../util/reporter.ts";
import { viewForecast } from "./view_forecast.ts";
import { unpackSteps } from "./page/unpack.ts";

const axes = makeAxes({ north: 8, south: -8, west: 30, east: 46 });

async function openForecast(): Promise<ForecastFile> {
  const dataset = makeSyntheticForecast({ variables: ["tp", "t2m", "tcc"], steps: [36, 39], axes });
  const bytes = await new Response(ReadableStream.from(encodeNetcdf(dataset))).bytes();
  return parseForecast(bytes, "folder/IFS_20260206_00Z_cgan.nc");
}

Deno.test("buildContent() has the run, the grid and every variable in its shown unit", async () => {
  const forecast = await openForecast();
  const data = await buildContent(forecast);
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
  const { mean, deviation, quantum, largestError } = data.variables[0]!;
  for (const [packed, read] of [[mean, "mean"], [deviation, "deviation"]] as const) {
    const steps = await unpackSteps(packed.packed, quantum, shape);
    steps.forEach((field, step) => {
      const expected = forecast.variables[0]![read](step);
      field.forEach((value, i) => assert(Math.abs(value - expected[i]! * 1000) <= largestError));
    });
  }
});

Deno.test("buildContent() has a palette of 256 colours for every scale, and outlines of the region", async () => {
  const { variables, palettes, outlines } = await buildContent(await openForecast());
  for (const { mean, deviation } of variables) {
    for (const { scale } of [mean, deviation]) {
      assert(/^[\da-f]{1536}$/.test(palettes[scale!.palette]!));
    }
  }
  assert(outlines.paths.lakes.length > 100, "Lake Victoria is there");
});

Deno.test("buildContent() rounds noise more coarsely than smooth fields, so that the page stays small", async () => {
  const forecast = await openForecast();
  const random = makeRandom(3);
  const points = axes.latitudes.length * axes.longitudes.length;
  const noise = forecast.variables.slice(1, 2).map((variable) => ({
    ...variable,
    mean: () => Float32Array.from({ length: points }, () => 300 + 2 * random()),
    deviation: () => Float32Array.from({ length: points }, () => 0.5 + 0.5 * random()),
  }));
  let packed = 0;
  const { variables } = await buildContent({ ...forecast, variables: noise }, () => packed++);
  assertEquals([packed, variables[0]!.quantum], [4, 0.05]); // at most an eighth of 0.76
  const smooth = await buildContent({ ...forecast, variables: forecast.variables.slice(1, 2) });
  assert(smooth.variables[0]!.quantum < 0.05);
});

Deno.test("the page of a forecast says what ECMWF did not publish, and nothing where it published all", async () => {
  const forecast = await openForecast();
  const usual = await buildContent(forecast);
  assert(!("notPublished" in usual));
  assert(describeMembers(usual).endsWith("Absent: none."));
  const data = await buildContent({ ...forecast, notPublished: ["sf", "tp (0 h)"] });
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
