import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeRichForecast } from "../../fixtures/rich_forecast.ts";
import { makeAxes, makeSyntheticForecast } from "../../fixtures/synthetic_forecast.ts";
import { encodeNetcdf, type NetcdfDataset } from "../netcdf/encode_netcdf.ts";
import { type ForecastFile, parseForecast } from "../output/forecast_file.ts";
import { chooseAllPanels, chooseDefaultPanels } from "./choose_panels.ts";
import { formatThreshold, labelStatistic } from "./statistic_names.ts";
import { addWinds } from "./wind_pairs.ts";

const AXES = makeAxes({ north: 1, south: 0, west: 30, east: 31 }, 0.5);

async function open(dataset: NetcdfDataset): Promise<ForecastFile> {
  return addWinds(parseForecast(await new Blob([...encodeNetcdf(dataset)]).bytes(), "a.nc"));
}

const write = (choices: ReturnType<typeof chooseDefaultPanels>) =>
  choices.map(({ name, statistic }) => `${name} ${statistic}`);

Deno.test("of the default output twelve maps are drawn: eight means and four deviations", async () => {
  const file = await open(makeSyntheticForecast({ steps: [36], axes: AXES }));
  assertEquals(write(chooseDefaultPanels(file)), [
    ...["tp mean", "t2m mean", "wind700 mean", "sp mean", "tcc mean", "tcwv mean", "ssr mean"],
    ...["ro mean", "tp deviation", "t2m deviation", "sp deviation", "tcc deviation"],
  ]);
});

Deno.test("of products sums over periods come first, then probabilities and percentiles", async () => {
  const file = await open(makeRichForecast({ axes: AXES }));
  assertEquals(write(chooseDefaultPanels(file)), [
    ...["tp_24h mean", "tp mean", "t2m mean", "wind10m mean", "wind700 mean"],
    ...["tp_24h above_5mm", "tp_24h above_20mm", "tp_24h above_50mm", "t2m above_303K"],
    ...["tp_24h p10", "tp_24h p50", "tp_24h p90"],
  ]);
});

Deno.test("of a file without means the median is drawn first, and nothing that it lacks", async () => {
  const dataset = makeRichForecast({ axes: AXES });
  dataset.variables = dataset.variables.filter(({ name }) =>
    !/_mean$|_members$|^[uv]700|^tp_ens/.test(name)
  );
  const file = await open(dataset);
  const drawn = write(chooseDefaultPanels(file));
  assertEquals(drawn.slice(0, 2), ["tp_24h p50", "t2m p50"]);
  assertEquals(drawn.filter((it) => /mean|u700|sp|tcc/.test(it)), []);
});

Deno.test("of variables by name every statistic is drawn, the first of all before the second of any", async () => {
  const file = await open(
    makeSyntheticForecast({ variables: ["tp", "t2m"], steps: [36], axes: AXES }),
  );
  assertEquals(write(chooseAllPanels(file, ["tp", "sf", "t2m"])), [
    ...["tp mean", "sf mean", "t2m mean", "tp deviation", "t2m deviation"],
  ]);
});

Deno.test("statistics and thresholds are written as people say them", () => {
  const percentiles = [1, 2, 3, 10, 11, 50, 92, 99.9].map((percent) =>
    labelStatistic({ kind: "percentile", percent })
  );
  assertEquals(percentiles, [
    ...["1st percentile", "2nd percentile", "3rd percentile", "10th percentile"],
    ...["11th percentile", "median", "92nd percentile", "99.9th percentile"],
  ]);
  assertEquals(
    labelStatistic({ kind: "exceedance", comparison: "above", threshold: "0p5mm" }),
    "probability above 0.5 mm",
  );
  assertEquals(
    labelStatistic({ kind: "exceedance", comparison: "at_most", threshold: "minus5C" }),
    "probability at most −5 °C",
  );
  assertEquals(["308K", "15m/s", "minus5C", "-5.5C", "60percent"].map(formatThreshold), [
    ...["308 K", "15 m/s", "−5 °C", "−5.5 °C", "60 %"],
  ]);
});
