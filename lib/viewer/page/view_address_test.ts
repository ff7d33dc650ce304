import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeRichForecast } from "../../../fixtures/rich_forecast.ts";
import { makeAxes } from "../../../fixtures/synthetic_forecast.ts";
import { encodeNetcdf } from "../../netcdf/encode_netcdf.ts";
import { parseForecast } from "../../output/forecast_file.ts";
import { buildContent } from "../content.ts";
import { formatAddress, readAddress } from "./view_address.ts";
import { openView } from "./viewer.ts";

const axes = makeAxes({ north: 2, south: -2, west: 30, east: 34 }, 1);
const dataset = makeRichForecast({ axes, memberCount: 3 });
const bytes = await new Blob([...encodeNetcdf(dataset)]).bytes();
const content = await buildContent([parseForecast(bytes, "a.nc")]);

/** The address of the view that an address leads to. */
function visit(address: string): string {
  const view = openView(content);
  readAddress(view, address);
  return formatAddress(view);
}

Deno.test("an address leads to the view that it was made of", () => {
  for (
    const address of [
      "variable=tp_24h&statistic=above_20mm&step=48&beside=p90&units=C&point=-1,33&town=Juba%20Town",
      "variable=t2m&statistic=mean&step=0",
      "variable=tp_24h&statistic=p10&step=72&point=2,30",
    ]
  ) {
    assertEquals(visit(`#${address}`), address);
  }
});

Deno.test("the page opens at the first step with a value of the variable that it shows", async () => {
  const late = makeRichForecast({ axes, memberCount: 3 });
  for (const { name, data, dimensions } of late.variables) {
    if (!/^t2m_ensemble/.test(name)) continue;
    // What ECMWF does not publish at step 0 is missing there.
    data.fill(NaN, 0, data.length / late.dimensions[dimensions[1]!]!);
  }
  const bytes = await new Blob([...encodeNetcdf(late)]).bytes();
  const file = parseForecast(bytes, "late.nc");
  const opened = (names: RegExp) =>
    buildContent([{ ...file, variables: file.variables.filter(({ name }) => names.test(name)) }])
      .then((content) => formatAddress(openView(content)));
  assertEquals(await opened(/^t2m$/), `variable=t2m&statistic=mean&step=${file.stepHours[1]}`);
  const view = openView(await buildContent([file]));
  view.time = view.data.times[0]!;
  readAddress(view, "#variable=t2m");
  assertEquals(view.time, view.data.times[1]);
  readAddress(view, "#variable=t2m&step=0");
  assertEquals(view.time, view.data.times[0]);
});

Deno.test("what an address asks for and the forecast lacks stays as it is", () => {
  const first = "variable=tp_24h&statistic=mean&step=24";
  assertEquals(visit(""), first);
  assertEquals(visit("#variable=msl&statistic=p99&step=7&beside=other&point=50,10"), first);
  assertEquals(visit("#%E0%A4%A&step=x&point="), first);
  // Sums over a day have no step of 12 h: the nearest is shown.
  assertEquals(visit("#variable=tp_24h&step=12"), first);
});
