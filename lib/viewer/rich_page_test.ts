import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import axe from "npm:axe-core@4.14.1";
import type { BrowserContextOptions, Page } from "npm:playwright-core@1.65.1";
import { hasChromium, openBrowser, savePicture } from "../../fixtures/chromium.ts";
import { makeRichForecast } from "../../fixtures/rich_forecast.ts";
import { makeAxes, makeSyntheticForecast } from "../../fixtures/synthetic_forecast.ts";
import { readPng } from "../maps/plot_fixture.ts";
import { encodeNetcdf, type NetcdfDataset } from "../netcdf/encode_netcdf.ts";
import { silentReporter } from "../util/reporter.ts";
import { viewForecast } from "./view_forecast.ts";

const AXES = makeAxes({ north: 4, south: -4, west: 30, east: 40 }, 0.5);
const [ROWS, COLUMNS, MEMBERS] = [17, 21, 11];
const DESK: BrowserContextOptions = { viewport: { width: 1280, height: 900 } };
const PHONE: BrowserContextOptions = { viewport: { width: 375, height: 740 }, isMobile: true };

const today = makeRichForecast({ axes: AXES, memberCount: MEMBERS });

/** The same file from a run a day earlier, 2 K warmer and without wind at 10 m. */
function makeYesterday(): NetcdfDataset {
  const dataset = makeRichForecast({ axes: AXES, memberCount: MEMBERS });
  dataset.variables = dataset.variables.filter(({ name }) => !name.startsWith("wind10m"));
  for (const { name, data } of dataset.variables) {
    if (/^(?:time|valid_time.*)$/.test(name)) data.forEach((hours, i) => data[i] = hours - 24);
    if (/^t2m_(?:ensemble_(?!standard)|members)/.test(name)) {
      data.forEach((value, i) => data[i] = value + 2);
    }
  }
  return dataset;
}

/** A value of a variable of a dataset at a plane (step, or step and member), row and column. */
function readValue(name: string, plane: number, latitude: number, longitude: number): number {
  const { data } = today.variables.find((variable) => variable.name === name)!;
  const [row, column] = [(4 - latitude) * 2, (longitude - 30) * 2];
  return data[(plane * ROWS + row) * COLUMNS + column]!;
}

const parseNumber = (text: string) => parseFloat(text.replace("−", "-"));
const readText = async (page: Page, selector: string) =>
  (await page.locator(selector).textContent())!.trim();

Deno.test({
  name: "the page of products, statistics and members in Chromium (needs Debian's chromium)",
  ignore: !hasChromium(),
  async fn(t) {
    const folder = await Deno.makeTempDir();
    await using _ = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
    const write = (name: string, dataset: NetcdfDataset) =>
      Deno.writeFile(`${folder}/${name}.nc`, ReadableStream.from(encodeNetcdf(dataset)));
    await write("today", today);
    await write("yesterday", makeYesterday());
    const output = `${folder}/today.html`;
    await viewForecast({ input: `${folder}/today.nc`, output }, silentReporter);
    const both = `${folder}/both.html`;
    await viewForecast(
      { input: `${folder}/today.nc`, beside: `${folder}/yesterday.nc`, output: both },
      silentReporter,
    );
    await using browser = await openBrowser();

    /** A step of the test on a fresh page, which must neither complain nor ask for anything. */
    const look = (
      name: string,
      [path, hash, options]: [path: string, hash: string, options: BrowserContextOptions],
      test: (page: Page) => Promise<void>,
    ) =>
      t.step(name, async () => {
        const { page, complaints, requests } = await browser.open(`file://${path}${hash}`, options);
        await page.waitForSelector("body[data-shown]");
        await test(page);
        assertEquals(complaints, []);
        assertEquals(requests.filter((it) => !it.startsWith("blob:")), [`file://${path}`]);
        await page.context().close();
      });

    await look(
      "shows sums over periods first, at their own steps",
      [output, "", DESK],
      async (page) => {
        assertEquals(
          await readText(page, "#field"),
          "Total precipitation, 24 h, ensemble mean (mm)",
        );
        assertEquals(await readText(page, "#count"), "1 of 5");
        assertMatch(await readText(page, "#valid"), /, 24 h into the run$/);
        const statistics = await page.locator("#statistic option").allTextContents();
        assertEquals(statistics.slice(0, 5), [
          ...["Mean", "Standard deviation", "Minimum", "Maximum", "10th percentile"],
        ]);
        assertEquals(statistics.slice(-2), ["Probability above 20 mm", "Probability above 50 mm"]);
        // The time stays when another variable has other steps.
        await page.locator("#step").fill("2");
        await page.selectOption("#variable", "t2m");
        await page.waitForSelector("body[data-shown=t2m]");
        assertEquals(await readText(page, "#count"), "5 of 7");
        assertMatch(await readText(page, "#valid"), /, 48 h into the run$/);
      },
    );

    await look(
      "opens the view of its address: a probability beside a percentile at a point",
      [output, "#variable=tp_24h&statistic=above_20mm&step=48&beside=p90&point=-2,31", DESK],
      async (page) => {
        const percent = 100 * readValue("tp_24h_probability_above_20mm", 2, -2, 31);
        assertEquals(await readText(page, "#readout"), `2°S 31°E: ${Math.round(percent)} %`);
        const p90 = parseNumber((await readText(page, "#readout-2")).split(": ")[1]!);
        assert(Math.abs(p90 - 1000 * readValue("tp_24h_ensemble_p90", 2, -2, 31)) < 0.2);
        assertEquals(await readText(page, "#ticks > :last-child"), "100");
        assertEquals(await readText(page, "#chart-note"), "Line: probability above 20 mm.");
        const box = (selector: string) => page.locator(selector).boundingBox();
        const [first, second] = [await box("#map"), await box("#map-2")];
        assertEquals(second!.y, first!.y);
        assert(second!.x > first!.x + first!.width);
        await savePicture(page, "viewer_products");
      },
    );

    await look(
      "draws the members at a point as a plume, with the bands of their quantiles",
      [output, "#variable=t2m&step=36&point=0,35", DESK],
      async (page) => {
        assertEquals(await page.locator("#plume .member").count(), MEMBERS);
        assertEquals(await page.locator("#plume .band").count(), 2);
        assertEquals(await page.locator("#plume .dot").count(), 7);
        assertEquals(await page.locator("#chart .band").count(), 1);
        assertStringIncludes(await readText(page, "#plume-note"), "Thin lines: 11 members.");
        // The wider band ends at the 10th and 90th percentile: places between the ticks.
        const places = await page.locator("#plume").evaluate((svg) => {
          const numbers = [...svg.querySelectorAll("text[dominant-baseline]")].map((text) => ({
            value: Number(text.textContent!.replace("−", "-")),
            y: Number(text.getAttribute("y")),
          }));
          const [low, high] = [numbers[0]!, numbers.at(-1)!];
          const points = svg.querySelector(".band")!.getAttribute("points")!.split(" ");
          const valueOf = (point: string) =>
            low.value + (Number(point.split(",")[1]) - low.y) / (high.y - low.y) *
              (high.value - low.value);
          return points.map(valueOf);
        });
        for (const [name, place] of [["p90", places[3]!], ["p10", places[10]!]] as const) {
          const expected = readValue(`t2m_ensemble_${name}`, 3, 0, 35);
          assert(Math.abs(place - expected) < 0.1, `${name}: ${place}, not ${expected}`);
        }
      },
    );

    await look(
      "shows temperatures in °C on request, deviations in K",
      [output, "#variable=t2m&step=36&point=0,35", DESK],
      async (page) => {
        const kelvin = parseNumber((await readText(page, "#readout")).split(": ")[1]!);
        await page.check("#celsius");
        const readout = await readText(page, "#readout");
        assertMatch(readout, /°C$/);
        assert(Math.abs(parseNumber(readout.split(": ")[1]!) - (kelvin - 273.15)) < 1e-9);
        assertMatch(await readText(page, "#field"), /ensemble mean \(°C\)$/);
        const ticks = await page.locator("#ticks span").allTextContents();
        assert(ticks.every((tick) => parseNumber(tick) < 60), `${ticks}`);
        assertStringIncludes(await page.evaluate(() => location.hash), "units=C");
        await page.selectOption("#statistic", "deviation");
        assertMatch(await readText(page, "#readout"), / K$/);
      },
    );

    await look("finds a town by its name", [output, "", DESK], async (page) => {
      await page.fill("#town", "kampala");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      assertStringIncludes(await readText(page, "#point"), "at 0.5°N 32.5°E, Kampala");
      assertStringIncludes(await readText(page, "#announcement"), "series of Kampala");
      assertStringIncludes(await page.evaluate(() => location.hash), "point=0.5,32.5&town=Kampala");
      await page.fill("#town", "Atlantis");
      await page.keyboard.press("Tab");
      assertEquals(
        await readText(page, "#announcement"),
        "No town of the list is called Atlantis.",
      );
    });

    await look(
      "saves its tables as CSV, and its maps as a picture with their source",
      [output, "#variable=t2m&step=36&point=0,35&beside=deviation", DESK],
      async (page) => {
        const save = async (button: string) => {
          const [download] = await Promise.all([
            page.waitForEvent("download"),
            page.click(button),
          ]);
          return { name: download.suggestedFilename(), path: await download.path() };
        };
        await page.click("#series-details summary");
        await page.waitForSelector("#series-table td");
        const table = await save("#save-series");
        assertEquals(table.name, "t2m_mean_2026020600UTC_036h_series.csv");
        const [heads, ...rows] = (await Deno.readTextFile(table.path)).trimEnd().split("\r\n");
        assertStringIncludes(heads!, '"valid time, UTC",step,"mean, K","standard deviation, K"');
        assertEquals(rows.length, 7);
        const mean = Number(rows[3]!.split(",").at(3)); // the day and hour are one cell in quotes
        assert(Math.abs(mean - readValue("t2m_ensemble_mean", 3, 0, 35)) < 0.05, rows[3]);
        const picture = await save("#save-picture");
        assertMatch(picture.name, /^t2m_mean_2026020600UTC_036h\.png$/);
        const { width, height, data } = readPng(await Deno.readFile(picture.path));
        assert(width > 900 && height > 500, `${width} × ${height}`);
        const colors = new Set<number>();
        for (let i = 0; i < data.length; i += 4) colors.add(data[i]! << 8 | data[i + 1]!);
        assert(colors.size > 100, `${colors.size} colours`);
      },
    );

    await look(
      "shows today's run beside yesterday's, at the same valid time and in the same colours",
      [both, "#variable=t2m&step=24&point=0,35", DESK],
      async (page) => {
        assertStringIncludes(await readText(page, "#field-2"), "run of 2026-02-05 00 UTC");
        const readouts = ["#readout", "#readout-2"].map((id) => readText(page, id));
        const [first, second] = (await Promise.all(readouts))
          .map((text) => parseNumber(text.split(": ")[1]!));
        // Yesterday's step of 48 h is today's of 24 h.
        assert(Math.abs(first! - readValue("t2m_ensemble_mean", 2, 0, 35)) < 0.05);
        assert(Math.abs(second! - 2 - readValue("t2m_ensemble_mean", 4, 0, 35)) < 0.05);
        const ticks = (id: string) => page.locator(`${id} span`).allTextContents();
        assertEquals(await ticks("#ticks-2"), await ticks("#ticks"));
        assertStringIncludes(
          await readText(page, "#chart-note"),
          "Dashed: run of 2026-02-05 00 UTC",
        );
        assertEquals(await page.locator("#chart .other").count(), 1);
        // Yesterday's run ends a day before today's.
        await page.locator("#step").fill("6");
        assertEquals(await readText(page, "#readout-2"), "0° 35°E: missing");
        // Yesterday's file has no wind at 10 m.
        await page.selectOption("#variable", "wind10m");
        await page.waitForSelector("body[data-shown=wind10m]");
        assertEquals(await page.locator("#map-2").isVisible(), false);
        assertMatch(await readText(page, "#basis"), /The run of 2026-02-05 00 UTC has no such map/);
        await page.selectOption("#variable", "t2m");
        await page.waitForSelector("body[data-shown=t2m]");
        await page.selectOption("#beside", "deviation");
        assertMatch(await readText(page, "#field-2"), /ensemble standard deviation \(K\)$/);
        await savePicture(page, "viewer_beside");
      },
    );

    const places = [["desk", DESK, "light"], ["phone", PHONE, "dark"]] as const;
    for (const [place, options, colorScheme] of places) {
      const hash = "#variable=t2m&step=36&point=0,35&beside=p90&units=C";
      const name = `is accessible and fits a ${place} in ${colorScheme}, with all it holds`;
      await look(name, [both, hash, { ...options, colorScheme }], async (page) => {
        for (const summary of await page.locator("summary").all()) await summary.click();
        const { width } = options.viewport!;
        assertEquals(await page.evaluate(() => document.documentElement.scrollWidth), width);
        await page.evaluate(axe.source);
        const violations = await page.evaluate(
          "axe.run().then(({violations}) => violations.map(" +
            "({id, nodes}) => `${id}: ${nodes.map(({html}) => html)}`))",
        );
        assertEquals(violations, []);
        await savePicture(page, `viewer_rich_${place}_${colorScheme}`);
      });
    }

    await t.step("shows a file of one point", async () => {
      const axes = makeAxes({ north: -1.25, south: -1.25, west: 36.75, east: 36.75 });
      const dataset = makeSyntheticForecast({ variables: ["t2m"], steps: [36, 39], axes });
      await write("point", dataset);
      const small = { input: `${folder}/point.nc`, output: `${folder}/point.html` };
      await viewForecast(small, silentReporter);
      const { page, complaints } = await browser.open(`file://${small.output}`, DESK);
      await page.waitForSelector("body[data-shown=t2m]");
      await page.click("#map", { position: { x: 200, y: 200 } });
      assertEquals(await readText(page, "#point"), "2 metre temperature at 1.25°S 36.75°E");
      const stored = dataset.variables.find(({ name }) => name === "t2m_ensemble_mean")!.data[0]!;
      const shown = parseNumber((await readText(page, "#readout")).split(": ")[1]!);
      assert(Math.abs(shown - stored) < 0.02, `${shown}, not ${stored}`);
      assertEquals(complaints, []);
    });
  },
});
