import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeAxes, makeSyntheticForecast } from "../../fixtures/synthetic_forecast.ts";
import { encodeNetcdf, type NetcdfDataset } from "../netcdf/encode_netcdf.ts";
import { findField } from "../output/forecast_fields.ts";
import { type ForecastFile, parseForecast } from "../output/forecast_file.ts";
import { chooseDefaultPanels, choosePanels } from "./choose_panels.ts";
import { drawFigure, type Figure, planScales } from "./figure.ts";
import { measureText } from "./svg_fixture.ts";

async function parse(dataset: NetcdfDataset): Promise<ForecastFile> {
  return parseForecast(await new Blob([...encodeNetcdf(dataset)]).bytes(), "a.nc");
}

function draw(file: ForecastFile, choices = chooseDefaultPanels(file)): Figure {
  return drawFigure(file, 0, choices, planScales(file, choices));
}

interface Label {
  text: string;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** All text of a figure with its boxes. */
function listLabels({ svg }: Figure): Label[] {
  return [...svg.matchAll(/<text ([^>]*)>([^<]*)<\/text>/g)].map(([, attributes, text]) => {
    const read = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(attributes!)?.[1] ?? "";
    const size = Number(read("font-size"));
    const weight = read("font-weight") === "bold" ? "bold" : "normal";
    const width = measureText(text!, size, weight);
    const shift = { middle: width / 2, end: width }[read("text-anchor")] ?? 0;
    const [x, y] = [Number(read("x")), Number(read("y"))];
    return {
      text: text!,
      left: x - shift,
      right: x - shift + width,
      top: y - 0.8 * size,
      bottom: y,
    };
  });
}

/** Labels that lie beyond the page or on another label. */
function listFaults(figure: Figure): string[] {
  const labels = listLabels(figure);
  const clipped = labels.filter(({ left, right, top, bottom }) =>
    left < 0 || right > figure.width || top < 0 || bottom > figure.height
  );
  const overlapping = labels.flatMap((a, i) =>
    labels.slice(i + 1).filter((b) =>
      a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
    ).map((b) => `"${a.text}" lies on "${b.text}"`)
  );
  return [...clipped.map(({ text }) => `"${text}" is clipped`), ...overlapping];
}

/** With few points: only the layout matters. */
const REGIONS = {
  "East Africa": makeAxes({ north: 25, south: -14, west: 19, east: 55 }, 1),
  "all Africa": makeAxes({ north: 38, south: -36, west: -20, east: 55 }, 2),
  "five degrees": makeAxes({ north: 0, south: -5, west: 29, east: 34 }),
  "half a degree": makeAxes({ north: -0.5, south: -1, west: 29, east: 29.5 }),
  "a tall strip": makeAxes({ north: 25, south: -25, west: 30, east: 40 }, 1),
  "a wide strip across the date line": makeAxes({ north: 5, south: -5, west: 160, east: 200 }, 1),
  "the whole globe": makeAxes({ north: 90, south: -90, west: -180, east: 170 }, 10),
};

for (const [region, axes] of Object.entries(REGIONS)) {
  Deno.test(`no label of a figure of ${region} is clipped or lies on another`, async () => {
    const file = await parse(makeSyntheticForecast({ steps: [60], axes }));
    file.absentMembers = ["control", "3-5", "7", "9-12", "14", "20-22", "31", "47-50"];
    const figures = [
      draw(file),
      ...[["tp"], ["u700", "ssrd"], ["sf", "ro", "ssr", "tcw", "v700"]].map((names) =>
        draw(file, [...choosePanels(names, "mean"), ...choosePanels(names, "deviation")])
      ),
    ];
    for (const figure of figures) {
      assert(listLabels(figure).length > 10);
      assertEquals(listFaults(figure), []);
    }
  });
}

Deno.test("a figure names run, step, valid time, members and region", async () => {
  const file = await parse(makeSyntheticForecast({
    steps: [36, 48],
    variables: ["tp"],
    axes: REGIONS["East Africa"],
  }));
  file.absentMembers = ["3-5"];
  file.memberCount = 48;
  const choices = choosePanels(["tp"], "mean");
  const figure = drawFigure(file, 1, choices, planScales(file, choices));
  const texts = listLabels(figure).map(({ text }) => text);
  assertEquals(texts.slice(0, 4), [
    "Ensemble forecast for Sunday, 8 February 2026 at 00:00 UTC",
    "run of 2026-02-06 00 UTC, step 48 h  ·  48 members, without 3-5  ·  25°N to 14°S, 19°E to 55°E",
    "tp mean (mm)",
    "total precipitation, 0–48 h, 51 members",
  ]);
});

Deno.test("a map says that its variable is not in the file, or has no values at the step", async () => {
  const dataset = makeSyntheticForecast({
    steps: [36, 48],
    variables: ["tp", "t2m"],
    axes: REGIONS["five degrees"],
  });
  const t2m = dataset.variables.find(({ name }) => name === "t2m_ensemble_mean")!;
  t2m.data.fill(NaN, 0, t2m.data.length / 2);
  const file = await parse(dataset);
  const choices = choosePanels(["tp", "t2m", "sp"], "mean");
  const scales = planScales(file, choices);
  const messagesAt = (stepIndex: number) =>
    drawFigure(file, stepIndex, choices, scales).panels.map(({ message }) => message);
  assertEquals(messagesAt(0), [
    undefined,
    "t2m has no values at this step",
    "sp is not in the file",
  ]);
  assertEquals(messagesAt(1), [undefined, undefined, "sp is not in the file"]);
  const texts = listLabels(drawFigure(file, 0, choices, scales)).map(({ text }) => text);
  assert(
    texts.includes("t2m has no values at this step") && texts.includes("sp is not in the file"),
  );
});

Deno.test("a map says that ECMWF did not publish its variable, or its field", async () => {
  const dataset = makeSyntheticForecast({
    steps: [0, 36],
    variables: ["tp", "t2m"],
    axes: REGIONS["five degrees"],
  });
  const tp = dataset.variables.find(({ name }) => name === "tp_ensemble_mean")!;
  tp.data.fill(NaN, 0, tp.data.length / 2);
  dataset.attributes = {
    ...dataset.attributes,
    variables_not_published: "tcc, sf",
    fields_not_published: "tp (0 h)",
  };
  const file = await parse(dataset);
  const choices = choosePanels(["tp", "t2m", "tcc", "ro"], "mean");
  const scales = planScales(file, choices);
  const panelsAt = (stepIndex: number) =>
    drawFigure(file, stepIndex, choices, scales).panels
      .map(({ message, isSound }) => [message, isSound]);
  const tcc = ["ECMWF published no tcc for this run", true];
  const ro = ["ro is not in the file", false];
  assertEquals(panelsAt(0), [
    ["ECMWF published no tp at this step", true],
    [undefined, false],
    tcc,
    ro,
  ]);
  assertEquals(panelsAt(1), [[undefined, false], [undefined, false], tcc, ro]);
});

Deno.test("scales hold the values of all steps, so that steps can be compared", async () => {
  const file = await parse(makeSyntheticForecast({ axes: REGIONS["five degrees"] }));
  const [tp] = file.variables;
  const greatest = file.stepHours.map((_, i) =>
    1000 * Math.max(...findField(tp!, "mean")!.values(i))
  );
  const [scale] = planScales(file, choosePanels(["tp"], "mean"));
  assert(greatest.every((value) => value <= scale!.most));
  assert(greatest[0]! < 0.7 * scale!.most && greatest.at(-1)! > 0.8 * scale!.most);
});
