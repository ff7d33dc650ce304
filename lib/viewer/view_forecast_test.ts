import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import axe from "npm:axe-core@4.14.1";
import { NetCDFReader } from "npm:netcdfjs@4.0.0";
import type { BrowserContextOptions, Page } from "npm:playwright-core@1.65.1";
import {
  hasChromium,
  openBrowser,
  savePicture,
  type WatchedPage,
} from "../../fixtures/chromium.ts";
import { makeAxes, makeSyntheticForecast } from "../../fixtures/synthetic_forecast.ts";
import { silentReporter } from "../util/reporter.ts";
import { indexColor, planColorScale } from "../maps/color_scale.ts";
import { findBounds, placePoint } from "../maps/frame.ts";
import { findDisplay } from "../maps/palettes.ts";
import { encodeNetcdf } from "../netcdf/encode_netcdf.ts";
import { planFrame } from "./page/page_grid.ts";
import { viewForecast } from "./view_forecast.ts";

const ROWS = 157;
const COLUMNS = 145;
const STEPS = 9;
const LATITUDES = Float64Array.from({ length: ROWS }, (_, row) => 25 - row / 4);
const LONGITUDES = Float64Array.from({ length: COLUMNS }, (_, column) => 19 + column / 4);
/** From the file's unit to the shown one. */
const FACTORS: Readonly<Record<string, number>> = { tp: 1000, t2m: 1, u700: 1, v700: 1, sf: 1000 };
/** Cells of v700 that have no value, at all steps. */
const HOLE = { north: 15, south: 10, west: 25, east: 30 };

/** A forecast with a hole in v700, no sf at the fifth step, and without member 50. */
function encodeForecast(): Promise<Uint8Array<ArrayBuffer>> {
  const dataset = makeSyntheticForecast();
  dataset.attributes.n_ensemble_members = Int32Array.of(50);
  dataset.attributes.absent_ensemble_members = "50";
  for (const { name, data } of dataset.variables) {
    if (/^sf_ensemble/.test(name)) data.fill(NaN, 4 * ROWS * COLUMNS, 5 * ROWS * COLUMNS);
    if (name.endsWith("_members_used")) data.fill(50);
    if (name === "sf_members_used") data[4] = 0;
    if (!/^v700_ensemble/.test(name)) continue;
    data.forEach((_, i) => {
      const latitude = LATITUDES[Math.floor(i / COLUMNS) % ROWS]!;
      const longitude = LONGITUDES[i % COLUMNS]!;
      const isInside = latitude < HOLE.north && latitude > HOLE.south &&
        longitude > HOLE.west && longitude < HOLE.east;
      if (isInside) data[i] = NaN;
    });
  }
  return new Response(ReadableStream.from(encodeNetcdf(dataset))).bytes();
}

const bytes = await encodeForecast();
const netcdf = new NetCDFReader(bytes);
const fields = new Map<string, ArrayLike<number>>();

/** A value of the NetCDF in the shown unit, read without any code of the page. */
function readNetcdf(
  variable: string,
  statistic: "mean" | "standard_deviation",
  step: number,
  latitude: number,
  longitude: number,
): number {
  const name = `${variable}_ensemble_${statistic}`;
  const values = fields.get(name) ?? netcdf.getDataVariable(name) as number[];
  fields.set(name, values);
  const [row, column] = [(25 - latitude) * 4, (longitude - 19) * 4];
  assert(Number.isInteger(row) && Number.isInteger(column), `${latitude} ${longitude}`);
  return values[(step * ROWS + row) * COLUMNS + column]! * FACTORS[variable]!;
}

const parseNumber = (text: string) => Number(text.replace("−", "-").replace(/[^-\d.].*$/, ""));

/** Latitude, longitude and value of a line like `9.75°N 35°E: −2.30 mm`. */
function parseReadout(text: string) {
  const [, latitude, north, longitude, east, value] =
    /^([\d.]+)°([NS]?) ([\d.]+)°([EW]?): (.+)$/.exec(text) ?? [];
  assert(value !== undefined, `not a value: ${text}`);
  return {
    latitude: north === "S" ? -Number(latitude) : Number(latitude),
    longitude: east === "W" ? -Number(longitude) : Number(longitude),
    value: value === "missing" ? NaN : parseNumber(value),
  };
}

const readText = async (page: Page, selector: string) =>
  (await page.locator(selector).textContent())!.trim();

/** Rows of a table in the page, heads included. */
const readTable = (page: Page, selector: string): Promise<string[][]> =>
  page.locator(selector).evaluate((table) =>
    [...(table as HTMLTableElement).rows].map((row) =>
      [...row.cells].map((cell) => cell.textContent!)
    )
  );

/** Where a point of the map lies, from the corner of the map's element. */
async function locate(page: Page, latitude: number, longitude: number) {
  const { width } = (await page.locator("#map").boundingBox())!;
  const bounds = findBounds(LATITUDES, LONGITUDES);
  const [x, y] = placePoint(planFrame({ bounds }, width), longitude, latitude);
  return { position: { x, y } };
}

async function choose(page: Page, variable: string): Promise<void> {
  await page.selectOption("#variable", variable);
  await page.waitForSelector(`body[data-shown=${variable}]`);
}

type Point = [latitude: number, longitude: number];

/** Red, green, blue of the map at some points. */
async function readPixels(
  page: Page,
  points: readonly Point[],
): Promise<number[][]> {
  const places = await Promise.all(points.map((point) => locate(page, ...point)));
  return await page.locator("#cells").evaluate((element, places) => {
    const canvas = element as HTMLCanvasElement;
    const copy = new OffscreenCanvas(canvas.width, canvas.height);
    const context = copy.getContext("2d", { willReadFrequently: true })!;
    context.drawImage(canvas, 0, 0);
    return places.map(({ position: { x, y } }) => {
      const { data } = context.getImageData(x * devicePixelRatio, y * devicePixelRatio, 1, 1);
      return [...data].slice(0, 3);
    });
  }, places);
}

const PHONE: BrowserContextOptions = {
  viewport: { width: 375, height: 740 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
};
const DESK: BrowserContextOptions = { viewport: { width: 1280, height: 900 } };

Deno.test({
  name: "the page of a forecast in Chromium (needs Debian's chromium)",
  ignore: !hasChromium(),
  async fn(t) {
    const folder = await Deno.makeTempDir();
    await using _ = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
    const [input, output] = [`${folder}/forecast.nc`, `${folder}/forecast.html`];
    await Deno.writeFile(input, bytes);
    const { variables } = await viewForecast({ input, output }, silentReporter);
    await using browser = await openBrowser();

    const errorOf = (name: string) => {
      const { fields } = variables.find((it) => it.name === name)!;
      return Math.max(...fields.map(({ largestError }) => largestError)) + 1e-9;
    };

    /** Asserts that a shown number is that of the file, to within the stated error. */
    function assertShown(shown: number, expected: number, variable: string, where: string): void {
      if (Number.isNaN(expected)) return assert(Number.isNaN(shown), where);
      const difference = Math.abs(shown - expected);
      assert(difference <= errorOf(variable), `${where}: ${shown} is not ${expected}`);
    }

    /** A step of the test on a fresh page, which must neither complain nor ask for anything. */
    const look = (
      name: string,
      options: BrowserContextOptions,
      test: (page: Page) => Promise<void>,
    ) =>
      t.step(name, async () => {
        const watched: WatchedPage = await browser.open(`file://${output}`, options);
        await watched.page.waitForSelector("body[data-shown]");
        await test(watched.page);
        assertEquals(watched.complaints, []);
        assertEquals(watched.requests, [`file://${output}`]);
        assertEquals(await watched.page.locator("#failure").isVisible(), false);
        await watched.page.context().close();
      });

    await look("tells run, valid time, members used and members absent", DESK, async (page) => {
      const run = await readText(page, "#run");
      assertEquals(run, "Run of Fri 6 Feb 2026, 00:00 UTC. Members used: 50. Absent: member 50.");
      assertEquals(
        await readText(page, "#valid"),
        "Sat 7 Feb 2026, 12:00 UTC (15:00 East Africa Time), 36 h into the run",
      );
      assertEquals(
        await readText(page, "#basis"),
        "Members used: 50. Sum from the start of the run.",
      );
      assertEquals(await readText(page, "#field"), "Total precipitation, ensemble mean (mm)");
    });

    await look("shows the value, latitude and longitude under the pointer", DESK, async (page) => {
      const places = [[25, 19], [-14, 55], [0, 34.5], [-6.25, 29.75], [11.5, 27.5]] as const;
      for (const variable of ["tp", "t2m", "v700"]) {
        await choose(page, variable);
        for (const statistic of ["mean", "standard_deviation"] as const) {
          await page.selectOption("#statistic", statistic === "mean" ? "mean" : "deviation");
          for (const [latitude, longitude] of places) {
            await page.hover("#map", await locate(page, latitude, longitude));
            const readout = parseReadout(await readText(page, "#readout"));
            assertEquals([readout.latitude, readout.longitude], [latitude, longitude]);
            const expected = readNetcdf(variable, statistic, 0, latitude, longitude);
            assertShown(readout.value, expected, variable, `${variable} ${statistic}`);
          }
        }
      }
    });

    await look("goes through the steps by slider, buttons and playing", DESK, async (page) => {
      await page.clock.install();
      await page.hover("#map", await locate(page, -6.25, 29.75));
      // A click without the pointer, which stays on the map.
      const press = (id: string) => page.locator(`#${id}`).dispatchEvent("click");
      const assertStep = async (step: number) => {
        assertEquals(await readText(page, "#count"), `${step + 1} of ${STEPS}`);
        assertEquals(await page.locator("#step").inputValue(), String(step));
        const { value, latitude, longitude } = parseReadout(await readText(page, "#readout"));
        const expected = readNetcdf("tp", "mean", step, latitude, longitude);
        assertShown(value, expected, "tp", `step ${step}`);
      };
      await page.locator("#step").evaluate((slider) => {
        (slider as HTMLInputElement).value = "5";
        slider.dispatchEvent(new Event("input"));
      });
      await assertStep(5);
      assertMatch(await readText(page, "#valid"), /^Sun 8 Feb 2026, 03:00 UTC \(06:00 East/);
      await press("next");
      await assertStep(6);
      await press("previous");
      await assertStep(5);
      await press("play");
      assertEquals(await readText(page, "#play"), "Pause");
      for (const step of [6, 7, 8, 0, 1]) {
        await page.clock.runFor(800);
        await assertStep(step);
      }
      await press("play");
      assertEquals(await readText(page, "#play"), "Play");
      await page.clock.runFor(8000);
      await assertStep(1);
    });

    await look("shows the series of a point that is clicked", DESK, async (page) => {
      assertEquals(await page.locator("#series").isVisible(), false);
      await choose(page, "t2m");
      await page.click("#map", await locate(page, -1.25, 36.75));
      assertEquals(await readText(page, "#point"), "2 metre temperature at 1.25°S 36.75°E");
      assertEquals(await page.locator("#chart .dot").count(), STEPS);
      assertEquals(await page.locator("#chart .band").count(), 1);
      const labels = await page.locator("#chart text").allTextContents();
      for (const label of ["K", "valid time, UTC", "12:00", "7 Feb", "8 Feb"]) {
        assert(labels.includes(label), `${label} is not among ${labels}`);
      }
      await page.click("#series-details summary");
      await page.waitForSelector("#series-table td");
      const rows = await readTable(page, "#series-table");
      assertEquals(rows[0], ["valid time, UTC", "step", "mean", "standard deviation", "members"]);
      assertEquals(rows.length, STEPS + 1);
      rows.slice(1).forEach(([, hours, mean, deviation, members], step) => {
        assertEquals([hours, members], [`${36 + 3 * step} h`, "50"]);
        const at = [step, -1.25, 36.75] as const;
        assertShown(parseNumber(mean!), readNetcdf("t2m", "mean", ...at), "t2m", "mean");
        const spread = readNetcdf("t2m", "standard_deviation", ...at);
        assertShown(parseNumber(deviation!), spread, "t2m", "deviation");
      });
      await savePicture(page, "viewer_series");
    });

    await look("has a table of each map, with what is missing", DESK, async (page) => {
      await choose(page, "v700");
      await page.click("#values summary");
      for (const degrees of [5, 1]) {
        await page.selectOption("#spacing", String(degrees));
        const [heads, ...rows] = await readTable(page, "#values-table");
        const longitudes = heads!.slice(1).map((head) => parseFloat(head));
        // 25° to −10° by 20° to 55° at multiples of 5°, 25° to −14° by 19° to 55° at whole degrees
        assertEquals([rows.length, longitudes.length], degrees === 5 ? [8, 8] : [40, 37]);
        let missing = 0;
        for (const [head, ...cells] of rows) {
          const latitude = parseFloat(head!) * (head!.endsWith("S") ? -1 : 1);
          cells.forEach((cell, i) => {
            const expected = readNetcdf("v700", "mean", 0, latitude, longitudes[i]!);
            const shown = cell === "missing" ? NaN : parseNumber(cell);
            assertShown(shown, expected, "v700", `${head} ${heads![i + 1]}`);
            if (cell === "missing") missing++;
          });
        }
        assertEquals(missing, degrees === 5 ? 0 : 16);
      }
    });

    await look("colours cells by their value, hatches what is missing", DESK, async (page) => {
      await choose(page, "v700");
      const { shading } = findDisplay({ name: "v700", units: "m s-1" });
      const all = [...netcdf.getDataVariable("v700_ensemble_mean") as number[]]
        .filter((value) => !Number.isNaN(value));
      const extent = all.reduce(
        ([least, most], value) => [Math.min(least, value), Math.max(most, value)] as const,
        [Infinity, -Infinity] as readonly [number, number],
      );
      const scale = planColorScale(shading, extent);
      const points: Point[] = [[23.25, 22.5], [-3.75, 47.5], [2.5, 52.5]];
      const pixels = await readPixels(page, points);
      points.forEach((point, i) => {
        const value = readNetcdf("v700", "mean", 0, ...point);
        const near = [-errorOf("v700"), 0, errorOf("v700")].map((error) => {
          const index = indexColor(scale, value + error);
          return [...scale.palette.colors.subarray(3 * index, 3 * index + 3)].join();
        });
        assert(near.includes(pixels[i]!.join()), `${pixels[i]} at ${point}, not ${near}`);
      });
      const hole = await readPixels(page, [[12.5, 27.25], [12.5, 27.5], [12.5, 27.75], [12.5, 28]]);
      for (const [red, green, blue] of hole) assertEquals([green, blue], [red, red]);
      assert(new Set(hole.map(String)).size > 1, "the hatching has no lines");
      await page.hover("#map", await locate(page, 12.5, 27.5));
      assertEquals(await readText(page, "#readout"), "12.5°N 27.5°E: missing");
      await page.click("#map", await locate(page, 12.5, 27.5));
      assertEquals(await page.locator("#chart .dot").count(), 0);
      assert((await page.locator("#chart text").allTextContents()).includes("no values here"));
      await savePicture(page, "viewer_missing");
    });

    await look(
      "shows a step without any value as missing, the others as they are",
      DESK,
      async (page) => {
        await choose(page, "sf");
        await page.locator("#step").fill("4");
        await page.hover("#map", await locate(page, 5, 40));
        assertEquals(parseReadout(await readText(page, "#readout")).value, NaN);
        assertEquals(
          await readText(page, "#basis"),
          "Members used: 0. Sum from the start of the run.",
        );
        await page.locator("#step").fill("3");
        await page.hover("#map", await locate(page, 5, 40));
        assertEquals(parseReadout(await readText(page, "#readout")).value, 0);
        await page.click("#map", await locate(page, 5, 40));
        assertEquals(await page.locator("#chart .mean").count(), 2); // the line is broken
      },
    );

    await look("is used from load to series with the keyboard alone", DESK, async (page) => {
      const { keyboard } = page;
      const tabTo = async (id: string) => {
        for (let presses = 0; presses < 20; presses++) {
          await keyboard.press("Tab");
          if (await page.evaluate(() => document.activeElement?.id) === id) return;
        }
        throw new Error(`Tab does not lead to #${id}`);
      };
      await keyboard.press("ArrowRight");
      await keyboard.press("ArrowRight");
      assertEquals(await readText(page, "#count"), "3 of 9");
      await keyboard.press("End");
      assertEquals(await readText(page, "#count"), "9 of 9");
      await tabTo("variable");
      await keyboard.press("ArrowDown");
      await page.waitForSelector("body[data-shown=t2m]");
      await tabTo("statistic");
      await keyboard.press("ArrowDown");
      assertMatch(
        await readText(page, "#field"),
        /^2 metre temperature, ensemble standard deviation/,
      );
      await tabTo("map");
      await keyboard.press("Home");
      for (let i = 0; i < 3; i++) await keyboard.press("Shift+ArrowDown");
      await keyboard.press("ArrowDown");
      await keyboard.press("ArrowRight");
      await keyboard.press("ArrowRight");
      const announced = parseReadout(await readText(page, "#announcement"));
      assertEquals(await readText(page, "#announcement"), await readText(page, "#readout"));
      const { latitude, longitude, value } = announced;
      assertEquals([latitude, longitude], [5.5 - 31 / 4, 19.5]);
      const spread = readNetcdf("t2m", "standard_deviation", 8, latitude, longitude);
      assertShown(value, spread, "t2m", "under the keys");
      await keyboard.press("PageUp");
      assertEquals(await readText(page, "#count"), "8 of 9");
      await keyboard.press("Enter");
      assertEquals(await readText(page, "#point"), "2 metre temperature at 2.25°S 19.5°E");
      assertEquals(await page.locator("#chart .dot").count(), STEPS);
      const outline = await page.locator("#map").evaluate((map) =>
        getComputedStyle(map).outlineStyle
      );
      assertEquals(outline, "solid");
      await keyboard.press("Space");
      assertEquals(await readText(page, "#play"), "Pause");
      await keyboard.press("Space");
      assertEquals(await readText(page, "#play"), "Play");
      await tabTo("save-picture");
      await keyboard.press("Tab");
      await keyboard.press("Enter");
      await page.waitForSelector("#values-table td");
    });

    await look("fits a phone of 375 pixels, and a tap picks a point", PHONE, async (page) => {
      for (const { name } of variables) {
        await choose(page, name);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assertEquals([name, width], [name, 375]);
      }
      await choose(page, "tp");
      await page.tap("#map", await locate(page, -6.25, 35));
      assertEquals(await readText(page, "#point"), "Total precipitation at 6.25°S 35°E");
      for (const summary of await page.locator("summary").all()) await summary.tap();
      assertEquals(await page.evaluate(() => document.documentElement.scrollWidth), 375);
      for (const id of ["variable", "previous", "play", "next"]) {
        const { width, height } = (await page.locator(`#${id}`).boundingBox())!;
        assert(width >= 40 && height >= 40, `#${id} is ${width} × ${height} pixels`);
      }
      await savePicture(page, "viewer_phone");
    });

    for (const colorScheme of ["light", "dark"] as const) {
      for (const [place, options] of [["desk", DESK], ["phone", PHONE]] as const) {
        const name = `is ${colorScheme} on a ${place} where the user wants that, and accessible`;
        await look(name, { ...options, colorScheme }, async (page) => {
          await page.click("#map", await locate(page, 6.5, 38));
          await savePicture(page, `viewer_${place}_${colorScheme}`);
          for (const summary of await page.locator("summary").all()) await summary.click();
          const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
          const lightness = Math.max(...paper.match(/\d+/g)!.map(Number));
          assertEquals(lightness < 128, colorScheme === "dark", paper);
          await page.evaluate(axe.source);
          const violations = await page.evaluate(
            "axe.run().then(({violations}) => violations.map(" +
              "({id, nodes}) => `${id}: ${nodes.map(({html}) => html)}`))",
          );
          assertEquals(violations, []);
          await savePicture(page, `viewer_${place}_${colorScheme}_open`);
        });
      }
    }

    await t.step("shows a file of one step that does not count its members", async () => {
      const axes = makeAxes({ north: 1, south: -1, west: 30, east: 31 });
      const dataset = makeSyntheticForecast({ variables: ["tcc"], steps: [36], axes });
      dataset.variables = dataset.variables.filter(({ name }) => name !== "tcc_members_used");
      const small = { input: `${folder}/small.nc`, output: `${folder}/small.html` };
      await Deno.writeFile(small.input, ReadableStream.from(encodeNetcdf(dataset)));
      assertEquals((await viewForecast(small, silentReporter)).complete, true);
      const { page, complaints } = await browser.open(`file://${small.output}`, DESK);
      await page.waitForSelector("body[data-shown=tcc]");
      assertEquals(await readText(page, "#basis"), "Members used: unknown.");
      assertEquals(await page.locator("button:disabled").count(), 3);
      await page.locator("#map").press("Enter");
      assertEquals(await page.locator("#chart .dot").count(), 1);
      assertMatch(await readText(page, "#readout"), /^0° 30\.5°E: [01]\.\d+$/);
      assertEquals(complaints, []);
      await page.context().close();
    });

    await t.step("may not ask for anything, even if a script in it would", async () => {
      let asked = 0;
      const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
        asked++;
        return new Response("");
      });
      const address = `http://127.0.0.1:${server.addr.port}/`;
      const { page, complaints } = await browser.open(`file://${output}`);
      const refused = await page.evaluate(async (address) => {
        const image = new Image();
        const failed = new Promise((resolve) => (image.onerror = resolve));
        image.src = address;
        await failed;
        return await fetch(address).then(() => "allowed", () => "refused");
      }, address);
      assertEquals([refused, asked], ["refused", 0]);
      assert(complaints.every((text) => text.includes("Content Security Policy")), `${complaints}`);
      await page.context().close();
      await server.shutdown();
    });

    await t.step("tells when its data are damaged, and shows no map of them", async () => {
      const html = await Deno.readTextFile(output);
      const damaged = `${folder}/damaged.html`;
      await Deno.writeTextFile(damaged, html.replace(/("bytes":")[^"]{40}/, `$1${"A".repeat(40)}`));
      const { page } = await browser.open(`file://${damaged}`);
      await page.waitForSelector("#failure:not([hidden])");
      assertStringIncludes(await readText(page, "#failure"), "This page has failed: ");
      assertEquals(await readText(page, "#field"), "");
      await page.context().close();
    });
  },
});

Deno.test("a whole output at 0.25° takes less than 3 MB, and every value is within the stated error", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [input, output] = [`${folder}/forecast.nc`, `${folder}/forecast.html`];
    await Deno.writeFile(input, bytes);
    const warnings: string[] = [];
    const reporter = { ...silentReporter, warn: (line: string) => void warnings.push(line) };
    const result = await viewForecast({ input, output }, reporter);
    assertEquals(result.variables.length, 13); // and the wind from its components
    assertEquals((await Deno.stat(output)).size, result.bytes);
    assert(result.bytes < 3_000_000, `${result.bytes} bytes`);
    assertEquals(result.complete, false);
    assertEquals(warnings, [`${output}: no value of sf at 48 h`]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
