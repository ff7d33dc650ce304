import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeAxes, makeSyntheticForecast } from "../../fixtures/synthetic_forecast.ts";
import { encodeNetcdf } from "../netcdf/encode_netcdf.ts";
import { findField } from "../output/forecast_fields.ts";
import { parseForecast } from "../output/forecast_file.ts";
import { planArrows } from "./wind_arrows.ts";
import { addWinds, pairWinds } from "./wind_pairs.ts";

const FRAME = {
  bounds: { west: 0, east: 4, south: 0, north: 4 },
  x: 10,
  y: 20,
  width: 80,
  height: 80,
};
const assertNear = (actual: number, expected: number, within = 1e-6) =>
  assert(Math.abs(actual - expected) <= within, `${actual}, not ${expected}`);
const SHAPE = { rows: 4, columns: 4 };
const fill = (value: number) => new Float32Array(16).fill(value);

Deno.test("an arrow points to where the wind blows, in the middle of its cell", () => {
  const east = planArrows({ u: fill(5), v: fill(0) }, SHAPE, FRAME, 20);
  assertEquals(east.length, 16);
  const [tail, tip] = east[0]!;
  assert(tip![0] > tail![0]);
  assertNear(tip![1], tail![1]);
  const middles = east.map(([a, b]) => [(a![0] + b![0]) / 2, (a![1] + b![1]) / 2]);
  assert(middles.every(([x, y]) => (x! - 20) % 20 < 1e-9 && (y! - 30) % 20 < 1e-9));
  const north = planArrows({ u: fill(0), v: fill(5) }, SHAPE, FRAME, 20)[0]!;
  assert(north[1]![1] < north[0]![1], "north is up");
});

Deno.test("arrows are as long as the wind is fast, none where it is calm or missing, and fewer where cells are small", () => {
  const u = fill(10);
  u.set([5, 0, NaN]);
  const arrows = planArrows({ u, v: fill(0) }, SHAPE, FRAME, 20);
  assertEquals(arrows.length, 14);
  const lengths = arrows.map(([tail, tip]) => tip![0] - tail![0]);
  assertNear(lengths[0]! * 2, lengths[1]!);
  assertNear(Math.max(...lengths), 20);
  assertEquals(planArrows({ u: fill(1), v: fill(1) }, SHAPE, FRAME, 40).length, 4);
  assertEquals(planArrows({ u: fill(0), v: fill(0) }, SHAPE, FRAME, 40), []);
});

Deno.test("a wind whose components are in the file is added as the speed of its mean", async () => {
  const axes = makeAxes({ north: 1, south: 0, west: 30, east: 31 }, 0.5);
  const dataset = makeSyntheticForecast({ variables: ["u700", "v700"], steps: [36], axes });
  const file = parseForecast(await new Blob([...encodeNetcdf(dataset)]).bytes(), "a.nc");
  const { variables } = addWinds(file);
  assertEquals(variables.map(({ name }) => name), ["u700", "v700", "wind700"]);
  const [u, v, wind] = variables.map((variable) => findField(variable, "mean")!.values(0));
  wind!.forEach((speed, i) => assertNear(speed, Math.hypot(u![i]!, v![i]!), 1e-5));
  assertEquals(variables[2]!.longName, "speed of the mean wind at 700 hPa");
  assertEquals(addWinds(addWinds(file)).variables.length, 3);
  const named = (u: string, v: string, longName: string) =>
    pairWinds([u, v].map((name, i) => ({ ...file.variables[i]!, name, longName })))
      .map(({ name }) => name);
  assertEquals(named("10u", "10v", "10 metre U wind component"), ["wind10m"]);
  assertEquals(named("u10", "v10", "10 metre U wind component"), ["wind10m"]);
  assertEquals(named("u10m", "v10m", "eastward wind at 10 m"), ["wind10m"]);
  assertEquals(named("u700", "v925", "eastward wind at 700 hPa"), []);
});
