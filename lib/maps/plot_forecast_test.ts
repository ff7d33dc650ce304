import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "jsr:@std/assert@^1.0.0";
// @ts-types="npm:@types/d3-scale-chromatic@3.1.0"
import {
  interpolateBlues,
  interpolateRdBu,
  interpolateYlGnBu,
  interpolateYlOrRd,
} from "npm:d3-scale-chromatic@3.1.1";
import { NetCDFReader } from "npm:netcdfjs@4.0.0";
import { makeRichForecast } from "../../fixtures/rich_forecast.ts";
import { makeAxes, makeSyntheticForecast } from "../../fixtures/synthetic_forecast.ts";
import { UsageError } from "../errors.ts";
import { silentReporter } from "../util/reporter.ts";
import type { FigurePanel } from "./figure.ts";
import { plotForecast, type PlotResult } from "./plot_forecast.ts";
import { DPI, listNames, OCEAN, type Pixels, readPng, withForecast } from "./plot_fixture.ts";

/** The page is 2000 units and 10 inches wide. */
const PIXELS_PER_UNIT = DPI / 200;

const EAST_AFRICA = makeAxes({ north: 6, south: -14, west: 28, east: 46 }, 0.5);

type Rgb = [red: number, green: number, blue: number];

class Picture {
  readonly png: Pixels;

  constructor(path: string) {
    this.png = readPng(Deno.readFileSync(path));
  }

  pixel(x: number, y: number): Rgb {
    const at = 4 * (Math.floor(y) * this.png.width + Math.floor(x));
    return [...this.png.data.subarray(at, at + 3)] as Rgb;
  }

  /** The pixel that shows a point of a panel's map. */
  at({ frame }: FigurePanel, longitude: number, latitude: number): Rgb {
    return this.pixel(...placePixel(frame, longitude, latitude));
  }

  /** Pixels whose centres lie within some degrees of a point. */
  around({ frame }: FigurePanel, longitude: number, latitude: number, degrees: number): Rgb[] {
    const [left, top] = placePixel(frame, longitude - degrees, latitude + degrees);
    const [right, bottom] = placePixel(frame, longitude + degrees, latitude - degrees);
    const found: Rgb[] = [];
    for (let y = Math.floor(top); y <= bottom; y++) {
      for (let x = Math.floor(left); x <= right; x++) found.push(this.pixel(x, y));
    }
    return found;
  }
}

/** Plate carrée, written down once more. */
function placePixel(
  { bounds: { west, east, south, north }, x, y, width, height }: FigurePanel["frame"],
  longitude: number,
  latitude: number,
): [number, number] {
  const across = x + width * (longitude - west) / (east - west);
  const down = y + height * (north - latitude) / (north - south);
  return [across * PIXELS_PER_UNIT, down * PIXELS_PER_UNIT];
}

const parseRgb = (text: string): Rgb =>
  /(\d+), (\d+), (\d+)/.exec(text)!.slice(1).map(Number) as Rgb;

/** The colour of a share of a scale, straight from the library. */
function colorOf(interpolate: (share: number) => string, share: number): Rgb {
  return parseRgb(interpolate(Math.min(255, Math.floor(share * 256)) / 255));
}

function findPanel({ plots }: PlotResult, name: string, statistic: string): FigurePanel {
  const { panels } = plots[0]!.figure;
  return panels.find((panel) => panel.name === name && panel.statistic === statistic)!;
}

Deno.test("every cell of a map has the colour of its value", () =>
  withForecast(makeSyntheticForecast({ steps: [36, 39], axes: OCEAN }), async (plot, folder) => {
    const result = await plot({ steps: { index: 1 }, variables: ["tcc", "tp", "u700"] });
    const picture = new Picture(`${folder}/panel.png`);
    const reader = new NetCDFReader(Deno.readFileSync(`${folder}/IFS.nc`));
    const { latitudes, longitudes } = OCEAN;
    const read = (name: string) =>
      reader.getDataVariable(name).slice(latitudes.length * longitudes.length) as number[];
    const cases = [
      { name: "tcc", factor: 1, exponent: 1, interpolate: interpolateBlues },
      { name: "tp", factor: 1000, exponent: 0.5, interpolate: interpolateYlGnBu },
      {
        name: "u700",
        factor: 1,
        exponent: 1,
        interpolate: (share: number) => interpolateRdBu(1 - share),
      },
    ];
    for (const { name, factor, exponent, interpolate } of cases) {
      const panel = findPanel(result, name, "mean");
      const { least, most } = panel.scale!;
      const values = read(`${name}_ensemble_mean`);
      assert(new Set(values).size > 50);
      values.forEach((value, i) => {
        // Off the middle of the cell, where lines of the graticule are.
        const longitude = longitudes[i % longitudes.length]! + 0.06;
        const latitude = latitudes[Math.floor(i / longitudes.length)]! - 0.06;
        const share = (Math.fround(value * factor) - least) / (most - least);
        const expected = colorOf(interpolate, share ** exponent);
        assertEquals(picture.at(panel, longitude, latitude), expected, `${name} ${i}`);
      });
    }
  }));

Deno.test("a picture has the requested size and resolution", () =>
  withForecast(makeSyntheticForecast({ steps: [36], axes: OCEAN }), async (plot, folder) => {
    await plot({ dpi: 200 });
    const { width } = new Picture(`${folder}/panel.png`).png;
    assertEquals(width, 2000);
    const bytes = Deno.readFileSync(`${folder}/panel.png`);
    const view = new DataView(bytes.buffer);
    assertEquals(new TextDecoder().decode(bytes.subarray(37, 41)), "pHYs");
    assertEquals([view.getUint32(41), view.getUint32(45)], [7874, 7874]); // 200 / 0.0254
  }));

/** East, north; the lines are at a scale of 1:50m, which is a tenth of a degree or so. */
const ON_THE_WATER: [string, number, number][] = [
  ["Mombasa", 39.67, -4.05],
  ["Dar es Salaam", 39.28, -6.82],
  ["Mogadishu", 45.34, 2.04],
  ["Entebbe on Lake Victoria", 32.46, 0.05],
  ["Kigoma on Lake Tanganyika", 29.63, -4.88],
  ["Nkhata Bay on Lake Malawi", 34.3, -11.6],
  ["Eliye Springs on Lake Turkana", 36.0, 3.25],
];
const OFF_THE_WATER: [string, number, number][] = [
  ["the Indian Ocean", 44, -8],
  ["the middle of Lake Victoria", 33.1, -1.5],
  ["Dodoma", 35.74, -6.17],
];

Deno.test("coasts and shores cross the points that lie on them, dark on the colours", () =>
  // There is no snow, so the map has one light colour.
  withForecast(
    makeSyntheticForecast({ steps: [36], variables: ["sf"], axes: EAST_AFRICA }),
    async (plot, folder) => {
      const result = await plot({ variables: ["sf"] });
      const panel = findPanel(result, "sf", "mean");
      const picture = new Picture(`${folder}/panel.png`);
      const isDark = ([red, green, blue]: Rgb) => Math.max(red, green, blue) < 90;
      for (const [name, longitude, latitude] of ON_THE_WATER) {
        assert(picture.around(panel, longitude, latitude, 0.2).some(isDark), name);
      }
      for (const [name, longitude, latitude] of OFF_THE_WATER) {
        assert(!picture.around(panel, longitude, latitude, 0.2).some(isDark), name);
      }
    },
  ));

Deno.test("missing values are hatched grey, and only they", () => {
  const dataset = makeSyntheticForecast({ steps: [36], variables: ["u700"], axes: OCEAN });
  const { data } = dataset.variables.find(({ name }) => name === "u700_ensemble_mean")!;
  const columns = OCEAN.longitudes.length;
  for (let row = 4; row < 7; row++) data.fill(NaN, row * columns + 2, row * columns + 7);
  return withForecast(dataset, async (plot, folder) => {
    const result = await plot({ variables: ["u700"] });
    const panel = findPanel(result, "u700", "mean");
    const picture = new Picture(`${folder}/panel.png`);
    const isGrey = ([red, green, blue]: Rgb) => red === green && green === blue;
    const [longitude, latitude] = [OCEAN.longitudes[4]!, OCEAN.latitudes[5]!];
    const hole = picture.around(panel, longitude - 0.02, latitude - 0.02, 0.3);
    assert(hole.every(isGrey));
    const shades = hole.map(([shade]) => shade);
    assert(shades.includes(0xdc) && shades.includes(0x9c), "light ground and darker strokes");
    assertEquals(picture.around(panel, 49.9, -4.4, 0.1).filter(isGrey), []);
    assert(result.complete);
  });
});

Deno.test("the SVG has the same cells as the PNG", () =>
  withForecast(makeSyntheticForecast({ steps: [36], axes: OCEAN }), async (plot, folder) => {
    await plot();
    const result = await plot({ output: `${folder}/panel.svg`, format: "svg" });
    const picture = new Picture(`${folder}/panel.png`);
    const svg = Deno.readTextFileSync(`${folder}/panel.svg`);
    const images = [...svg.matchAll(/<image [^>]*href="data:image\/png;base64,([^"]+)"/g)]
      .map(([, text]) => readPng(Uint8Array.fromBase64(text!)))
      .filter(({ height }) => height === OCEAN.latitudes.length);
    const { panels } = result.plots[0]!.figure;
    assertEquals(images.length, panels.length);
    images.forEach(({ data }, panel) => {
      OCEAN.latitudes.forEach((latitude, row) => {
        OCEAN.longitudes.forEach((longitude, column) => {
          const at = 4 * (row * OCEAN.longitudes.length + column);
          const shown = picture.at(panels[panel]!, longitude + 0.06, latitude - 0.06);
          assertEquals([...data.subarray(at, at + 3)], shown);
        });
      });
    });
    assert(svg.length < 400_000, `${svg.length} characters`);
  }));

Deno.test("--all-steps makes a picture of every step, with the same colours for the same values", () =>
  withForecast(makeSyntheticForecast({ axes: OCEAN }), async (plot, folder) => {
    const { plots } = await plot({ steps: "all", dpi: 40 });
    assertEquals(
      listNames(folder),
      ["IFS.nc", ...plots.map(({ path }) => path.slice(folder.length + 1))].toSorted(),
    );
    assertEquals(plots.map(({ path }) => path.slice(-8, -5)), [
      ...["036", "039", "042", "045", "048", "051", "054", "057", "060"],
    ]);
    const scales = plots.map(({ figure }) => figure.panels.map(({ scale }) => scale));
    for (const scale of scales) assertEquals(scale, scales[0]);
  }));

Deno.test("a step is found by its hours, and a missing one refused with the list of all", () =>
  withForecast(makeSyntheticForecast({ steps: [36, 48], axes: OCEAN }), async (plot, folder) => {
    const { plots } = await plot({
      steps: { hours: 48 },
      output: `${folder}/a.svg`,
      format: "svg",
    });
    assertStringIncludes(plots[0]!.figure.svg, "step 48 h");
    for (const steps of [{ hours: 39 }, { index: 2 }]) {
      const error = await assertRejects(() => plot({ steps }), UsageError);
      assertStringIncludes(error.message, "has the steps 0 (36 h), 1 (48 h)");
    }
    assertEquals(listNames(folder), ["IFS.nc", "a.svg"]);
  }));

Deno.test("the name of a picture has its step where no name is given", () =>
  withForecast(makeSyntheticForecast({ steps: [36, 48], axes: OCEAN }), async (plot, folder) => {
    await plot({ steps: { hours: 48 }, output: undefined, format: "svg" });
    await plot({ steps: "first", output: undefined, format: "svg" });
    assertEquals(listNames(folder), ["IFS.nc", "IFS_036h.svg", "IFS_048h.svg"]);
  }));

Deno.test("the first step drawn is that with all variables, and a step without a period says so where it is asked for", () => {
  const axes = makeAxes({ north: -2, south: -5, west: 48, east: 51 }, 1);
  return withForecast(makeRichForecast({ axes }), async (plot) => {
    const draw = async (options: Parameters<typeof plot>[0]) => {
      const { plots: [drawn], complete } = await plot({ format: "svg", ...options });
      return { ...drawn!.figure, complete };
    };
    const { svg, panels } = await draw({ steps: "first" });
    assertStringIncludes(svg, "step 24 h");
    assertEquals(panels.map(({ message }) => message), Array(12).fill(undefined));
    const start = await draw({ steps: { hours: 0 } });
    assertEquals(start.panels.filter(({ name }) => name === "tp_24h"), []);
    const asked = await draw({ steps: { hours: 0 }, variables: ["tp_24h"] });
    assertStringIncludes(asked.svg, ">tp_24h has no period to this step</text>");
    assertEquals(asked.complete, true);
  });
});

Deno.test("probabilities are 0 to 100 % in colours of their own, and percentiles share the scale of the mean", () => {
  const axes = makeAxes({ north: -2, south: -5, west: 48, east: 51 }, 1);
  return withForecast(makeRichForecast({ axes }), async (plot, folder) => {
    const dpi = 100;
    const result = await plot({ steps: { hours: 48 }, variables: ["tp_24h"], dpi });
    const percent = findPanel(result, "tp_24h", "above_5mm");
    assertEquals([percent.scale!.least, percent.scale!.most], [0, 100]);
    assertStringIncludes(result.plots[0]!.figure.svg, ">tp_24h probability above 5 mm (%)</text>");
    const reader = new NetCDFReader(Deno.readFileSync(`${folder}/IFS.nc`));
    const stored = reader.getDataVariable("tp_24h_probability_above_5mm") as number[];
    const { png } = new Picture(`${folder}/panel.png`);
    const { frame: { x, y, width, height } } = percent;
    axes.latitudes.forEach((_, row) =>
      axes.longitudes.forEach((_, column) => {
        const [across, down] = [x + width * (column + 0.7) / 4, y + height * (row + 0.7) / 4]
          .map((units) => Math.floor(units * dpi / 200));
        const at = 4 * (down! * png.width + across!);
        const expected = colorOf(interpolateYlOrRd, stored[(2 * 4 + row) * 4 + column]!);
        assertEquals([...png.data.subarray(at, at + 3)], expected, `${row} ${column}`);
      })
    );
    const [mean, p90] = ["mean", "p90"].map((key) => findPanel(result, "tp_24h", key).scale);
    assertEquals(mean, p90);
  });
});

Deno.test("temperatures are in °C on request", () =>
  withForecast(
    makeSyntheticForecast({ variables: ["t2m"], steps: [36], axes: OCEAN }),
    async (plot) => {
      const [kelvin, celsius] = await Promise.all([false, true].map(async (celsius) =>
        (await plot({ celsius, format: "svg" })).plots[0]!.figure
      ));
      assertStringIncludes(celsius!.svg, ">t2m mean (°C)</text>");
      assertStringIncludes(celsius!.svg, ">t2m standard deviation (K)</text>");
      const [warm, cold] = [kelvin, celsius].map((figure) =>
        figure!.panels[0]!.scale!
      );
      assert(warm!.least > 250 && cold!.most < 50);
    },
  ));

Deno.test("a wind is drawn as arrows over its speed", () =>
  withForecast(
    makeSyntheticForecast({ variables: ["u700", "v700"], steps: [36], axes: OCEAN }),
    async (plot) => {
      const { plots: [drawn] } = await plot({ variables: ["wind700"], format: "svg" });
      const arrows = drawn!.figure.svg.match(/stroke-linecap="round"/g);
      assertEquals(arrows?.length, 2); // black, and a light rim
      assertEquals(drawn!.figure.panels[0]!.scale!.palette.name, "BuPu");
    },
  ));

Deno.test("the footer names ECMWF, and counts steps only where there are several", async () => {
  const foot = async (steps: number[]) => {
    let svg = "";
    await withForecast(makeSyntheticForecast({ steps, axes: OCEAN }), async (plot) => {
      svg = (await plot({ format: "svg" })).plots[0]!.figure.svg;
    });
    return svg;
  };
  const one = await foot([36]);
  assertStringIncludes(one, "data © ECMWF, CC-BY-4.0");
  assert(!one.includes("all 1 steps"));
  assertStringIncludes(await foot([36, 39]), "colours span all 2 steps of the file");
});

Deno.test("a picture is complete without panels that ECMWF did not publish, not without others", () => {
  const dataset = makeSyntheticForecast({ variables: ["tp"], steps: [36], axes: OCEAN });
  dataset.attributes = { ...dataset.attributes, variables_not_published: "tcc, sf" };
  return withForecast(dataset, async (plot) => {
    const draw = async (variables: string[]) => (await plot({ variables, format: "svg" })).complete;
    assertEquals(await draw(["tp", "tcc", "sf"]), true);
    assertEquals(await draw(["tp", "tcc", "ro"]), false);
  });
});

Deno.test("a variable that does not exist is refused, with the nearest that does", () =>
  withForecast(makeSyntheticForecast({ steps: [36], axes: OCEAN }), async (plot, folder) => {
    const error = await assertRejects(() => plot({ variables: ["tp", "u70"] }), UsageError);
    assertMatch(error.message, /"u70": the file has tp, .*; did you mean u700\?$/);
    assertEquals(listNames(folder), ["IFS.nc"]);
  }));

/** A forecast as the netCDF library writes it, from text. Rows begin in the south. */
const CDL = `netcdf made_by_ncgen {
dimensions: time = UNLIMITED; valid_time = 1; latitude = 2; longitude = 3;
variables:
  double time(time); time:units = "hours since 2026-02-06 00:00:00";
  double valid_time(valid_time); valid_time:units = "hours since 2026-02-06 00:00:00";
  double latitude(latitude); double longitude(longitude);
  float u700_ensemble_mean(time, valid_time, latitude, longitude);
    u700_ensemble_mean:units = "m s**-1"; u700_ensemble_mean:_FillValue = 9999.f;
  float u700_ensemble_standard_deviation(time, valid_time, latitude, longitude);
data:
  time = 0; valid_time = 36; latitude = -4, -3; longitude = 49, 50, 51;
  u700_ensemble_mean = -20, 0.001, 20, -20, 9999, 9999;
  u700_ensemble_standard_deviation = 0, 0, 5, 5, 5, 5;
}`;

async function makeWithNcgen(path: string): Promise<boolean> {
  await Deno.writeTextFile(`${path}.cdl`, CDL);
  try {
    const args = ["-k", "classic", "-o", path, `${path}.cdl`];
    const { success } = await new Deno.Command("ncgen", { args }).output();
    assert(success);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const sample = await Deno.makeTempDir();
const hasNcgen = await makeWithNcgen(`${sample}/a.nc`);

Deno.test({
  name:
    "a file of the netCDF library has the colours that ColorBrewer and viridis end in (needs ncgen)",
  ignore: !hasNcgen,
  fn: async () => {
    try {
      const options = { input: `${sample}/a.nc`, output: `${sample}/a.png`, dpi: DPI };
      const result = await plotForecast(
        { ...options, steps: { index: 0 }, format: "png", variables: ["u700"] },
        silentReporter,
      );
      const picture = new Picture(`${sample}/a.png`);
      const [mean, deviation] = result.plots[0]!.figure.panels;
      const at = (panel: FigurePanel, longitude: number, latitude: number) =>
        picture.at(panel, longitude + 0.3, latitude + 0.3);
      assertEquals(at(mean!, 49, -4), [5, 48, 97]);
      assertEquals(at(mean!, 51, -4), [103, 0, 31]);
      assertEquals(at(mean!, 49, -3), [5, 48, 97]);
      const [red, green, blue] = at(mean!, 50, -4);
      assert(Math.min(red, green, blue) > 235, "white in the middle");
      const [shade, ...others] = at(mean!, 51, -3);
      assertEquals(others, [shade, shade]);
      assertEquals(at(deviation!, 49, -4), [68, 1, 84]);
      assertEquals(at(deviation!, 50, -3), [253, 231, 37]);
    } finally {
      await Deno.remove(sample, { recursive: true });
    }
  },
});
